/**
 * One answerer: hands questions to its handler within its bound, and gives each exactly one outcome, in time or not at all. How questions
 * come and outcomes go is the adapter's.
 */
import { TocsinError } from '@tocsin/core';
import type { Guarantees } from '../event-bus.ts';
import type { AnswerHandler, AnswerOptions, AskedQuestion } from '../request-reply.ts';
import { checkAnswer, failureOf, MAX_TIMEOUT_MS, type Outcome } from './check-question.ts';

/** What a desk is made of. */
export interface DeskParts {
  readonly handle: AnswerHandler;
  readonly options: AnswerOptions;
  readonly limits: Pick<Guarantees, 'maxMessageBytes'>;
  /** Calls back after so many milliseconds, unless disposed before. */
  readonly after: (ms: number, wake: () => void) => Disposable;
}

/** A question that has arrived. */
export interface ArrivedQuestion extends Omit<AskedQuestion, 'signal'> {
  /** How long its asker waits from now on; what is no number of milliseconds is taken for the longest wait. */
  readonly timeoutMs: number;
}

/** An answerer at work. */
export interface AnswerDesk {
  /** `reply` is called once at most: not where the asker's time is over first. It must not throw. */
  take(question: ArrivedQuestion, reply: (outcome: Outcome) => void): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  /** Answers everything under way as failed, now, and whatever comes later too. */
  close(): void;
}

const DEFAULT_UNDER_WAY = 64;

/** Opens a desk. */
export function createAnswerDesk({ handle, options, limits, after }: DeskParts): AnswerDesk {
  const maxUnderWay = options.maxUnderWay ?? DEFAULT_UNDER_WAY;
  /** Questions not answered yet, with the way to end each. */
  const open = new Set<(error: TocsinError | undefined) => void>();
  /** Handlers still at work, also for nobody: they count until they have come to an end. */
  let working = 0;
  let closed = false;
  const whenIdle: (() => void)[] = [];

  function take({ timeoutMs, ...question }: ArrivedQuestion, reply: (outcome: Outcome) => void): void {
    const refuse = (error: TocsinError): void => reply({ failed: failureOf(error) });
    if (closed) return refuse(closedError());
    if (working >= maxUnderWay) return refuse(new TocsinError('bus.busy', { what: `whoever answers ${question.subject}` }));
    const gone = new AbortController();
    const waitMs = Number.isInteger(timeoutMs) && timeoutMs > 0 ? Math.min(timeoutMs, MAX_TIMEOUT_MS) : MAX_TIMEOUT_MS;
    const timer = after(waitMs, () => end(undefined));
    const settle = (outcome: Outcome | undefined): void => {
      if (!open.delete(end)) return;
      timer[Symbol.dispose]();
      if (outcome !== undefined) reply(outcome);
      if (open.size === 0) for (const wake of whenIdle.splice(0)) wake();
    };
    function end(error: TocsinError | undefined): void {
      settle(error && { failed: failureOf(error) });
      gone.abort(error ?? new TocsinError('bus.unanswered', { subject: question.subject, waitedMs: waitMs }));
    }
    open.add(end);
    working += 1;
    void run({ ...question, signal: gone.signal }).then((outcome) => {
      working -= 1;
      settle(outcome);
    });
  }

  async function run(question: Parameters<AnswerHandler>[0]): Promise<Outcome> {
    try {
      return { answer: checkAnswer(question.subject, await handle(question), limits) };
    } catch (error) {
      return { failed: failureOf(error) };
    }
  }

  return {
    take,
    idle: () => (open.size === 0 ? Promise.resolve() : new Promise((resolve) => void whenIdle.push(resolve))),
    close() {
      closed = true;
      // Each takes itself out, which a loop over a set allows.
      for (const end of open) end(closedError());
    },
  };
}

function closedError(): TocsinError {
  return new TocsinError('bus.closed', { what: 'An answer' });
}
