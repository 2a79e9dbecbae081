/**
 * The value below which a share of all values lies (`value_percentile`, `value_median`), by linear interpolation between the two nearest
 * ranks (type 7 of Hyndman and Fan). Exact over a sorted list; a window of more than 16,384 numbers is counted in buckets of
 * 1 % width instead, and is exact again once it has shrunk to half.
 */
import type { CorrelationRule } from '../../parse/parsed-rule.ts';
import { limitTest, type NumberTest } from './limit-test.ts';
import type { Measure, MeasureKind, WindowView } from './measure.ts';

/** Numbers kept in order at most. */
export const MAX_SORTED = 16_384;

/** Compares the value at the rule's percentile with its limits. */
export function rankMeasure(rule: CorrelationRule): MeasureKind {
  const meets = limitTest(rule.condition);
  const share = (rule.percentile ?? 50) / 100;
  return {
    isMonotone: false,
    isOrdered: false,
    countsOnly: false,
    joinsRules: false,
    isRaw: true,
    mayHold: undefined,
    create: () => new Rank(share, meets),
  };
}

/** Both keep numbers and find one by its rank. */
interface Ranking {
  add(value: number): void;
  remove(value: number): void;
  /** The number at a rank from 0, the least. */
  at(rank: number): number;
  readonly bytes: number;
}

class Rank implements Measure {
  readonly #share: number;
  readonly #meets: NumberTest;
  #events = 0;
  #ranking: Ranking | undefined;
  #isExact = true;

  constructor(share: number, meets: NumberTest) {
    this.#share = share;
    this.#meets = meets;
  }

  get bytes(): number {
    return this.#ranking?.bytes ?? 0;
  }

  enter(value: number): void {
    this.#events += 1;
    this.#ranking?.add(value);
  }

  leave(value: number): void {
    this.#events -= 1;
    this.#ranking?.remove(value);
    if (this.#events === 0) this.clear();
  }

  holds(window: WindowView): boolean {
    const isExact = this.#events <= (this.#isExact ? MAX_SORTED : MAX_SORTED / 2);
    if (this.#ranking === undefined || isExact !== this.#isExact) {
      this.#isExact = isExact;
      this.#ranking = isExact ? new SortedNumbers() : new NumberBuckets();
      for (let i = window.from; i < window.to; i++) this.#ranking.add(window.ring.cellAt(i));
    }
    const rank = this.#share * (this.#events - 1);
    const low = this.#ranking.at(Math.floor(rank));
    const high = this.#ranking.at(Math.ceil(rank));
    return this.#meets(low === high ? low : low + (rank - Math.floor(rank)) * (high - low));
  }

  clear(): void {
    this.#events = 0;
    this.#ranking = undefined;
    this.#isExact = true;
  }
}

class SortedNumbers implements Ranking {
  #numbers = new Float64Array(8);
  #length = 0;

  get bytes(): number {
    return 8 * this.#numbers.length;
  }

  add(value: number): void {
    if (this.#length === this.#numbers.length) {
      const grown = new Float64Array(2 * this.#length);
      grown.set(this.#numbers);
      this.#numbers = grown;
    }
    const at = this.#find(value);
    this.#numbers.copyWithin(at + 1, at, this.#length);
    this.#numbers[at] = value;
    this.#length += 1;
  }

  remove(value: number): void {
    this.#numbers.copyWithin(this.#find(value), this.#find(value) + 1, this.#length);
    this.#length -= 1;
  }

  at(rank: number): number {
    return this.#numbers[rank] as number;
  }

  #find(value: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#numbers[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Numbers rounded to 1 %: each bucket reaches from one power of the base to the next (as DDSketch does, Masson et al. 2019). */
class NumberBuckets implements Ranking {
  readonly #counts = new Map<number, number>();
  #keys: number[] | undefined;

  get bytes(): number {
    return 48 * this.#counts.size;
  }

  add(value: number): void {
    const key = bucketOf(value);
    const before = this.#counts.get(key) ?? 0;
    if (before === 0) this.#keys = undefined;
    this.#counts.set(key, before + 1);
  }

  remove(value: number): void {
    const key = bucketOf(value);
    const left = (this.#counts.get(key) ?? 0) - 1;
    if (left > 0) this.#counts.set(key, left);
    else {
      this.#counts.delete(key);
      this.#keys = undefined;
    }
  }

  at(rank: number): number {
    this.#keys ??= [...this.#counts.keys()].sort((a, b) => a - b);
    let below = 0;
    for (const key of this.#keys) {
      below += this.#counts.get(key) ?? 0;
      if (below > rank) return middleOf(key);
    }
    return Number.NaN;
  }
}

const LOG_BASE = Math.log(1.02);
/** Powers of the base below the smallest double: keys of numbers are all on one side of 0. */
const OFFSET = 40_000;

function bucketOf(value: number): number {
  if (value === 0) return 0;
  const key = Math.ceil(Math.log(Math.abs(value)) / LOG_BASE) + OFFSET;
  return value < 0 ? -key : key;
}

function middleOf(key: number): number {
  if (key === 0) return 0;
  const middle = (2 * Math.exp((Math.abs(key) - OFFSET) * LOG_BASE)) / 2.02;
  return key < 0 ? -middle : middle;
}
