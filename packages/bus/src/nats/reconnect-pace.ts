/**
 * How soon the NATS client dials again. Left alone it reckons by the wall clock and, where that is set back, dials nobody until the clock has
 * come to where it was (nats-core 3.4, `dialLoop`: last dial + wait <= now). This goes by a clock that nobody sets.
 */

/** What a pace is made of. */
export interface ReconnectPaceOptions {
  /** Between two dials at least, milliseconds; up to half as much again is added by chance. */
  readonly waitMs: number;
  readonly monotonicMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** The client's `reconnectDelayHandler`, for one connection: asked before each dial, and again after each wait. */
export function reconnectPace({ waitMs, monotonicMs, random }: ReconnectPaceOptions): () => number {
  let dueMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = monotonicMs();
    if (nowMs < dueMs) return waitMs;
    dueMs = nowMs + waitMs * (1 + random() / 2);
    // Due, whatever the wall clock makes of the last dial.
    return Number.NEGATIVE_INFINITY;
  };
}
