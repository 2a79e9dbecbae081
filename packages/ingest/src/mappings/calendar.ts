/** Days, clocks and zones: arithmetic of times, told apart from how they are written (`event-time.ts`, `written-time.ts`). */

/** Short English names of months, as logs have them. */
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds of midnight UTC; undefined where the calendar has no such day. */
export function dateMs(year: number, month: number, day: number): number | undefined {
  if (!(year >= 1970 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return undefined;
  if (day > 28 && day > daysIn(year, month)) return undefined;
  return daysSince1970(year, month, day) * DAY;
}

/** Year of a time, UTC. */
export function yearOf(ms: number): number {
  if (!(ms >= 0 && ms < MAX_ROUGH_MS)) return new Date(ms).getUTCFullYear();
  // At most one off: years differ from their mean by less than two days.
  const year = 1970 + Math.floor(ms / MEAN_YEAR_MS);
  if (daysSince1970(year, 1, 1) * DAY > ms) return year - 1;
  return daysSince1970(year + 1, 1, 1) * DAY <= ms ? year + 1 : year;
}

/** Number of a month by the first three letters of its name, 1 … 12; 0 where no month is called so. */
export function monthAt(text: string, at: number): number {
  const number = MONTH_NUMBERS.get((text.charCodeAt(at) << 16) | (text.charCodeAt(at + 1) << 8) | text.charCodeAt(at + 2)) ?? 0;
  // Letters beyond ASCII may come to the same key.
  return text.startsWith(MONTHS[number - 1] ?? '', at) ? number : 0;
}

/** Days of the proleptic Gregorian calendar; years counted from March, so that leap days come last (Hinnant, "chrono-Compatible Low-Level Date Algorithms"). */
function daysSince1970(year: number, month: number, day: number): number {
  const fromMarch = month > 2 ? year : year - 1;
  const leaps = Math.floor(fromMarch / 4) - Math.floor(fromMarch / 100) + Math.floor(fromMarch / 400);
  const ofYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  return fromMarch * 365 + leaps + ofYear - DAYS_TO_1970;
}

/** A leap second (60) is read as the next minute's first. */
export function isClock(hour: number, minute: number, second: number): boolean {
  return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
}

/** Milliseconds east of UTC, of what stands in a text from `at` on: nothing or `Z` for none, else `±hh`, `±hhmm` or `±hh:mm`; undefined where something else follows. */
export function offsetMs(text: string, at = 0): number | undefined {
  const length = text.length - at;
  if (length <= 0 || isUtcMark(text, at)) return 0;
  const sign = text[at] === '+' ? 1 : -1;
  if (sign === -1 && text[at] !== '-') return undefined;
  const minutesAt = text[at + 3] === ':' ? 4 : 3;
  const hours = digits(text, at + 1, 2);
  const minutes = length === 3 ? 0 : digits(text, at + minutesAt, 2);
  const complete = length === 3 || length === minutesAt + 2;
  return complete && isClock(hours, minutes, 0) ? sign * (hours * HOUR + minutes * MINUTE) : undefined;
}

/** Whether a text ends with `Z` at this place. */
function isUtcMark(text: string, at: number): boolean {
  return at === text.length - 1 && (text[at] === 'Z' || text[at] === 'z');
}

/** A number of exactly `count` digits; NaN where there are others. */
export function digits(text: string, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at++) {
    const unit = text.charCodeAt(at);
    if (!isDigit(unit)) return Number.NaN;
    value = value * 10 + unit - DIGIT_0;
  }
  return value;
}

/** Whether a code unit is `0` … `9`. */
export function isDigit(unit: number): boolean {
  return unit >= DIGIT_0 && unit <= DIGIT_9;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

const MONTH_NUMBERS: ReadonlyMap<number, number> = new Map(
  MONTHS.map((name, i) => [(name.charCodeAt(0) << 16) | (name.charCodeAt(1) << 8) | name.charCodeAt(2), i + 1]),
);
/** From 1 March of the year 0 on. */
const DAYS_TO_1970 = 719_468;
const DAY = 86_400_000;
const MEAN_YEAR_MS = 365.2425 * DAY;
/** Beyond the year 9999 nothing is read quickly. */
const MAX_ROUGH_MS = 253_402_300_800_000;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
