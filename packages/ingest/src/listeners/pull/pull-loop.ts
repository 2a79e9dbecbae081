/**
 * Reading from somebody else's broker, for as long as a listener runs: one session after another, with a growing wait between those that
 * fail. What a session does is the kind's own. A broker that is not there is no reason not to start: it may come later.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { ListenerContext } from '../listener.ts';

/** What is pulled, and from where. */
export interface PullLoopOptions {
  readonly context: Pick<ListenerContext, 'name' | 'onTrouble' | 'counts' | 'clock'>;
  /** Where it reads, for people. */
  readonly address: string;
  /** Reads until the signal aborts, or rejects with why it cannot. Leaves nothing open either way, within 10 seconds. */
  readonly session: (signal: AbortSignal) => Promise<void>;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
/** A session that lasted this long was a good one. */
const GOOD_AFTER_MS = 30_000;

/** Starts pulling. Disposing ends the session that runs and resolves when it has. */
export function startPulling(options: PullLoopOptions): AsyncDisposable {
  const stop = new AbortController();
  const running = pull(options, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function pull({ context, address, session }: PullLoopOptions, signal: AbortSignal): Promise<void> {
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    const beganMs = context.clock.monotonicMs();
    try {
      await session(signal);
    } catch (cause) {
      const error = upstreamError(context.name, address, cause);
      context.counts.refuse(error.code);
      context.onTrouble(error, `${context.name}: reading ended and begins again`);
    }
    if (signal.aborted) return;
    if (context.clock.monotonicMs() - beganMs >= GOOD_AFTER_MS) waitMs = FIRST_WAIT_MS;
    await pause(waitMs, signal);
    waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
  }
}

/** What went wrong, as an error of ours. Passwords are in no message of the clients. */
function upstreamError(listener: string, address: string, cause: unknown): TocsinError {
  if (isTocsinError(cause)) return cause;
  return new TocsinError('listener.upstream_failed', { listener, address, reason: reasonOf(cause) }, { cause });
}

/** The innermost reason: clients wrap theirs in "multiple errors" that say nothing. */
function reasonOf(cause: unknown, depth = 0): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause.cause;
  if (depth < 8 && inner instanceof Error) return reasonOf(inner, depth + 1);
  return cause.message || cause.name;
}

/** Resolves after `ms`, or at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const done = (): void => resolve();
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', done, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', done);
}

/** Resolves with the promise, or after `ms` without it: closing must come to an end. */
export async function atMost(promise: Promise<unknown>, ms: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([Promise.allSettled([promise]), pause(ms, over.signal)]);
  over.abort();
}
