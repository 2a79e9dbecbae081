/**
 * The memory of the dedup fold: entries in a ring in log order, found through half as many slots again with linear probing.
 * 20 + 6 bytes per entry, all in typed arrays: a busy installation has two million in each of two threads. What the verdicts mean is in `dedup-fold.ts`.
 */
import type { Fingerprint } from './key-hash.ts';

/** Answer of `find`: this id with this content. Otherwise it is the number of other contents of the id. */
export const SEEN = -1;

/** More make searches shorter and the table larger: of a full one, a miss looks at five slots side by side. */
const SLOTS_PER_ENTRY = 1.5;

/** Longest time between the oldest and the newest entry, milliseconds: 24 days. */
export const MAX_SPAN_MS = 2 ** 31;

/** A table of a fixed capacity; a larger one is made by `grown`. */
export class DedupTable {
  readonly capacity: number;
  /** Per entry: three words of fingerprint, one of content. */
  readonly #words: Uint32Array;
  /** Milliseconds behind `#firstMs`. */
  readonly #times: Uint32Array;
  /** Entry in each slot; -1 where free. */
  readonly #slots: Int32Array;
  #oldest = 0;
  #size = 0;
  #firstMs = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#words = new Uint32Array(capacity * 4);
    this.#times = new Uint32Array(capacity);
    this.#slots = new Int32Array(Math.ceil(capacity * SLOTS_PER_ENTRY)).fill(-1);
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#words.byteLength + this.#times.byteLength + this.#slots.byteLength;
  }

  /** `SEEN`, or how many other contents of this fingerprint there are. */
  find(key: Fingerprint, content: number): number {
    const words = this.#words;
    let others = 0;
    for (let slot = this.#home(key.a); this.#entryAt(slot) !== -1; slot = this.#next(slot)) {
      const at = this.#entryAt(slot) * 4;
      if (words[at] === key.a && words[at + 1] === key.b && words[at + 2] === key.c) {
        if (words[at + 3] === content >>> 0) return SEEN;
        others++;
      }
    }
    return others;
  }

  /** Adds the newest entry; there must be room, and it comes no more than `MAX_SPAN_MS` behind the oldest. */
  add(key: Fingerprint, content: number, receivedMs: number): void {
    if (receivedMs - this.#firstMs > MAX_SPAN_MS * 2 - 1 || this.#size === 0) this.#countFrom(receivedMs);
    const entry = (this.#oldest + this.#size) % this.capacity;
    const at = entry * 4;
    this.#words[at] = key.a;
    this.#words[at + 1] = key.b;
    this.#words[at + 2] = key.c;
    this.#words[at + 3] = content;
    this.#times[entry] = receivedMs - this.#firstMs;
    this.#size++;
    let slot = this.#home(key.a);
    while (this.#entryAt(slot) !== -1) slot = this.#next(slot);
    this.#slots[slot] = entry;
  }

  /** Forgets entries from the oldest on, up to the first that is not older than `ms`. */
  evictBefore(ms: number): void {
    while (this.#size > 0 && this.#msOf(this.#oldest) < ms) this.evictOldest();
  }

  /** Forgets the oldest entry and closes the gap behind its slot, so that no search stops short. */
  evictOldest(): void {
    let gap = this.#home(this.#words[this.#oldest * 4] as number);
    while (this.#entryAt(gap) !== this.#oldest) gap = this.#next(gap);
    for (let slot = this.#next(gap); this.#entryAt(slot) !== -1; slot = this.#next(slot)) {
      const home = this.#home(this.#words[this.#entryAt(slot) * 4] as number);
      if (this.#distance(home, slot) >= this.#distance(gap, slot)) {
        this.#slots[gap] = this.#entryAt(slot);
        gap = slot;
      }
    }
    this.#slots[gap] = -1;
    this.#oldest = (this.#oldest + 1) % this.capacity;
    this.#size--;
  }

  /** The same entries in a larger table. */
  grown(capacity: number): DedupTable {
    const table = new DedupTable(capacity);
    for (let i = 0; i < this.#size; i++) {
      const entry = (this.#oldest + i) % this.capacity;
      const [a = 0, b = 0, c = 0, content = 0] = this.#words.subarray(entry * 4, entry * 4 + 4);
      table.add({ a, b, c }, content, this.#msOf(entry));
    }
    return table;
  }

  #msOf(entry: number): number {
    return this.#firstMs + (this.#times[entry] as number);
  }

  /** Times count from the oldest entry, or from what comes where there is none. */
  #countFrom(ms: number): void {
    const firstMs = this.#size === 0 ? ms : this.#msOf(this.#oldest);
    for (let i = 0; i < this.#size; i++) {
      const entry = (this.#oldest + i) % this.capacity;
      this.#times[entry] = this.#msOf(entry) - firstMs;
    }
    this.#firstMs = firstMs;
  }

  #home(word: number): number {
    return Math.floor((word / 4294967296) * this.#slots.length);
  }

  #next(slot: number): number {
    return slot + 1 === this.#slots.length ? 0 : slot + 1;
  }

  #entryAt(slot: number): number {
    return this.#slots[slot] as number;
  }

  /** Steps from one slot forward to another. */
  #distance(from: number, to: number): number {
    return to >= from ? to - from : to - from + this.#slots.length;
  }
}
