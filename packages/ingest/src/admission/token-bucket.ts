/** A token bucket: how much may pass now, and how long until more may. Pure; whose bucket it is and what a token counts is not known here. */

/** How a bucket fills. */
export interface BucketRate {
  /** Tokens per second; above 0. */
  readonly perSecond: number;
  /** Most tokens it holds: what may pass at once after a quiet time; above 0. */
  readonly capacity: number;
}

/** What adding up fractions of tokens may be off by. */
const ROUNDING = 1e-6;

/** A bucket, full at first. Times are of a monotonic clock, milliseconds. */
export class TokenBucket {
  #rate: BucketRate;
  #tokens: number;
  #filledMs: number;

  constructor(rate: BucketRate, nowMs: number) {
    this.#rate = rate;
    this.#tokens = rate.capacity;
    this.#filledMs = nowMs;
  }

  /**
   * Milliseconds until so many tokens may be taken; 0 where they may be now. More than the bucket ever holds may be taken once it is
   * full: what is too much is owed and paid back before anything else passes, so that the rate holds in the long run.
   */
  waitMs(tokens: number, nowMs: number): number {
    this.#fill(nowMs);
    const missing = Math.min(tokens, this.#rate.capacity) - this.#tokens;
    return missing <= ROUNDING ? 0 : Math.ceil((missing / this.#rate.perSecond) * 1000 - ROUNDING);
  }

  /** Takes tokens, whatever is there. */
  take(tokens: number, nowMs: number): void {
    this.#fill(nowMs);
    this.#tokens -= tokens;
  }

  /** Another rate from now on; what is there or owed stays, up to the new capacity. */
  setRate(rate: BucketRate, nowMs: number): void {
    this.#fill(nowMs);
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, rate.capacity);
  }

  /** Whether nothing is missing: a new bucket would be the same. */
  isFull(nowMs: number): boolean {
    this.#fill(nowMs);
    return this.#tokens >= this.#rate.capacity;
  }

  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = Math.max(nowMs, this.#filledMs);
    this.#tokens = Math.min(this.#rate.capacity, this.#tokens + (elapsedMs / 1000) * this.#rate.perSecond);
  }
}
