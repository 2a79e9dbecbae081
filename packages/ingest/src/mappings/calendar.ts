/** Days, clocks and zones: arithmetic of times, told apart from how they are written (`event-time.ts`, `written-time.ts`). */

/** Short English names of months, as logs have them. */
export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Milliseconds of midnight UTC; undefined where the calendar has no such day. */
export function dateMs(year: number, month: number, day: number): number | undefined {
  if (!(year >= 1970 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31)) return undefined;
  if (day > 28 && day > daysIn(year, month)) return undefined;
  return Date.UTC(year, month - 1, day);
}

/** A leap second (60) is read as the next minute's first. */
export function isClock(hour: number, minute: number, second: number): boolean {
  return hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60;
}

/** Milliseconds east of UTC: nothing or `Z` for none, else `±hh`, `±hhmm` or `±hh:mm`; undefined where something else follows. */
export function offsetMs(rest: string): number | undefined {
  if (rest === '' || rest === 'Z' || rest === 'z') return 0;
  const sign = rest[0] === '+' ? 1 : -1;
  if (sign === -1 && rest[0] !== '-') return undefined;
  const minutesAt = rest[3] === ':' ? 4 : 3;
  const hours = digits(rest, 1, 2);
  const minutes = rest.length === 3 ? 0 : digits(rest, minutesAt, 2);
  const complete = rest.length === 3 || rest.length === minutesAt + 2;
  return complete && isClock(hours, minutes, 0) ? sign * (hours * HOUR + minutes * MINUTE) : undefined;
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

const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
