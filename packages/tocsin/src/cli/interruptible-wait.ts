/** Waiting that ends at once when a person interrupts. */
import { setTimeout as pause } from 'node:timers/promises';

/** Resolves after `ms`; rejects with the signal's reason when it is aborted first. */
export async function interruptibleWait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await pause(Math.max(0, ms), undefined, { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}
