/**
 * Times as producers write them → milliseconds since 1970. Strict and by hand: `Date.parse` guesses, and takes a time without
 * a zone for the server's own. A time without a zone is UTC here; a fraction is cut to milliseconds.
 */

import { dateMs, digits, isClock, isDigit, monthAt, offsetMs, yearOf } from './calendar.ts';
import { readWrittenTime } from './written-time.ts';

/** How a time is written; `any` tells by looks. */
export type TimeFormat = 'any' | 'iso' | 'epoch_s' | 'epoch_ms' | 'syslog';

/** The formats, for those who check names. */
export const TIME_FORMATS: readonly TimeFormat[] = ['any', 'iso', 'epoch_s', 'epoch_ms', 'syslog'];

/**
 * Reads a time; undefined where it is none. `receivedMs` gives a year to times without one (RFC 3164): the latest year in
 * which the date exists and lies no more than a day after receipt.
 */
export function readTime(value: unknown, format: TimeFormat, receivedMs: number): number | undefined {
  if (typeof value === 'number') return format === 'iso' || format === 'syslog' ? undefined : readEpoch(value, format);
  if (typeof value !== 'string' || value.length > MAX_TEXT) return undefined;
  if (format === 'syslog') return readSyslogTime(value, receivedMs) ?? readIsoTime(value);
  if (format === 'iso') return readIsoTime(value);
  return format === 'any' ? readByLooks(value, receivedMs) : readEpochText(value, format);
}

/** `YYYY-MM-DD`, then `T` or a space, `hh:mm[:ss[.fraction]]`, then nothing, `Z` or an offset (ISO 8601, RFC 3339). */
export function readIsoTime(text: string): number | undefined {
  if (text[4] !== '-' || text[7] !== '-' || (text[10] !== 'T' && text[10] !== ' ') || text[13] !== ':') return undefined;
  const date = dateMs(digits(text, 0, 4), digits(text, 5, 2), digits(text, 8, 2));
  const hour = digits(text, 11, 2);
  const minute = digits(text, 14, 2);
  const hasSeconds = text[16] === ':';
  const second = hasSeconds ? digits(text, 17, 2) : 0;
  if (date === undefined || !isClock(hour, minute, second)) return undefined;
  const fraction = readFraction(text, hasSeconds ? 19 : 16);
  const offset = offsetMs(text, fraction.end);
  return offset === undefined ? undefined : date + hour * HOUR + minute * MINUTE + second * 1000 + fraction.ms - offset;
}

/** `Mmm dd hh:mm:ss` (RFC 3164, 4.1.2) with or without a fraction, year from the time of receipt. */
export function readSyslogTime(text: string, receivedMs: number): number | undefined {
  const month = monthAt(text, 0);
  const day = text[4] === ' ' ? digits(text, 5, 1) : digits(text, 4, 2);
  const hour = digits(text, 7, 2);
  const minute = digits(text, 10, 2);
  const second = digits(text, 13, 2);
  const fraction = readFraction(text, 15);
  if (text.length < 15 || text.length !== fraction.end || month === 0 || !isClock(hour, minute, second)) return undefined;
  const clock = hour * HOUR + minute * MINUTE + second * 1000 + fraction.ms;
  return inLatestYear(month, day, { clock, receivedMs });
}

function inLatestYear(month: number, day: number, when: { clock: number; receivedMs: number }): number | undefined {
  const newest = yearOf(when.receivedMs + DAY);
  // 29 February may be eight years back, across a century that is no leap year.
  for (let year = newest; year >= newest - 8; year--) {
    const date = dateMs(year, month, day);
    if (date !== undefined && date + when.clock <= when.receivedMs + DAY) return date + when.clock;
  }
  return undefined;
}

function readByLooks(text: string, receivedMs: number): number | undefined {
  const first = text.charCodeAt(0);
  if (first < DIGIT_0 || first > DIGIT_9) return readSyslogTime(text, receivedMs) ?? readWrittenTime(text);
  return text[4] === '-' ? readIsoTime(text) : (readEpochText(text, 'any') ?? readWrittenTime(text));
}

function readEpochText(text: string, format: TimeFormat): number | undefined {
  return /^\d{1,19}(\.\d{1,9})?$/.test(text) ? readEpoch(Number(text), format) : undefined;
}

/** Seconds, milliseconds, microseconds or nanoseconds, told apart by size where not named: all mean times between 1973 and 5138. */
function readEpoch(value: number, format: TimeFormat): number | undefined {
  const ms = Math.floor(value * scaleOf(value, format));
  return Number.isFinite(ms) && ms >= 0 && ms <= MAX_MS ? ms : undefined;
}

function scaleOf(value: number, format: TimeFormat): number {
  if (format === 'epoch_s') return 1000;
  if (format === 'epoch_ms') return 1;
  if (value < 1e11) return 1000;
  if (value < 1e14) return 1;
  return value < 1e17 ? 1e-3 : 1e-6;
}

function readFraction(text: string, at: number): { ms: number; end: number } {
  if (text[at] !== '.' && text[at] !== ',') return { ms: 0, end: at };
  let ms = 0;
  let end = at + 1;
  for (let scale = 100; end < text.length && isDigit(text.charCodeAt(end)); end++, scale /= 10) {
    if (scale >= 1) ms += (text.charCodeAt(end) - DIGIT_0) * scale;
  }
  return end === at + 1 ? { ms: 0, end: at } : { ms, end };
}

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MAX_TEXT = 40;
/** End of the year 9999. */
const MAX_MS = 253_402_300_799_999;
