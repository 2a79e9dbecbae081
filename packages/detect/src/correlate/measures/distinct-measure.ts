/**
 * Number of different values (`value_count`). Values are known by a hash of 52 bits (`value-hash.ts`); how often each is in the window
 * stands in a table with open addressing, which small windows do without.
 */
import type { CorrelationRule } from '../../parse/parsed-rule.ts';
import { isMonotone, limitTest, type NumberTest } from './limit-test.ts';
import type { Measure, MeasureKind, WindowView } from './measure.ts';

/** Counts different values against the rule's limits. */
export function distinctMeasure(rule: CorrelationRule): MeasureKind {
  const meets = limitTest(rule.condition);
  return {
    isMonotone: isMonotone(rule.condition),
    isOrdered: false,
    countsOnly: false,
    joinsRules: false,
    isRaw: false,
    create: () => new Distinct(meets),
  };
}

/** Windows up to this size are compared event by event. */
const SMALL = 8;

class Distinct implements Measure {
  readonly #meets: NumberTest;
  #events = 0;
  #table: ValueTable | undefined;

  constructor(meets: NumberTest) {
    this.#meets = meets;
  }

  get bytes(): number {
    return this.#table?.bytes ?? 0;
  }

  enter(value: number): void {
    this.#events += 1;
    this.#table?.add(value);
  }

  leave(value: number): void {
    this.#events -= 1;
    if (this.#events === 0) this.#table = undefined;
    else this.#table?.remove(value);
  }

  holds(window: WindowView): boolean {
    if (this.#table === undefined && this.#events <= SMALL) return this.#meets(countSmall(window));
    this.#table ??= tableOf(window);
    return this.#meets(this.#table.distinct);
  }

  clear(): void {
    this.#events = 0;
    this.#table = undefined;
  }
}

function countSmall({ ring, from, to }: WindowView): number {
  let distinct = 0;
  for (let i = from; i < to; i++) {
    const value = Math.floor(ring.cellAt(i) / 2);
    let isNew = 1;
    for (let j = from; j < i && isNew === 1; j++) if (Math.floor(ring.cellAt(j) / 2) === value) isNew = 0;
    distinct += isNew;
  }
  return distinct;
}

function tableOf({ ring, from, to }: WindowView): ValueTable {
  const table = new ValueTable();
  for (let i = from; i < to; i++) table.add(Math.floor(ring.cellAt(i) / 2));
  return table;
}

/** Value → how often; linear probing. An entry that is no longer wanted is filled by those behind it, so that none is ever in the way. */
class ValueTable {
  distinct = 0;
  #values = new Float64Array(16);
  /** 0 marks a free place. */
  #counts = new Uint32Array(16);

  get bytes(): number {
    return 12 * this.#values.length;
  }

  add(value: number): void {
    let at = this.#find(value);
    if (this.#counts[at] === 0) {
      if (5 * (this.distinct + 1) > 4 * this.#values.length) {
        this.#resize(Math.ceil(1.6 * this.distinct));
        at = this.#find(value);
      }
      this.#values[at] = value;
      this.distinct += 1;
    }
    this.#counts[at] = (this.#counts[at] as number) + 1;
  }

  remove(value: number): void {
    const at = this.#find(value);
    const left = (this.#counts[at] as number) - 1;
    this.#counts[at] = left;
    if (left > 0) return;
    this.distinct -= 1;
    this.#fill(at);
    if (this.#values.length > 64 && 4 * this.distinct < this.#values.length) this.#resize(Math.ceil(1.6 * this.distinct));
  }

  /** Where a value is, or would be put. */
  #find(value: number): number {
    const values = this.#values;
    const counts = this.#counts;
    let at = homeOf(value, values.length);
    while (counts[at] !== 0 && values[at] !== value) at = at + 1 === values.length ? 0 : at + 1;
    return at;
  }

  /** Moves entries up that could not stand nearer to their home because of the one that is gone (Knuth, volume 3, 6.4, algorithm R). */
  #fill(gone: number): void {
    const values = this.#values;
    const counts = this.#counts;
    const size = values.length;
    let free = gone;
    for (let at = free + 1 === size ? 0 : free + 1; counts[at] !== 0; at = at + 1 === size ? 0 : at + 1) {
      const home = homeOf(values[at] as number, size);
      const isBetween = free <= at ? home > free && home <= at : home > free || home <= at;
      if (isBetween) continue;
      values[free] = values[at] as number;
      counts[free] = counts[at] as number;
      counts[at] = 0;
      free = at;
    }
  }

  #resize(size: number): void {
    const values = this.#values;
    const counts = this.#counts;
    this.#values = new Float64Array(Math.max(16, size));
    this.#counts = new Uint32Array(this.#values.length);
    for (let i = 0; i < values.length; i++) {
      if (counts[i] === 0) continue;
      const at = this.#find(values[i] as number);
      this.#values[at] = values[i] as number;
      this.#counts[at] = counts[i] as number;
    }
  }
}

/** The low 32 bits of the hash are as good as any, and cheap to take. */
function homeOf(value: number, size: number): number {
  return (value >>> 0) % size;
}
