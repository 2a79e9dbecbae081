/** What a duty's thread is started with, and what all threads set up alike. Plain data: it crosses into the thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { createUlidGenerator, systemClock } from '@tocsin/core';
import { tidyHeapAfterStart } from '../small-heap.ts';
import type { Surroundings } from '../wire.ts';
import { answerCalls, type ThreadApi } from './thread-call.ts';

/** How long a stopping duty may finish what it has taken in, milliseconds. */
const FINISH_WITHIN_MS = 5000;

/** What a thread tells the main thread unasked. */
export interface ThreadMessage {
  /** It answers questions from now on. */
  readonly ready?: true | undefined;
  /** What the threads after it shall not have to make again. */
  readonly keep?: unknown;
  /** What its duty cannot go on without, null once it goes on. */
  readonly waitingFor?: string | null | undefined;
  /** Why what its duty says cannot be relied on at present, null once it can again. It goes on working. */
  readonly strain?: string | null | undefined;
  /** A line for the log: the trouble, where it came up, and facts about the event it is about. */
  readonly trouble?: string | undefined;
  readonly what?: string | undefined;
  readonly code?: string | undefined;
  readonly about?: Readonly<Record<string, unknown>> | undefined;
}

/** Surroundings of a thread whose stop is asked for by the main thread. */
export interface ThreadSurroundings extends Surroundings {
  /** Told what a duty waits for, with undefined once it goes on. */
  readonly onWaiting: (why: Error | undefined) => void;
  /** Told why what a duty says cannot be relied on, with null once it can again. */
  readonly onStrain: (why: string | null) => void;
  /** Leaves plain data for the threads that are started in its place. */
  readonly keep: (data: unknown) => void;
  /** Aborts `signal`, then waits for the work, giving up after a while. */
  stop(work: Promise<unknown>): Promise<void>;
}

/** What the main thread passed in. */
export function bootData<T>(): T {
  return workerData as T;
}

/** Surroundings that report trouble to the main thread. */
export function threadSurroundings(): ThreadSurroundings {
  const stopping = new AbortController();
  const givingUp = new AbortController();
  return {
    clock: systemClock,
    nextId: createUlidGenerator(systemClock),
    signal: stopping.signal,
    giveUp: givingUp.signal,
    onTrouble: (error, what, about) => tell(toTrouble(error, what, about)),
    onWaiting: (why) => tell({ waitingFor: why?.message ?? null }),
    onStrain: (strain) => tell({ strain }),
    keep: (data) => tell({ keep: data }),
    async stop(work) {
      stopping.abort();
      const timer = setTimeout(() => givingUp.abort(), FINISH_WITHIN_MS);
      await work.finally(() => clearTimeout(timer));
    },
  };
}

/** Tells the main thread that the duty runs, and answers its questions from now on. */
export function serveThread(api: ThreadApi): void {
  if (!parentPort) throw new Error('A duty thread runs as a worker thread only');
  answerCalls(parentPort, api);
  tell({ ready: true });
  tidyHeapAfterStart();
}

/** The thread ends with the first failure of its work: the supervisor starts it anew from what the log says. */
export function endOnFailure(work: Promise<unknown>, { signal, onTrouble }: Surroundings): Promise<void> {
  return work.then(
    () => undefined,
    (error: unknown) => {
      if (signal.aborted) {
        if (!(error instanceof Error && error.name === 'AbortError')) onTrouble(error, 'stopping');
        return;
      }
      queueMicrotask(() => {
        throw error;
      });
    },
  );
}

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

function toTrouble(error: unknown, what: string, about: Readonly<Record<string, unknown>> | undefined): ThreadMessage {
  const trouble = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  return { trouble, what, about, ...(typeof code === 'string' ? { code } : {}) };
}
