/**
 * Counted events in twelve bytes each: 48 bits of time and 48 bits of cell, in a typed array whose end goes on at its beginning, so that a
 * window that slides stays in its place.
 */
import type { SampleRing } from './sample-ring.ts';

const WORDS = 3;
/** Numbers put into a word keep their lower 32 bits (ECMA-262 ToUint32). */
const HIGH = 2 ** 32;
/** Times are kept as whole milliseconds after this one, some 4,460 years before 1970; and so far behind it at most. */
const FIRST_MS = -(2 ** 47);
const LAST_MS = 2 ** 47 - 1;
const LEAST_EVENTS = 4;

/** Events whose cells are whole numbers below 2^48. */
export class PackedRing implements SampleRing {
  /** Of each event: low word of the time, low word of the cell, high halves of both. */
  #words = new Uint32Array(WORDS * LEAST_EVENTS);
  #capacity = LEAST_EVENTS;
  #start = 0;
  #length = 0;
  firstMs = Number.POSITIVE_INFINITY;
  lastMs = Number.NEGATIVE_INFINITY;

  get length(): number {
    return this.#length;
  }

  get bytes(): number {
    return TYPED_ARRAY_BYTES + 4 * this.#words.length;
  }

  timeAt(index: number): number {
    const at = this.#wordOf(index);
    const words = this.#words;
    return ((words[at + 2] as number) >>> 16) * HIGH + (words[at] as number) + FIRST_MS;
  }

  cellAt(index: number): number {
    const at = this.#wordOf(index);
    const words = this.#words;
    return ((words[at + 2] as number) & 0xffff) * HIGH + (words[at + 1] as number);
  }

  setCell(index: number, cell: number): void {
    const at = this.#wordOf(index);
    const words = this.#words;
    words[at + 1] = cell;
    words[at + 2] = (((words[at + 2] as number) & 0xffff0000) | (cell / HIGH)) >>> 0;
  }

  firstFrom(timeMs: number): number {
    let low = 0;
    let high = this.#length;
    if (this.lastMs < timeMs) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timeAt(middle) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  insert(timeMs: number, cell: number): number {
    const at = this.lastMs <= timeMs ? this.#length : this.firstFrom(timeMs + 1);
    if (this.#length === this.#capacity) this.#resize(this.#length + (this.#length < SMALL ? this.#length : this.#length >> 3));
    this.#length += 1;
    for (let to = this.#length - 1; to > at; to--) this.#copy(to - 1, to);
    const sinceMs = Math.min(LAST_MS, Math.max(FIRST_MS, timeMs)) - FIRST_MS;
    const word = this.#wordOf(at);
    this.#words[word] = sinceMs;
    this.#words[word + 1] = cell;
    this.#words[word + 2] = (((sinceMs / HIGH) << 16) | (cell / HIGH)) >>> 0;
    // What is read again, not what was given: a time has no fractions here.
    const writtenMs = this.timeAt(at);
    if (writtenMs > this.lastMs) this.lastMs = writtenMs;
    if (writtenMs < this.firstMs) this.firstMs = writtenMs;
    return at;
  }

  dropFirst(count: number): void {
    this.#start = (this.#start + count) % this.#capacity;
    this.#length -= count;
    this.firstMs = this.#length === 0 ? Number.POSITIVE_INFINITY : this.timeAt(0);
    if (this.#length === 0) this.lastMs = Number.NEGATIVE_INFINITY;
    if (this.#capacity > SMALL && 3 * this.#length < this.#capacity)
      this.#resize(Math.max(LEAST_EVENTS, this.#length + (this.#length >> 3)));
  }

  toNumbers(): Float64Array {
    const numbers = new Float64Array(2 * this.#length);
    for (let i = 0; i < this.#length; i++) {
      numbers[2 * i] = this.timeAt(i);
      numbers[2 * i + 1] = this.cellAt(i);
    }
    return numbers;
  }

  /** Takes over what `toNumbers` gave. */
  static of(numbers: Float64Array): PackedRing {
    const ring = new PackedRing();
    ring.#resize(Math.max(LEAST_EVENTS, numbers.length >> 1));
    for (let i = 0; i < numbers.length; i += 2) ring.insert(numbers[i] as number, numbers[i + 1] as number);
    return ring;
  }

  #wordOf(index: number): number {
    const at = this.#start + index;
    return WORDS * (at >= this.#capacity ? at - this.#capacity : at);
  }

  #copy(from: number, to: number): void {
    const words = this.#words;
    const [source, target] = [this.#wordOf(from), this.#wordOf(to)];
    for (let i = 0; i < WORDS; i++) words[target + i] = words[source + i] as number;
  }

  /** Moves the events to the front of another array. */
  #resize(capacity: number): void {
    const words = new Uint32Array(WORDS * capacity);
    const begin = WORDS * this.#start;
    const first = Math.min(WORDS * this.#length, this.#words.length - begin);
    words.set(this.#words.subarray(begin, begin + first));
    words.set(this.#words.subarray(0, WORDS * this.#length - first), first);
    this.#words = words;
    this.#capacity = capacity;
    this.#start = 0;
  }
}

/** Below this many events an array is not worth shrinking. */
const SMALL = 256;
/** What a typed array and its buffer weigh beside their content. */
const TYPED_ARRAY_BYTES = 200;
