/**
 * `RequestReply` over core NATS: questions to a queue group, answers to the asker's own inbox. Asked through the link rather than by the
 * client's `request`, which can neither be aborted nor ends when the connection goes.
 */
import { headers as createHeaders, type Msg, type MsgHdrs } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import { type AnswerDesk, createAnswerDesk } from '../asking/answer-desk.ts';
import { answerOf, checkAnswerer, checkQuestion, MAX_TIMEOUT_MS, type Outcome, readFailure } from '../asking/check-question.ts';
import { createQuestionWindow } from '../asking/question-window.ts';
import type { Guarantees, SubjectFilter } from '../event-bus.ts';
import type { AnswerHandler, AnswerOptions, AskOptions, Question, RequestReply } from '../request-reply.ts';
import { type BusGate, endedBy } from './bus-gate.ts';
import { callJetStream, NO_RESPONDERS, REFUSED } from './jetstream-api.ts';
import { ask, type NatsLink, NoAnswer } from './nats-link.ts';
import { ANSWERERS } from './server/duty-permissions.ts';

/** What questions of one bus are asked with. */
export interface QuestionParts {
  readonly link: NatsLink;
  readonly gate: BusGate;
  readonly limits: Pick<Guarantees, 'maxMessageBytes'>;
  readonly inboxPrefix: string;
  /** Of the connection, for messages. */
  readonly name: string;
}

/** Questions and answers of one bus. */
export interface NatsQuestions extends RequestReply {
  /** Answers what is under way as failed. */
  close(): void;
}

/** Headers of questions and answers; none that begin so are the user's. No stream has this name, so that none keeps a question. */
const LINE = { timeout: 'Nats-Tocsin-Timeout', outcome: 'Nats-Tocsin-Answer', stream: 'Nats-Expected-Stream' } as const;
const NO_STREAM = '*';
const FAILED = 'failed';
/** Longest refusal of a stream, bytes. */
const MAX_REFUSAL_BYTES = 1_000;
/** Where askers wait. Any other place could be one that the asker may not write to. */
const INBOX = '_INBOX';
const DRAIN_MS = 1_000;

/** Nothing asked yet. */
export function createNatsQuestions(parts: QuestionParts): NatsQuestions {
  const { gate, limits } = parts;
  const window = createQuestionWindow();
  const desks = new Set<AnswerDesk>();
  return {
    async ask(question, options) {
      gate.requireOpen('A question');
      options.signal?.throwIfAborted();
      const leave = window.enter(checkQuestion(question, options, limits));
      try {
        return answerOf(question.subject, await outcomeOf(parts, question, options));
      } finally {
        leave();
      }
    },
    async answer(filter, handle, options = {}) {
      checkAnswerer(filter, options);
      return await gate.call('An answer', () => openAnswerer(parts, desks, { filter, handle, options }));
    },
    close() {
      for (const desk of desks) desk.close();
    },
  };
}

async function outcomeOf({ link, gate }: QuestionParts, question: Question, { timeoutMs, signal }: AskOptions): Promise<Outcome> {
  const { subject, body } = question;
  const deadline = performance.now() + timeoutMs;
  const scope = gate.scopeWith(signal);
  const noAnswer = (given: (cause: Error) => TocsinError) => (error: unknown) => {
    throw error instanceof NoAnswer ? given(error) : error;
  };
  await endedBy(scope, link.whenUp(deadline)).catch(
    noAnswer((cause) => new TocsinError('bus.unavailable', { reason: cause.message }, { cause })),
  );
  const lines = linesOf(question.headers ?? {});
  lines.set(LINE.timeout, String(Math.max(1, Math.ceil(deadline - performance.now()))));
  lines.set(LINE.stream, NO_STREAM);
  const message = await ask(link, { subject, body, headers: lines, signal: scope }, deadline).catch(
    noAnswer((cause) => new TocsinError('bus.unanswered', { subject, waitedMs: timeoutMs }, { cause })),
  );
  return readOutcome(subject, message);
}

/** Whatever comes without a mark is taken for an answer, so that programs of others may give one. @throws bus.nobody_answers, bus.bad_subject */
function readOutcome(subject: string, { headers, data }: Msg): Outcome {
  if (headers?.code === NO_RESPONDERS && data.length === 0) throw new TocsinError('bus.nobody_answers', { subject });
  const [outcome, code = ''] = (headers?.get(LINE.outcome) ?? '').split(' ');
  if (outcome === FAILED) return { failed: readFailure(code, new TextDecoder().decode(data)) };
  if (outcome === '' && isRefusalOfStream(data)) throw streamTakes(subject);
  return { answer: { headers: ownHeaders(headers), body: data } };
}

/** What a stream says that was asked by the name of another. */
function isRefusalOfStream(data: Uint8Array): boolean {
  if (data.length > MAX_REFUSAL_BYTES) return false;
  const text = new TextDecoder().decode(data);
  return text.startsWith('{"error":') && text.includes(`"err_code":${REFUSED.otherStream}`);
}

async function openAnswerer(
  { link, limits, inboxPrefix, name }: QuestionParts,
  desks: Set<AnswerDesk>,
  { filter, handle, options }: { readonly filter: SubjectFilter; readonly handle: AnswerHandler; readonly options: AnswerOptions },
): Promise<AsyncDisposable> {
  await refuseStreams(link, filter);
  const desk = createAnswerDesk({ handle, options, limits, after: afterMs });
  let refused: Error | undefined;
  const subscription = link.connection.subscribe(filter, {
    queue: ANSWERERS,
    callback: (error, message) => {
      if (error) refused = error;
      else if (message.reply?.startsWith(INBOX) || message.reply?.startsWith(`${inboxPrefix}.`)) take(link, desk, message);
    },
  });
  desks.add(desk);
  try {
    // Its answer comes after the server has read the subscription, and after what it says against it.
    await refuseStreams(link, filter);
    if (refused !== undefined) throw new TocsinError('bus.forbidden', { subject: filter, name }, { cause: refused });
  } catch (error) {
    subscription.unsubscribe();
    desks.delete(desk);
    desk.close();
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      // What the server has sent by now is taken; a server that hangs sends nothing.
      if (!link.isClosed) await within(DRAIN_MS, subscription.drain());
      await desk.idle();
      desks.delete(desk);
    },
  };
}

/** @throws bus.bad_subject where a stream takes what a filter does */
async function refuseStreams(link: NatsLink, filter: SubjectFilter): Promise<void> {
  const { streams } = await callJetStream<{ streams: string[] | null }>(link, 'STREAM.NAMES', { subject: filter });
  if (streams?.length) throw streamTakes(filter);
}

function take(link: NatsLink, desk: AnswerDesk, message: Msg): void {
  const timeoutMs = Number(message.headers?.get(LINE.timeout) || MAX_TIMEOUT_MS);
  desk.take({ subject: message.subject, headers: ownHeaders(message.headers), body: message.data, timeoutMs }, (outcome) => {
    if (link.isClosed) return;
    const lines = linesOf('answer' in outcome ? outcome.answer.headers : {});
    lines.set(LINE.outcome, 'answer' in outcome ? 'answered' : `${FAILED} ${outcome.failed.code ?? ''}`.trim());
    message.respond('answer' in outcome ? outcome.answer.body : new TextEncoder().encode(outcome.failed.reason), { headers: lines });
  });
}

function linesOf(headers: Readonly<Record<string, string>>): MsgHdrs {
  const lines = createHeaders();
  for (const [name, value] of Object.entries(headers)) lines.set(name, value);
  return lines;
}

function ownHeaders(lines: MsgHdrs | undefined): Record<string, string> {
  const own = Object.create(null) as Record<string, string>;
  for (const [name, values] of lines ?? []) if (!name.startsWith('Nats-')) own[name] = values[0] ?? '';
  return { ...own };
}

function streamTakes(subject: string): TocsinError {
  return new TocsinError('bus.bad_subject', { subject, reason: 'a stream takes it, and what streams take cannot be asked' });
}

function afterMs(ms: number, wake: () => void): Disposable {
  const timer = setTimeout(wake, ms);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = afterMs(ms, resolve);
  await Promise.race([Promise.allSettled([work]), promise]);
  timer[Symbol.dispose]();
}
