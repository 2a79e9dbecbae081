/**
 * A bounded queue between the readers of both lanes and a slower worker that takes in batches. Lanes have weights: live goes first, and
 * while live items come, bulk is taken a little at a time, so that a flood of history never stands before what happens now.
 */
import type { Lane } from '@tocsin/core';

/** Items held per lane: with frames of 256 KiB both together stay below 24 MiB. */
const CAPACITY: Readonly<Record<Lane, number>> = { live: 64, bulk: 32 };
/** Bulk items in a batch while live items come. */
const BULK_BESIDE_LIVE = 1;
/** How long after a live item live items are taken to come, milliseconds. */
const LIVE_RECENT_MS = 1000;
const LANES: readonly Lane[] = ['live', 'bulk'];

/** A queue of both lanes. One reader per lane, one taker. */
export class LaneFeed<T> {
  readonly #items: Readonly<Record<Lane, T[]>> = { live: [], bulk: [] };
  readonly #putters: Readonly<Record<Lane, (() => void)[]>> = { live: [], bulk: [] };
  readonly #nowMs: () => number;
  #wakeTaker: (() => void) | undefined;
  /** Items for which the taker is to be woken. */
  #enough = 1;
  #liveMs = Number.NEGATIVE_INFINITY;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Adds an item; resolves when there is room for another of its lane. Items put after the end are left out. */
  async put(lane: Lane, item: T): Promise<void> {
    if (this.#ended) return;
    this.#items[lane].push(item);
    this.#wake();
    while (this.#items[lane].length >= CAPACITY[lane] && !this.#ended) {
      await new Promise<void>((resolve) => this.#putters[lane].push(resolve));
    }
  }

  /**
   * What has gathered, at most `most`, in the order of each lane, live first; waits while there is nothing. Empty once ended, or after
   * `waitMs` on the timer. With `lingerMs` it then waits on for more, until a lane is full.
   */
  async take(most: number, waitMs: number, lingerMs = 0): Promise<T[]> {
    if (this.#size === 0) await this.#gather(1, waitMs);
    if (this.#size > 0 && lingerMs > 0) await this.#gather(Math.min(most, CAPACITY.bulk), lingerMs);
    if (this.#size === 0 && this.#failure) throw this.#failure.error;
    const taken = this.#takeLane('live', most);
    if (taken.length > 0) this.#liveMs = this.#nowMs();
    const comesLive = this.#nowMs() - this.#liveMs < LIVE_RECENT_MS;
    return [...taken, ...this.#takeLane('bulk', comesLive ? BULK_BESIDE_LIVE : most - taken.length)];
  }

  /** Lets whoever takes go on with what there is, even if that is nothing. */
  nudge(): void {
    this.#wakeTaker?.();
    this.#wakeTaker = undefined;
  }

  /** True when nothing more will come and nothing is left. */
  get finished(): boolean {
    return this.#ended && this.#size === 0 && !this.#failure;
  }

  /** Nothing more will come. With an error, `take` throws it once the queue is empty. */
  end(failure?: { readonly error: unknown }): void {
    this.#ended = true;
    this.#failure ??= failure;
    this.#wake();
    for (const lane of LANES) for (const resolve of this.#putters[lane].splice(0)) resolve();
  }

  get #size(): number {
    return this.#items.live.length + this.#items.bulk.length;
  }

  #takeLane(lane: Lane, most: number): T[] {
    const taken = this.#items[lane].splice(0, most);
    for (const resolve of this.#putters[lane].splice(0)) resolve();
    return taken;
  }

  #wake(): void {
    if (this.#size < this.#enough && !this.#ended) return;
    this.#wakeTaker?.();
    this.#wakeTaker = undefined;
  }

  /** Resolves when there are so many, when nothing more will come, or after `waitMs`. */
  async #gather(enough: number, waitMs: number): Promise<void> {
    if (this.#size >= enough || this.#ended) return;
    this.#enough = enough;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wakeTaker = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
