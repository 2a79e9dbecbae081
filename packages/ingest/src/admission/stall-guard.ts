/**
 * What keeps senders from waiting for a bus that does not answer: once a commit has been left without an answer, others are refused at
 * once, and one request a second is let through to find out whether it answers again.
 */
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';

/** Watches commits; asked as a gate of admission. */
export interface StallGuard {
  /** Refuses while the bus does not answer. With `take` a request that is let through counts as the probe of this second. @throws flow.store_stalled */
  readonly gate: (take: boolean) => void;
  /** Hands on what a commit settles with, and takes note of how. */
  watch<T>(commit: Promise<T>): Promise<T>;
  /** Since when commits are left without an answer, milliseconds ago; undefined while they are answered. */
  readonly stalledForMs: number | undefined;
}

const PROBE_EVERY_MS = 1000;

/** A guard that has seen nothing go wrong. */
export function createStallGuard(clock: Pick<Clock, 'monotonicMs'>): StallGuard {
  let stalledMs: number | undefined;
  let nextProbeMs = 0;
  return {
    gate(take) {
      if (stalledMs === undefined) return;
      const nowMs = clock.monotonicMs();
      if (nowMs < nextProbeMs)
        throw new TocsinError('flow.store_stalled', { sinceMs: Math.round(nowMs - stalledMs), retryAfterMs: PROBE_EVERY_MS });
      if (take) nextProbeMs = nowMs + PROBE_EVERY_MS;
    },
    async watch(commit) {
      const begunMs = clock.monotonicMs();
      try {
        const settled = await commit;
        stalledMs = undefined;
        return settled;
      } catch (error) {
        // Any other refusal is an answer, and a quick one.
        if (isTocsinError(error, 'bus.unknown')) stalledMs ??= begunMs;
        else if (!isTocsinError(error, 'bus.unavailable')) stalledMs = undefined;
        throw error;
      }
    },
    get stalledForMs() {
      return stalledMs === undefined ? undefined : clock.monotonicMs() - stalledMs;
    },
  };
}
