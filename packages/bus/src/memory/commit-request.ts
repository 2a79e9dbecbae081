/** One commit on its way: sent, waiting, answered or given up. What becomes of it in the log is the server's business. */
import { type Clock, TocsinError } from '@tocsin/core';
import type { Outgoing, Published } from '../event-bus.ts';
import type { Alarms } from './alarms.ts';

/** A commit that the server has and has not answered yet. */
export interface CommitRequest {
  readonly messages: readonly Outgoing[];
  /** Settles once, with the server's answer or with `bus.unknown`. */
  readonly answer: Promise<Published[]>;
  /** Lets it end as `bus.unknown` when no answer comes in time. */
  limitWait(): void;
  /** Ends the wait, not the write: the bodies are copied, since the caller has them back. */
  giveUp(reason: string): void;
  /** Carries it out and answers, if anybody still waits. */
  settle(commit: () => Published[]): void;
}

/** A request just sent. `timing` says how long an answer may take. */
export function createCommitRequest(
  messages: readonly Outgoing[],
  timing: { readonly clock: Clock; readonly alarms: Alarms; readonly answerTimeoutMs: number },
): CommitRequest {
  const { promise, resolve, reject } = Promise.withResolvers<Published[]>();
  const sentMs = timing.clock.monotonicMs();
  let kept = messages;
  let alarm: Disposable | undefined;
  let waiting = true;
  const end = (): void => {
    waiting = false;
    alarm?.[Symbol.dispose]();
  };
  const giveUp = (reason: string): void => {
    if (!waiting) return;
    end();
    kept = messages.map((message) => ({ ...message, body: message.body.slice() }));
    const waitedMs = Math.round(timing.clock.monotonicMs() - sentMs);
    reject(new TocsinError('bus.unknown', { subject: messages[0]?.subject ?? '', waitedMs }, { cause: new Error(reason) }));
  };
  return {
    get messages() {
      return kept;
    },
    answer: promise,
    giveUp,
    limitWait() {
      if (waiting) alarm ??= timing.alarms.at(sentMs + timing.answerTimeoutMs, () => giveUp('no answer came in time'));
    },
    settle(commit) {
      end();
      try {
        resolve(commit());
      } catch (error) {
        reject(error);
      }
    },
  };
}
