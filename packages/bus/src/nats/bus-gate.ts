/** The gate of a bus: what is asked after its closing is refused, what waits then is ended, and every wait can be aborted. */
import { isTocsinError, TocsinError } from '@tocsin/core';

/** One per bus. */
export interface BusGate {
  readonly isClosed: boolean;
  /** @throws bus.closed */
  requireOpen(what: string): void;
  /** Aborted by the closing of the bus and by `signal`. */
  scopeWith(signal: AbortSignal | undefined): AbortSignal;
  /** Runs something of an open bus; the closing ends the wait for it. */
  call<T>(what: string, work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** An open gate. */
export function createBusGate(): BusGate {
  const closing = new AbortController();
  const requireOpen = (what: string): void => {
    if (closing.signal.aborted) throw new TocsinError('bus.closed', { what });
  };
  return {
    get isClosed() {
      return closing.signal.aborted;
    },
    requireOpen,
    scopeWith: (signal) => AbortSignal.any(signal === undefined ? [closing.signal] : [closing.signal, signal]),
    async call(what, work) {
      requireOpen(what);
      try {
        return await endedBy(closing.signal, work());
      } catch (error) {
        throw isTocsinError(error, 'bus.closed') ? new TocsinError('bus.closed', { what }) : error;
      }
    },
    close: () => closing.abort(new TocsinError('bus.closed', { what: 'A wait' })),
  };
}

/** What the work comes to, unless the signal aborts first: then its reason, and the work goes on unheard. */
export async function endedBy<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  if (signal === undefined) return await work;
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
    void Promise.allSettled([aborted]); // The race has told it.
  }
}
