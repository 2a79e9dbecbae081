/** Asking what must be known before anything can go on: again after each outage, until there is an answer. */
import { isTocsinError, type TocsinError } from '@tocsin/core';

/** Pause before asking again, milliseconds. */
const PAUSE_MS = 100;

/** How to ask without giving up. */
export interface PatientQuestion {
  readonly signal: AbortSignal;
  /** Told of each failed attempt. */
  readonly onRetry: (error: TocsinError) => void;
}

/** Asks, and on an outage asks again. @throws what does not pass by waiting, the abort reason */
export async function untilAnswered<T>(ask: () => Promise<T>, { signal, onRetry }: PatientQuestion): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!isTocsinError(error) || error.retry === 'never') throw error;
      onRetry(error);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
