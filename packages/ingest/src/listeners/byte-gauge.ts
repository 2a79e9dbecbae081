/** How many bytes a listener holds for all its connections, and who waits for room. Nothing is refused here: readers stop reading. */

/** A gauge with a mark. */
export class ByteGauge {
  readonly #maxBytes: number;
  #used = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes held. */
  get used(): number {
    return this.#used;
  }

  /** Whether nobody should read on. */
  get isFull(): boolean {
    return this.#used >= this.#maxBytes;
  }

  /** Counts bytes in. Always possible: what was read must go somewhere; a reader that looks at `isFull` exceeds the mark by one read. */
  take(bytes: number): void {
    this.#used += bytes;
  }

  /** Counts bytes out. */
  give(bytes: number): void {
    this.#used -= bytes;
    if (this.isFull || this.#waiting.length === 0) return;
    // Who waited longest is first; whoever finds the gauge full again asks again.
    for (const told of this.#waiting.splice(0)) told();
  }

  /** Calls back once when there is room; at the latest with the next `give` that makes some. */
  whenRoom(told: () => void): void {
    this.#waiting.push(told);
  }
}
