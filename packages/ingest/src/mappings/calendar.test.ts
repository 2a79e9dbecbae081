/** Days and years by arithmetic against the runtime's calendar. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateMs, MONTHS, monthAt, offsetMs, yearOf } from './calendar.ts';

test('every day of the calendar is the day that it is', () => {
  for (let ms = 0; ms < Date.UTC(2410, 0, 1); ms += 86_400_000) {
    const date = new Date(ms);
    expect(dateMs(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate())).toBe(ms);
  }
  expect(dateMs(9999, 12, 31)).toBe(Date.UTC(9999, 11, 31));
  expect([dateMs(2100, 2, 29), dateMs(2000, 2, 29), dateMs(1969, 12, 31), dateMs(2026, 13, 1), dateMs(2026, 4, 31)]).toEqual([
    undefined,
    Date.UTC(2000, 1, 29),
    undefined,
    undefined,
    undefined,
  ]);
});

test('the year of any time, also at the ends of years', () => {
  const ends = Array.from({ length: 8030 }, (_, i) => Date.UTC(1970 + i, 0, 1)).flatMap((ms) => [ms - 1, ms, ms + 1]);
  for (const ms of ends) expect(yearOf(ms), String(ms)).toBe(new Date(ms).getUTCFullYear());
  fc.assert(fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (ms) => yearOf(ms) === new Date(ms).getUTCFullYear()));
  expect(yearOf(Number.NaN)).toBeNaN();
});

test('months by their names, wherever they stand', () => {
  expect(MONTHS.map((name) => monthAt(`x ${name} 1`, 2))).toEqual(MONTHS.map((_name, i) => i + 1));
  for (const text of ['', 'Ja', 'jan', 'Jän', 'Foo', 'Ĵan', '\u014aan', 'J\u0261n']) expect(monthAt(text, 0), text).toBe(0);
});

test.each(['', 'Z', 'z', '+02', '-0230', '+02:30', '+2', '+02:3', 'x', '+02:30x', '+25', '-', '+02:'])(
  'an offset %j reads alike from its beginning and within a text',
  (offset) => {
    expect(offsetMs(`12:00${offset}`, 5)).toBe(offsetMs(offset));
  },
);
