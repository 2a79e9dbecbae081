/**
 * Times at the head of a syslog line: where one ends, and the time in a form that mappings read (ISO 8601, or `Mmm dd hh:mm:ss` where
 * the year is not said). Resolving a missing year needs the time of receipt and is done there.
 */

/** A time in a line. */
export interface ScannedTime {
  readonly timestamp: string;
  /** Index of the first character that is no part of it. */
  readonly end: number;
}

/**
 * The time at `at` in any of the dialects; undefined where none stands there. Without a priority before it, `2021-10-11 22:14:15` is
 * none: programs' own logs begin so, and what follows there is no host.
 */
export function scanTime(text: string, at: number, hasPriority: boolean): ScannedTime | undefined {
  if (!isDigit(text.charCodeAt(at))) return scanMonthFirst(text, at);
  return scanIso(text, at) ?? (hasPriority ? (scanSpaced(text, at) ?? scanYearFirst(text, at) ?? scanSlashed(text, at)) : undefined);
}

/** Whether `YYYY-MM-DDThh:mm…` fills the text between two indexes: a time as RFC 5424 wants it, or nearly so. */
export function isIsoTime(text: string, at: number, end: number): boolean {
  return end - at >= 16 && end - at <= MAX_ISO && text.charCodeAt(at + 10) === LETTER_T && isDashedDate(text, at) && text[at + 13] === ':';
}

/** Seconds since 1970 with a fraction, such as Meraki devices write after the version, as ISO 8601; undefined where they are none. */
export function scanEpoch(text: string, at: number, end: number): string | undefined {
  if (end - at < 10 || end - at > 21 || !allDigits(text, at, at + 10)) return undefined;
  if (end - at > 10 && (text.charCodeAt(at + 10) !== DOT || !allDigits(text, at + 11, end))) return undefined;
  return new Date(Math.floor(Number(text.slice(at, end)) * 1000)).toISOString();
}

/** Whether a UTF-16 unit is an ASCII digit. */
export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

const MAX_ISO = 40;
const MAX_FRACTION = 9;
const LETTER_T = 0x54;
const SPACE = 0x20;
const COMMA = 0x2c;
const DASH = 0x2d;
const DOT = 0x2e;
const SLASH = 0x2f;
const COLON = 0x3a;

/** `YYYY-MM-DDThh:mm…` up to the next space. */
function scanIso(text: string, at: number): ScannedTime | undefined {
  if (text.charCodeAt(at + 10) !== LETTER_T) return undefined;
  const space = text.indexOf(' ', at);
  let end = space === -1 ? text.length : space;
  if (text.charCodeAt(end - 1) === COLON) end--;
  return isIsoTime(text, at, end) ? { timestamp: text.slice(at, end), end } : undefined;
}

/** `YYYY-MM-DD hh:mm:ss[.fraction]`, as Palo Alto devices and Java programs write. */
function scanSpaced(text: string, at: number): ScannedTime | undefined {
  const end = isDashedDate(text, at) && text.charCodeAt(at + 10) === SPACE ? endOfClock(text, at + 11) : undefined;
  return end === undefined ? undefined : { timestamp: `${text.slice(at, at + 10)}T${withDot(text.slice(at + 11, end))}`, end };
}

/** `2021 Oct 11 22:14:15`, as NX-OS writes. */
function scanYearFirst(text: string, at: number): ScannedTime | undefined {
  if (!allDigits(text, at, at + 4) || text.charCodeAt(at + 4) !== SPACE) return undefined;
  const day = scanDay(text, at + 5);
  const end = day === undefined ? undefined : endOfClock(text, day.end);
  return day === undefined || end === undefined ? undefined : dated(text, { year: text.slice(at, at + 4), day, end });
}

/** `2021/10/11 22:14:15`. */
function scanSlashed(text: string, at: number): ScannedTime | undefined {
  if (!isDate(text, at, SLASH) || text.charCodeAt(at + 10) !== SPACE) return undefined;
  const end = endOfClock(text, at + 11);
  if (end === undefined) return undefined;
  const date = `${text.slice(at, at + 4)}-${text.slice(at + 5, at + 7)}-${text.slice(at + 8, at + 10)}`;
  return { timestamp: `${date}T${withDot(text.slice(at + 11, end))}`, end };
}

/** `Oct 11 22:14:15` (RFC 3164, 4.1.2), with a day of one digit, a fraction, a year before or after the clock, a zone before a colon. */
function scanMonthFirst(text: string, at: number): ScannedTime | undefined {
  const day = scanDay(text, at);
  if (day === undefined) return undefined;
  const yearEnd = endOfYear(text, day.end);
  const clock = yearEnd === undefined ? day.end : yearEnd + 1;
  const clockEnd = endOfClock(text, clock);
  if (clockEnd === undefined) return undefined;
  const end = endOfZone(text, clockEnd);
  if (yearEnd !== undefined) return dated(text, { year: text.slice(day.end, yearEnd), day: { ...day, end: clock }, end: clockEnd }, end);
  const lateYear = text.charCodeAt(end) === SPACE ? endOfYear(text, end + 1) : undefined;
  if (lateYear !== undefined) return dated(text, { year: text.slice(end + 1, lateYear), day, end: clockEnd }, lateYear);
  const timestamp = day.end - at === 7 ? text.slice(at, clockEnd) : `${text.slice(at, at + 4)} ${text.slice(at + 4, clockEnd)}`;
  return { timestamp, end };
}

/** Month and day; `end` is where the clock or year begins. */
interface Day {
  readonly month: number;
  readonly day: string;
  readonly end: number;
}

/** `Oct 11 `, `Oct  1 `, `Oct 1 `. */
function scanDay(text: string, at: number): Day | undefined {
  const month = monthAt(text, at);
  if (month === 0 || text.charCodeAt(at + 3) !== SPACE) return undefined;
  const first = text.charCodeAt(at + 4);
  const second = text.charCodeAt(at + 5);
  if (isDigit(second) && (first === SPACE || isDigit(first)) && text.charCodeAt(at + 6) === SPACE) {
    return { month, day: first === SPACE ? `0${text[at + 5]}` : text.slice(at + 4, at + 6), end: at + 7 };
  }
  return isDigit(first) && second === SPACE ? { month, day: `0${text[at + 4]}`, end: at + 6 } : undefined;
}

function dated(text: string, parts: { year: string; day: Day; end: number }, end = parts.end): ScannedTime {
  const { year, day } = parts;
  const month = day.month < 10 ? `0${day.month}` : String(day.month);
  return { timestamp: `${year}-${month}-${day.day}T${withDot(text.slice(day.end, parts.end))}`, end };
}

/** End of a year from 1900 to 2999 that a space or `: ` follows. */
function endOfYear(text: string, at: number): number | undefined {
  const century = text.slice(at, at + 2);
  if ((century !== '19' && century[0] !== '2') || !allDigits(text, at, at + 4)) return undefined;
  const next = text.charCodeAt(at + 4);
  return next === SPACE || (next === COLON && text.charCodeAt(at + 5) === SPACE) ? at + 4 : undefined;
}

/** End of `hh:mm:ss` and a fraction. */
function endOfClock(text: string, at: number): number | undefined {
  if (text.charCodeAt(at + 2) !== COLON || text.charCodeAt(at + 5) !== COLON) return undefined;
  if (!allDigits(text, at, at + 2) || !allDigits(text, at + 3, at + 5) || !allDigits(text, at + 6, at + 8)) return undefined;
  const mark = text.charCodeAt(at + 8);
  if ((mark !== DOT && mark !== COMMA) || !isDigit(text.charCodeAt(at + 9))) return at + 8;
  let end = at + 9;
  while (end - at - 9 < MAX_FRACTION && isDigit(text.charCodeAt(end))) end++;
  return end;
}

/** End of ` UTC` where a colon follows it: the zone of Cisco devices. Only UTC can be told; other names are left out. */
function endOfZone(text: string, at: number): number {
  if (text.charCodeAt(at) !== SPACE) return at;
  let end = at + 1;
  while (end - at <= 5 && isCapital(text.charCodeAt(end))) end++;
  return end > at + 2 && text.charCodeAt(end) === COLON ? end : at;
}

/** 1 to 12; 0 where no English month begins at `at`. */
function monthAt(text: string, at: number): number {
  const found = MONTHS.get((text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2));
  return found ?? 0;
}

const MONTHS: ReadonlyMap<number, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map((name, index) => [
    (name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2),
    index + 1,
  ]),
);

function isDashedDate(text: string, at: number): boolean {
  return isDate(text, at, DASH);
}

function isDate(text: string, at: number, divider: number): boolean {
  return (
    text.charCodeAt(at + 4) === divider &&
    text.charCodeAt(at + 7) === divider &&
    allDigits(text, at, at + 4) &&
    allDigits(text, at + 5, at + 7) &&
    allDigits(text, at + 8, at + 10)
  );
}

function allDigits(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return true;
}

function isCapital(unit: number): boolean {
  return unit >= 0x41 && unit <= 0x5a;
}

function withDot(clock: string): string {
  return clock.replace(',', '.');
}
