/**
 * The log of the program itself: one JSON object per line on standard error. Event data is never part of a message, only
 * of fields, so that one record stays one line; whoever logs about an event uses `eventFields`.
 */

import type { SecurityEvent } from '@tocsin/core';
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

/** The four facts that every line about an event carries. */
export function eventFields(event: Pick<SecurityEvent, 'id' | 'type' | 'tenant' | 'correlationId'>): Record<string, string | null> {
  return { event_id: event.id, event_type: event.type, tenant_id: event.tenant, correlation_id: event.correlationId ?? null };
}
