/** Limits of a condition as a test of a number. */
import type { Comparison, Limit } from '../../parse/parsed-rule.ts';

/** Whether a number is within all limits. */
export type NumberTest = (value: number) => boolean;

/** A test that wants every limit kept. */
export function limitTest(limits: readonly Limit[]): NumberTest {
  const [first] = limits;
  if (limits.length === 1 && first !== undefined) {
    const compare = comparisons[first.comparison];
    const { limit } = first;
    return (value) => compare(value, limit);
  }
  return (value) => limits.every(({ comparison, limit }) => comparisons[comparison](value, limit));
}

/** Whether a growing number can never leave the limits once it is within them. */
export function isMonotone(limits: readonly Limit[]): boolean {
  return limits.every(({ comparison }) => comparison === 'gt' || comparison === 'gte');
}

/** Whether a comparison holds of a number whose difference to the limit has this sign (negative, 0, positive). */
export function holdsOfSign(comparison: Comparison, sign: number): boolean {
  return comparisons[comparison](sign, 0);
}

const comparisons: Readonly<Record<Comparison, (value: number, limit: number) => boolean>> = {
  gt: (value, limit) => value > limit,
  gte: (value, limit) => value >= limit,
  lt: (value, limit) => value < limit,
  lte: (value, limit) => value <= limit,
  eq: (value, limit) => value === limit,
  neq: (value, limit) => value !== limit,
};
