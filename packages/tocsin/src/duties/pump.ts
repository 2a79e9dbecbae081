/**
 * A bounded queue between a reader and a slower worker: items are taken in batches of whatever has gathered, and a full
 * queue makes the reader wait. One reader side, one taker.
 */

/** A queue of at most `capacity` items. */
export class Pump<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #wakeTaker: (() => void) | undefined;
  readonly #waitingPutters: (() => void)[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Adds an item; resolves when there is room for another. Items put after the end are left out. */
  async put(item: T): Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake();
    while (this.#items.length >= this.#capacity && !this.#ended) {
      await new Promise<void>((resolve) => this.#waitingPutters.push(resolve));
    }
  }

  /** Everything that has gathered, at most `most`, in order; waits while there is nothing. Empty once ended, or after `waitMs` on the timer. */
  async take(most: number, waitMs: number): Promise<T[]> {
    if (this.#items.length === 0 && !this.#ended) await this.#wait(waitMs);
    if (this.#items.length === 0 && this.#failure) throw this.#failure.error;
    const taken = this.#items.splice(0, most);
    for (const resolve of this.#waitingPutters.splice(0)) resolve();
    return taken;
  }

  /** Items that have gathered. */
  get size(): number {
    return this.#items.length;
  }

  /** True when nothing more will come and nothing is left. */
  get finished(): boolean {
    return this.#ended && this.#items.length === 0 && !this.#failure;
  }

  /** Nothing more will come. With an error, `take` throws it once the queue is empty. */
  end(failure?: { readonly error: unknown }): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#wake();
    for (const resolve of this.#waitingPutters.splice(0)) resolve();
  }

  #wake(): void {
    this.#wakeTaker?.();
    this.#wakeTaker = undefined;
  }

  /** Resolves when something comes, when nothing more will come, or after `waitMs`. */
  async #wait(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakeTaker = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
