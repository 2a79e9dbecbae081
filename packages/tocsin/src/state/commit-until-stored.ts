/** Committing what must not be given up: the same messages with the same ids again until they are stored. */
import type { EventBus, Outgoing, Published } from '@tocsin/bus';
import { TocsinError } from '@tocsin/core';

/** First and longest pause between attempts, milliseconds. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2000;

/** How to commit without giving up. */
export interface PatientCommit {
  /** As in `CommitOptions`. */
  readonly asUnit?: boolean | undefined;
  readonly signal: AbortSignal;
  /** Told of each failed attempt. */
  readonly onRetry: (error: TocsinError) => void;
}

/** Commits, and on an outage commits again with the same ids. Aborting stops the attempts, not a write under way. @throws bus.fenced, bus.too_large, the abort reason */
export async function commitUntilStored(
  bus: Pick<EventBus, 'commit'>,
  messages: readonly Outgoing[],
  patience: PatientCommit,
): Promise<Published[]> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    patience.signal.throwIfAborted();
    try {
      return await bus.commit(messages, { signal: patience.signal, asUnit: patience.asUnit });
    } catch (error) {
      if (!(error instanceof TocsinError) || error.retry === 'never') throw error;
      patience.onRetry(error);
      await pause(pauseMs, patience.signal);
    }
  }
}

/** Resolves after `ms` milliseconds, or at the abort. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
