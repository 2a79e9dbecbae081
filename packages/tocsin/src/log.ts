/**
 * The log of the program itself: one JSON object per line on standard error. Event data is never part of a message, only
 * of fields, so that one record stays one line; whoever logs about an event uses `eventFields`.
 */
import { type DestinationStream, type Logger, pino } from 'pino';

/** Levels, least first. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A logger that writes to `destination`; credentials in known places are left out. */
export function createLogger(level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ['authorization', 'token', '*.authorization', '*.token', 'req.headers.authorization'], censor: '[redacted]' },
    },
    destination,
  );
}
