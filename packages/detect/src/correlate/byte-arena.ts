/** Pieces of bytes in one array: what would be many small objects. A piece that is freed is given to the next of its size. */
import { grown } from './key-table.ts';

/** Sizes are rounded up to this. */
const GRAIN = 16;

/** An array that pieces are taken from. */
export class ByteArena {
  bytes = new Uint8Array(0);
  #used = 0;
  /** Free places by their size. */
  readonly #free = new Map<number, number[]>();

  /** Where a piece of so many bytes begins. */
  take(size: number): number {
    const rounded = roundUp(size);
    const free = this.#free.get(rounded)?.pop();
    if (free !== undefined) return free;
    const at = this.#used;
    this.#used += rounded;
    if (this.#used > this.bytes.length) this.bytes = grown(this.bytes, new Uint8Array(Math.ceil(Math.max(4096, 1.2 * this.#used))));
    return at;
  }

  /** Gives back a piece that was taken with this size. */
  free(at: number, size: number): void {
    const rounded = roundUp(size);
    const free = this.#free.get(rounded);
    if (free === undefined) this.#free.set(rounded, [at]);
    else free.push(at);
  }
}

/** Bytes that a piece takes up. */
export function roundUp(size: number): number {
  return Math.ceil(size / GRAIN) * GRAIN;
}
