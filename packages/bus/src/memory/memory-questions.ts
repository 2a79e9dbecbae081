/** `RequestReply` over a memory server. */
import { TocsinError } from '@tocsin/core';
import { createAnswerDesk } from '../asking/answer-desk.ts';
import { answerOf, checkAnswerer, checkQuestion, type Outcome } from '../asking/check-question.ts';
import { createQuestionWindow } from '../asking/question-window.ts';
import type { Guarantees, SubjectFilter } from '../event-bus.ts';
import type { AnswerHandler, AnswerOptions, Question, RequestReply } from '../request-reply.ts';
import type { MemoryAccess } from './memory-access.ts';

/** Questions and answers of one bus. */
export function createMemoryQuestions(access: MemoryAccess, limits: Guarantees): RequestReply {
  const window = createQuestionWindow();
  return {
    async ask(question, options) {
      access.requireOpen('A question');
      options.signal?.throwIfAborted();
      const leave = window.enter(checkQuestion(question, options, limits));
      try {
        return answerOf(question.subject, await outcomeOf(access, question, options));
      } finally {
        leave();
      }
    },
    async answer(filter, handle, options = {}) {
      access.requireOpen('An answer');
      checkAnswerer(filter, options);
      await access.reach('An answer');
      refuseStreams(access, filter);
      return openAnswerer(access, { filter, handle, options, limits });
    },
  };
}

function refuseStreams({ server }: MemoryAccess, filter: SubjectFilter): void {
  if (!server.takes(filter)) return;
  throw new TocsinError('bus.bad_subject', { subject: filter, reason: 'a stream takes it, and what streams take cannot be asked' });
}

async function outcomeOf(
  access: MemoryAccess,
  { subject, headers = {}, body }: Question,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<Outcome> {
  const { server } = access;
  const { clock, alarms, switchboard } = server;
  if (server.isDown) throw new TocsinError('bus.unavailable', { reason: 'the server is stopped' });
  refuseStreams(access, subject);
  const deadlineMs = clock.monotonicMs() + timeoutMs;
  const done = new AbortController();
  const scope = AbortSignal.any([access.scopeWith(signal), done.signal]);
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const lost = (): void => reject(new TocsinError('bus.unanswered', { subject, waitedMs: timeoutMs }));
  const abort = (): void => reject(scope.reason);
  scope.addEventListener('abort', abort, { once: true });
  const alarm = alarms.at(deadlineMs, lost);
  const forget = switchboard.open(lost);
  const send = async (): Promise<void> => {
    await server.whenUp(scope);
    const answerer = switchboard.pick(subject);
    if (answerer === undefined) throw new TocsinError('bus.nobody_answers', { subject });
    const left = Math.max(1, Math.round(deadlineMs - clock.monotonicMs()));
    answerer.desk.take({ subject, headers: { ...headers }, body: body.slice(), timeoutMs: left }, (outcome) => resolve(copyOf(outcome)));
  };
  send().catch(reject);
  try {
    return await promise;
  } finally {
    scope.removeEventListener('abort', abort);
    alarm[Symbol.dispose]();
    forget();
    done.abort();
  }
}

/** An answerer has its bytes back when it has answered. */
function copyOf(outcome: Outcome): Outcome {
  if (!('answer' in outcome)) return outcome;
  return { answer: { headers: { ...outcome.answer.headers }, body: outcome.answer.body.slice() } };
}

function openAnswerer(
  { server, closing }: MemoryAccess,
  parts: {
    readonly filter: SubjectFilter;
    readonly handle: AnswerHandler;
    readonly options: AnswerOptions;
    readonly limits: Guarantees;
  },
): AsyncDisposable {
  const { switchboard, alarms, clock } = server;
  const desk = createAnswerDesk({ ...parts, after: (ms, wake) => alarms.at(clock.monotonicMs() + ms, wake) });
  const answerer = { filter: parts.filter, desk };
  const open = { what: `answerer of ${parts.filter}` };
  const leave = (): void => {
    switchboard.remove(answerer);
    server.open.delete(open);
  };
  switchboard.add(answerer);
  server.open.add(open);
  const end = (): void => {
    leave();
    desk.close();
  };
  closing.addEventListener('abort', end, { once: true });
  return {
    async [Symbol.asyncDispose]() {
      leave();
      await desk.idle();
      closing.removeEventListener('abort', end);
    },
  };
}
