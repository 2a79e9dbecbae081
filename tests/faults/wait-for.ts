/** Waiting for a condition that can be observed, with a deadline. */
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 5;

/** Resolves with the first answer that is not undefined. @throws after `withinMs`, saying what was waited for */
export async function waitFor<T>(
  look: () => T | undefined | Promise<T | undefined>,
  { what, withinMs }: { what: () => string; withinMs: number },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what()}`);
    await delay(POLL_MS);
  }
}
