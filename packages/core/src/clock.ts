/** Time as an argument: whatever needs the time is given a clock, so that tests and replays can give another. */

/** Source of time. Milliseconds; `nowMs` since 1970, `monotonicMs` from an arbitrary start and never going back. */
export interface Clock {
  nowMs(): number;
  monotonicMs(): number;
}

/** The machine's own clock. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
