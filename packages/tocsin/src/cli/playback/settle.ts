/** Waiting until detection has caught up with what was sent. */
import type { ApiClient } from '../api-client.ts';

/** Longest wait of one request, milliseconds: shorter than what a proxy on the way would cut. */
const STEP_MS = 10_000;

/** Resolves with true when every event stored before the call has been judged and its alerts are listed, with false after `patienceMs` without. */
export async function settle(api: ApiClient, patienceMs: number, signal: AbortSignal): Promise<boolean> {
  const untilMs = performance.now() + patienceMs;
  for (;;) {
    const leftMs = Math.round(untilMs - performance.now());
    if (leftMs <= 0) return false;
    const { settled } = await api.call<{ settled: boolean }>('POST', '/settle', { body: { waitMs: Math.min(STEP_MS, leftMs) }, signal });
    if (settled) return true;
  }
}
