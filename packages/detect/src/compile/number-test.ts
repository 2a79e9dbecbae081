/** Numeric and date-part comparisons (Sigma 2.1, "Numeric Modifiers", "Time Modifiers"). Dates are read in UTC. */
import type { NumberComparison, TimePart } from '../parse/item-spec.ts';
import { isScalar } from './event-view.ts';

/** Whether a value satisfies something. */
export type AnyTest = (value: unknown) => boolean;

const DAY_MS = 86_400_000;
/** Smaller numbers are seconds since 1970 (as in Zeek), larger ones milliseconds: 10^11 ms is in 1973, 10^11 s is in the year 5138. */
const MILLISECONDS_FROM = 1e11;

/** Test of a number, or of a part of a date. What is no number, or no date, satisfies nothing. */
export function numberTest(comparison: NumberComparison, limit: number, part: TimePart | undefined): AnyTest {
  const holds = comparisons[comparison];
  if (part === undefined) return (value) => holds(toNumber(value), limit);
  return (value) => {
    const date = toDate(value);
    return date !== undefined && holds(datePart(date, part), limit);
  };
}

const comparisons: Readonly<Record<NumberComparison, (number: number, limit: number) => boolean>> = {
  lt: (number, limit) => number < limit,
  lte: (number, limit) => number <= limit,
  gt: (number, limit) => number > limit,
  gte: (number, limit) => number >= limit,
  eq: (number, limit) => number === limit,
};

function toNumber(value: unknown): number {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
}

function toDate(value: unknown): Date | undefined {
  if (!isScalar(value) || typeof value === 'boolean') return undefined;
  const number = toNumber(value);
  const date = Number.isNaN(number)
    ? new Date(inUtc(String(value)))
    : new Date(Math.abs(number) < MILLISECONDS_FROM ? number * 1000 : number);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** A time of day without a zone would be read in the machine's own zone: it is UTC here, wherever the rule runs. */
function inUtc(text: string): string {
  return /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?$/.test(text) ? `${text.replace(' ', 'T').replace(',', '.')}Z` : text;
}

function datePart(date: Date, part: TimePart): number {
  if (part === 'minute') return date.getUTCMinutes();
  if (part === 'hour') return date.getUTCHours();
  if (part === 'day') return date.getUTCDate();
  if (part === 'month') return date.getUTCMonth() + 1;
  if (part === 'year') return date.getUTCFullYear();
  // Weeks of the year from 1 January, which stays within the 1 … 52 of the specification but for the last day or two.
  return Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / (7 * DAY_MS)) + 1;
}
