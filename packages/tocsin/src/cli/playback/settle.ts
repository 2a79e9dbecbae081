/** Waiting until detection has caught up with what was sent. */
import type { ApiClient } from '../api-client.ts';

/** Longest wait of one request, milliseconds: shorter than what a proxy on the way would cut. */
const STEP_MS = 10_000;

/** How far detection has come. */
export interface Settled {
  /** Whether every event stored before the call has been judged and its alerts are listed. */
  readonly settled: boolean;
  /** Position of the newest change of an alert; null where there is none. */
  readonly alertsAt: string | null;
}

/** Resolves when it has caught up, or after `patienceMs` without. */
export async function settle(api: ApiClient, patienceMs: number, signal: AbortSignal): Promise<Settled> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const leftMs = Math.max(0, Math.round(untilMs - performance.now()));
    const now = await api.call<Settled>('POST', '/settle', { body: { waitMs: Math.min(STEP_MS, leftMs) }, signal });
    if (now.settled || leftMs === 0) return now;
  }
}
