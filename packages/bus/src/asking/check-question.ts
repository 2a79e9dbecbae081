/** What every adapter refuses of questions and answers before it sends anything, and what it makes of an answer that tells of a failure. */
import { type ErrorCode, errorTable, isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import type { Guarantees } from '../event-bus.ts';
import { badRequest, checkHeaders, messageBytes } from '../message-check.ts';
import type { Answer, AnswerOptions, AskOptions, Question, WholeAnswer } from '../request-reply.ts';
import { checkFilter, checkSubject } from '../subject-filter.ts';

/** Longest wait for an answer, milliseconds: brokers let an answer through for a little longer. */
export const MAX_TIMEOUT_MS = 120_000;
/** Most questions that one answerer may be given at once. */
const MAX_UNDER_WAY = 4096;
/** Longest reason of a failure that is sent, in UTF-16 units. */
const MAX_REASON = 1000;

/** What becomes of a question: an answer, or why there is none. */
export type Outcome = { readonly answer: WholeAnswer } | { readonly failed: Failure };

/** Why an answerer has no answer. `code` is one of the error table, or undefined for an error outside it. */
export interface Failure {
  readonly code: ErrorCode | undefined;
  readonly reason: string;
}

/** Size of a checked question, in bytes. @throws bus.bad_subject, bus.bad_request, bus.too_large */
export function checkQuestion({ subject, headers = {}, body }: Question, { timeoutMs }: AskOptions, limits: Limits): number {
  checkSubject(subject);
  checkHeaders(headers);
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS)
    throw badRequest(`timeoutMs ${timeoutMs}`, `it is not 1 to ${MAX_TIMEOUT_MS}`);
  return checkSize(subject, { headers, body }, limits);
}

/** Checks what an answerer asks for. @throws bus.bad_subject, bus.bad_request */
export function checkAnswerer(filter: string, { maxUnderWay = 1 }: AnswerOptions): void {
  checkFilter(filter);
  // It would also be given what brokers themselves are asked, and answer that.
  if (/^[*>]/.test(filter)) throw new TocsinError('bus.bad_subject', { subject: filter, reason: 'whoever answers names the first token' });
  if (Number.isInteger(maxUnderWay) && maxUnderWay >= 1 && maxUnderWay <= MAX_UNDER_WAY) return;
  throw badRequest(`maxUnderWay ${maxUnderWay}`, `it is not 1 to ${MAX_UNDER_WAY}`);
}

/** The answer with nothing left out. @throws bus.bad_request, bus.too_large */
export function checkAnswer(subject: string, { headers = {}, body }: Answer, limits: Limits): WholeAnswer {
  checkHeaders(headers);
  if (!(body instanceof Uint8Array)) throw badRequest(`an answer on ${subject}`, 'its body is no bytes');
  checkSize(subject, { headers, body }, limits);
  return { headers, body };
}

/** What is told of an error: its code and its message, nothing else of it. */
export function failureOf(error: unknown): Failure {
  const text = messageOf(error);
  const reason = text.length > MAX_REASON ? `${text.slice(0, MAX_REASON)}…` : text;
  return { code: isTocsinError(error) ? error.code : undefined, reason: reason.toWellFormed() };
}

/** A failure as it came over a bus: codes that this version does not know are none. */
export function readFailure(code: string, reason: string): Failure {
  return { code: Object.hasOwn(errorTable, code) ? (code as ErrorCode) : undefined, reason: reason.slice(0, MAX_REASON + 1) };
}

/** The answer of an outcome. @throws bus.answer_failed, bus.busy */
export function answerOf(subject: string, outcome: Outcome): WholeAnswer {
  if ('answer' in outcome) return outcome.answer;
  const { code, reason } = outcome.failed;
  if (code === 'bus.busy') throw new TocsinError('bus.busy', { what: `whoever answers ${subject}` });
  throw new TocsinError('bus.answer_failed', { subject, code, reason });
}

type Limits = Pick<Guarantees, 'maxMessageBytes'>;

function checkSize(subject: string, message: Answer, { maxMessageBytes: maxBytes }: Limits): number {
  const bytes = messageBytes({ id: '', ...message });
  if (bytes > maxBytes) throw new TocsinError('bus.too_large', { subject, bytes, maxBytes });
  return bytes;
}
