/**
 * Sum and average of numbers (`value_sum`, `value_avg`). The sum is kept in two doubles (error-free addition after Knuth and Dekker), so
 * that what enters and leaves again leaves nothing behind; an average is compared as sum against limit times number, without division.
 */
import type { CorrelationRule, Limit } from '../../parse/parsed-rule.ts';
import { holdsOfSign } from './limit-test.ts';
import type { Measure, MeasureKind } from './measure.ts';

/** Compares the sum, or the average, with the rule's limits. */
export function sumMeasure(rule: CorrelationRule): MeasureKind {
  const isAverage = rule.type === 'value_avg';
  return {
    isMonotone: false,
    isOrdered: false,
    countsOnly: false,
    joinsRules: false,
    isRaw: true,
    mayHold: undefined,
    create: () => new Sum(rule.condition, isAverage),
  };
}

class Sum implements Measure {
  readonly #limits: readonly Limit[];
  readonly #isAverage: boolean;
  readonly bytes = 0;
  #high = 0;
  #low = 0;
  #events = 0;

  constructor(limits: readonly Limit[], isAverage: boolean) {
    this.#limits = limits;
    this.#isAverage = isAverage;
  }

  enter(value: number): void {
    this.#events += 1;
    this.#add(value);
  }

  leave(value: number): void {
    this.#events -= 1;
    if (this.#events === 0) this.clear();
    else this.#add(-value);
  }

  holds(): boolean {
    return this.#limits.every(({ comparison, limit }) => holdsOfSign(comparison, this.#signAgainst(limit)));
  }

  clear(): void {
    this.#high = 0;
    this.#low = 0;
    this.#events = 0;
  }

  #add(value: number): void {
    const sum = this.#high + value;
    const part = sum - this.#high;
    const error = this.#high - (sum - part) + (value - part);
    const low = this.#low + error;
    // Back to the largest double and what is left of it, so that the two never overlap.
    this.#high = sum + low;
    this.#low = low - (this.#high - sum);
  }

  /** Sign of sum - limit, or of sum - limit * events. */
  #signAgainst(limit: number): number {
    const [product, error] = this.#isAverage ? multiply(limit, this.#events) : [limit, 0];
    const difference = this.#high - product;
    const part = difference - this.#high;
    const lost = this.#high - (difference - part) + (-product - part);
    return Math.sign(difference + (lost + (this.#low - error)));
  }
}

/** A product and what rounding took from it (Dekker, with Veltkamp's splitting). */
function multiply(a: number, b: number): [number, number] {
  const product = a * b;
  if (Math.abs(a) > MAX_SPLIT) return [product, 0];
  const [aHigh, aLow] = split(a);
  const [bHigh, bLow] = split(b);
  return [product, aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)];
}

const MAX_SPLIT = 2 ** 990;

function split(value: number): [number, number] {
  const scaled = 134_217_729 * value;
  const high = scaled - (scaled - value);
  return [high, value - high];
}
