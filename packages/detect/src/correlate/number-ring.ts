/**
 * Counted events of measures that need a number as it is: two doubles each, in one plain array (a group of a few events stays small, one
 * of many is as dense as a typed array).
 */
import type { SampleRing } from './sample-ring.ts';

/** Events with any number as their cell. */
export class NumberRing implements SampleRing {
  /** Time and cell of each event, from index 2 * `#start`. */
  #numbers: number[] = [];
  #start = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get firstMs(): number {
    return this.#length === 0 ? Number.POSITIVE_INFINITY : this.timeAt(0);
  }

  get lastMs(): number {
    return this.#length === 0 ? Number.NEGATIVE_INFINITY : this.timeAt(this.#length - 1);
  }

  /** Milliseconds since 1970; `index` from 0, the earliest. */
  timeAt(index: number): number {
    return this.#numbers[2 * (this.#start + index)] as number;
  }

  cellAt(index: number): number {
    return this.#numbers[2 * (this.#start + index) + 1] as number;
  }

  setCell(index: number, cell: number): void {
    this.#numbers[2 * (this.#start + index) + 1] = cell;
  }

  /** Index of the first event at or after a time. */
  firstFrom(timeMs: number): number {
    let low = 0;
    let high = this.#length;
    if (high > 0 && this.timeAt(high - 1) < timeMs) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.timeAt(middle) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds an event behind all of its time; returns its index. */
  insert(timeMs: number, cell: number): number {
    const last = this.#length - 1;
    const at = last < 0 || this.timeAt(last) <= timeMs ? this.#length : this.firstFrom(timeMs + 1);
    this.#makeRoom();
    const numbers = this.#numbers;
    for (let to = 2 * (this.#start + this.#length) + 1, end = 2 * (this.#start + at) + 1; to > end; to--)
      numbers[to] = numbers[to - 2] as number;
    numbers[2 * (this.#start + at)] = timeMs;
    numbers[2 * (this.#start + at) + 1] = cell;
    this.#length += 1;
    return at;
  }

  /** Forgets the first `count` events. */
  dropFirst(count: number): void {
    this.#start += count;
    this.#length -= count;
    if (this.#length === 0) {
      this.#start = 0;
      if (this.#numbers.length > 2 * SMALL) this.#numbers = [];
    } else if (this.#start > SMALL && this.#start > 2 * this.#length) this.#resize();
  }

  /** Bytes of its array. */
  get bytes(): number {
    return 8 * this.#numbers.length;
  }

  /** All numbers, time and cell in turn, for checkpoints. */
  toNumbers(): Float64Array {
    return Float64Array.from({ length: 2 * this.#length }, (_, index) => this.#numbers[2 * this.#start + index] as number);
  }

  /** Takes over what `toNumbers` gave. */
  static of(numbers: Float64Array): NumberRing {
    const ring = new NumberRing();
    ring.#numbers = Array.from(numbers);
    ring.#length = numbers.length >> 1;
    return ring;
  }

  #makeRoom(): void {
    if (2 * (this.#start + this.#length) < this.#numbers.length) return;
    this.#resize();
  }

  /** Moves the events to the front of an array with some room behind them. */
  #resize(): void {
    const numbers = this.#numbers;
    const from = 2 * this.#start;
    const used = 2 * this.#length;
    const size = used + Math.max(2, 2 * (used >> 3));
    if (from >= used + 2 && from * 2 >= numbers.length) {
      for (let i = 0; i < used; i++) numbers[i] = numbers[from + i] as number;
      if (numbers.length > 2 * size) numbers.length = size;
    } else {
      const moved = new Array<number>(size);
      for (let i = 0; i < used; i++) moved[i] = numbers[from + i] as number;
      for (let i = used; i < size; i++) moved[i] = 0;
      this.#numbers = moved;
    }
    this.#start = 0;
  }
}

/** Below this many events an array is not worth shrinking. */
const SMALL = 32;
