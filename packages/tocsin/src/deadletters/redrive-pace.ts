/**
 * How fast dead letters go back to their consumers: so many a second for each tenant, whoever asks and however often, so that a redrive of
 * thousands never crowds out what is live.
 */
import { setTimeout } from 'node:timers/promises';
import type { Clock } from '@tocsin/core';

/** Tenants whose pace is remembered; those that were not seen longest go first. */
const MAX_TENANTS = 1000;

/** Spreads redrives over time. */
export class RedrivePace {
  readonly #clock: Clock;
  readonly #nextMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when the tenant's next letter may go, at most `perSecond` a second. Rejects when aborted. */
  async turn(tenant: string, perSecond: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    const dueMs = Math.max(nowMs, this.#nextMs.get(tenant) ?? nowMs);
    this.#nextMs.delete(tenant);
    this.#nextMs.set(tenant, dueMs + 1000 / perSecond);
    const [oldest] = this.#nextMs.keys();
    if (this.#nextMs.size > MAX_TENANTS && oldest !== undefined) this.#nextMs.delete(oldest);
    if (dueMs > nowMs) await setTimeout(dueMs - nowMs, undefined, { signal });
  }
}
