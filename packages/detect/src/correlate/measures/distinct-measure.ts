/**
 * Number of different values (`value_count`). Values are known by a hash of 47 bits (`value-hash.ts`); how often each is in the window
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
    mayHold: isMonotone(rule.condition) ? meets : undefined,
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

/**
 * Value → how often, in eight bytes: 47 bits of value, 16 of count, what goes beyond in a map; linear probing. An entry that is no longer
 * wanted is filled by those behind it, so that none is ever in the way.
 */
class ValueTable {
  distinct = 0;
  /** Two words each: low word of the value; its high half and the count. A count of 0 marks a free place. */
  #words = new Uint32Array(2 * LEAST_PLACES);
  #places = LEAST_PLACES;
  /** How much more often than `MAX_COUNT` a value is there. */
  readonly #more = new Map<number, number>();

  get bytes(): number {
    return 4 * this.#words.length;
  }

  add(value: number): void {
    const low = value >>> 0;
    const high = (value / HIGH) & 0xffff;
    let at = this.#find(low, high);
    const count = (this.#words[at + 1] as number) & MAX_COUNT;
    if (count === MAX_COUNT) this.#more.set(value, (this.#more.get(value) ?? 0) + 1);
    else if (count > 0) this.#words[at + 1] = (this.#words[at + 1] as number) + 1;
    else {
      if (5 * (this.distinct + 1) > 4 * this.#places) {
        this.#resize(Math.ceil(1.5 * (this.distinct + 1)));
        at = this.#find(low, high);
      }
      this.#words[at] = low;
      this.#words[at + 1] = high * 0x10000 + 1;
      this.distinct += 1;
    }
  }

  remove(value: number): void {
    const at = this.#find(value >>> 0, (value / HIGH) & 0xffff);
    const word = this.#words[at + 1] as number;
    if ((word & MAX_COUNT) === MAX_COUNT && this.#removeMore(value)) return;
    this.#words[at + 1] = word - 1;
    if ((word & MAX_COUNT) > 1) return;
    this.distinct -= 1;
    this.#fill(at);
    if (this.#places > 64 && 4 * this.distinct < this.#places) this.#resize(Math.ceil(1.5 * this.distinct));
  }

  #removeMore(value: number): boolean {
    const more = this.#more.get(value);
    if (more === undefined) return false;
    if (more === 1) this.#more.delete(value);
    else this.#more.set(value, more - 1);
    return true;
  }

  /** Word at which a value is, or would be put. */
  #find(low: number, high: number): number {
    const words = this.#words;
    const size = words.length;
    let at = 2 * homeOf(low, this.#places);
    for (;;) {
      const word = words[at + 1] as number;
      if ((word & MAX_COUNT) === 0 || (words[at] === low && word >>> 16 === high)) return at;
      at = at + 2 === size ? 0 : at + 2;
    }
  }

  /** Moves entries up that could not stand nearer to their home because of the one that is gone (Knuth, volume 3, 6.4, algorithm R). */
  #fill(gone: number): void {
    const words = this.#words;
    const size = words.length;
    let free = gone;
    for (let at = free + 2 === size ? 0 : free + 2; ((words[at + 1] as number) & MAX_COUNT) !== 0; at = at + 2 === size ? 0 : at + 2) {
      const home = 2 * homeOf(words[at] as number, this.#places);
      const isBetween = free <= at ? home > free && home <= at : home > free || home <= at;
      if (isBetween) continue;
      words[free] = words[at] as number;
      words[free + 1] = words[at + 1] as number;
      free = at;
    }
    words[free + 1] = 0;
  }

  #resize(places: number): void {
    const before = this.#words;
    this.#places = Math.max(LEAST_PLACES, places);
    this.#words = new Uint32Array(2 * this.#places);
    for (let i = 0; i < before.length; i += 2) {
      const word = before[i + 1] as number;
      if ((word & MAX_COUNT) === 0) continue;
      const at = this.#find(before[i] as number, word >>> 16);
      this.#words[at] = before[i] as number;
      this.#words[at + 1] = word;
    }
  }
}

const HIGH = 2 ** 32;
const MAX_COUNT = 0xffff;
const LEAST_PLACES = 16;

/** Where a value belongs: its low 32 bits are as good as any, scaled to the table without division. */
function homeOf(low: number, places: number): number {
  return Math.floor((low * places) / HIGH);
}
