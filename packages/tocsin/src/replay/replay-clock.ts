/** The clock of a replay: it stands at the receipt of what is being judged, and goes on only as the log does. */
import { type Clock, systemClock } from '@tocsin/core';

/** Time as the log tells it. */
export class ReplayClock implements Clock {
  #nowMs: number;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  /** Goes on to a time; never back. */
  advance(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, toMs);
  }
}
