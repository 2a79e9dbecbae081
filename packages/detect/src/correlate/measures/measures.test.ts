/** What is special to single measures: numbers that do not drift, percentiles beyond the cap, tables that grow and shrink. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CorrelationRule, Limit } from '../../parse/parsed-rule.ts';
import { WindowCursor } from '../window-cursor.ts';
import { createMeasure } from './create-measure.ts';
import { MAX_SORTED } from './rank-measure.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);

function cursorOf(
  type: 'value_sum' | 'value_avg' | 'value_percentile' | 'value_count',
  condition: readonly Limit[],
  timespanMs: number,
): WindowCursor {
  const rule = { type, condition, percentile: 50, references: ['a'], expression: undefined } as unknown as CorrelationRule & {
    type: typeof type;
  };
  return new WindowCursor(createMeasure(rule), { timespanMs, isSession: false });
}

/** A finite double as a whole number of the smallest double's size. */
function exact(value: number): bigint {
  if (value === 0) return 0n;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const whole = bits.getBigUint64(0);
  const exponent = Number((whole >> 52n) & 0x7ffn);
  const fraction = whole & 0xfffffffffffffn;
  const size = (exponent === 0 ? fraction : fraction | (1n << 52n)) << BigInt(Math.max(0, exponent - 1));
  return whole >> 63n === 1n ? -size : size;
}

describe('sums', () => {
  // Two doubles hold 106 bits: from a thousandth to a million millions.
  it(`compare as exact sums do, after any number of values came and went (seed ${seed})`, () => {
    const values = fc.array(
      fc.oneof(
        fc.constantFrom(0.1, 0.2, 0.7, -0.3, 1e12, -1e12, 3),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((value) => (Math.abs(value) < 1e-3 ? 0 : value)),
      ),
      {
        minLength: 5,
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(values, fc.constantFrom(0, 0.3, 1, 1e12), fc.boolean(), (all, limit, isAverage) => {
        const cursor = cursorOf(isAverage ? 'value_avg' : 'value_sum', [{ comparison: 'gte', limit }], 3);
        for (const [at, value] of all.entries()) {
          cursor.insert(at, value);
          const window = all.slice(Math.max(0, at - 3), at + 1);
          const sum = window.reduce((total, one) => total + exact(one), 0n);
          const wanted = exact(limit) * (isAverage ? BigInt(window.length) : 1n);
          expect(cursor.holdsAt(at + 1)).toBe(sum >= wanted);
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('percentiles beyond the cap', () => {
  it('are within 1 %, and exact again in a window of half the size', () => {
    const cursor = cursorOf('value_percentile', [{ comparison: 'gte', limit: 1000 }], MAX_SORTED * 2);
    for (let i = 0; i < MAX_SORTED + 1000; i++) cursor.insert(i, i % 2 === 0 ? 990 : 1015);
    // The median of the two halves lies between 990 and 1015: exactly 1002.5 over an even number of values.
    expect(cursor.holdsAt(MAX_SORTED)).toBe(true);
    expect(cursor.holdsAt(MAX_SORTED + 1000)).toBe(true);
    const low = cursorOf('value_percentile', [{ comparison: 'gte', limit: 1000 }], MAX_SORTED * 2);
    for (let i = 0; i < MAX_SORTED + 1000; i++) low.insert(i, 985);
    expect(low.holdsAt(MAX_SORTED + 1000)).toBe(false);
    const high = cursorOf('value_percentile', [{ comparison: 'gte', limit: 1000 }], MAX_SORTED * 2);
    for (let i = 0; i < MAX_SORTED + 1000; i++) high.insert(i, 1020);
    expect(high.holdsAt(MAX_SORTED + 1000)).toBe(true);
  });
});

describe('different values', () => {
  it(`are counted right while values come and go in both directions (seed ${seed})`, () => {
    const values = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 30, maxLength: 300 });
    fc.assert(
      fc.property(values, fc.array(fc.nat(), { minLength: 5, maxLength: 40 }), fc.integer({ min: 5, max: 150 }), (all, ends, span) => {
        const limits = [10, 20, 35].map((limit) => ({ limit, cursor: cursorOf('value_count', [{ comparison: 'gte', limit }], span) }));
        for (const { cursor } of limits) for (const [at, value] of all.entries()) cursor.insert(at, value * 0x123456789);
        for (const end of ends) {
          const to = 1 + (end % all.length);
          const distinct = new Set(all.slice(Math.max(0, to - 1 - span), to)).size;
          for (const { limit, cursor } of limits) expect(cursor.holdsAt(to)).toBe(distinct >= limit);
        }
      }),
      { seed, numRuns: 200 },
    );
  });
});
