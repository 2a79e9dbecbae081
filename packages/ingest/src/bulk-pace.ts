/**
 * The pace of bulk: while live batches come, bulk decoding gets a share of the time, and what comes after decoding with it. The share
 * follows what a pause says about the machine: one that ends late means that everything waits, live batches too.
 */
import type { Clock } from '@tocsin/core';

/** How long after a live batch live batches are taken to come, milliseconds. */
const LIVE_RECENT_MS = 1000;
/** Bounds of the share, and where it starts. */
const LEAST = 0.04;
const MOST = 0.5;
const FIRST = 0.2;
/** A pause that ends this much late is a sign of waiting, milliseconds; how the share gives way and comes back. */
const LATE_MS = 3;
const LESS = 0.75;
const MORE = 0.005;

/** Decides how long bulk pauses. Times of a monotonic clock, milliseconds. */
export class BulkPace {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #share = FIRST;
  #liveMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Share of the time that bulk may take while live batches come. */
  get share(): number {
    return this.#share;
  }

  /** A live batch came. */
  sawLive(): void {
    this.#liveMs = this.#clock.monotonicMs();
  }

  /** Pause after a slice of bulk that took so long; 0 while nothing live comes. */
  pauseAfter(spentMs: number): number {
    const comesLive = this.#clock.monotonicMs() - this.#liveMs < LIVE_RECENT_MS;
    return comesLive ? Math.max(1, Math.round(spentMs * (1 / this.#share - 1))) : 0;
  }

  /** A pause of `wantedMs` took `tookMs`. */
  paused(wantedMs: number, tookMs: number): void {
    this.#share = tookMs - wantedMs > LATE_MS ? Math.max(LEAST, this.#share * LESS) : Math.min(MOST, this.#share + MORE);
  }
}
