/** Calls of JetStream's management API (ADR-1): JSON questions to `$JS.API.…`, asked again while the server restarts. */
import { TocsinError } from '@tocsin/core';
import { ask, type NatsLink, NoAnswer } from './nats-link.ts';

/** JetStream refused a call. `code` is its `err_code`, such as 10059 for no such stream. */
export class JetStreamRefusal extends Error {
  readonly code: number;
  constructor(code: number, description: string) {
    super(`${description} (${code})`);
    this.code = code;
  }
}

/** Codes of nats-server's errors.json that this adapter acts upon. */
export const REFUSED = {
  insufficientResources: 10023,
  insufficientStorage: 10047,
  jetStreamUnavailable: 10008,
  jetStreamNotEnabled: 10076,
  jetStreamNotEnabledForAccount: 10039,
  noMessageFound: 10037,
  consumerNotFound: 10014,
  consumerNameExists: 10013,
  consumerExists: 10148,
  streamNotFound: 10059,
  messageTooLarge: 10054,
  otherStream: 10060,
  wrongLastId: 10070,
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  storeFailed: 10077,
  idInProcess: 10158,
  batchIncomplete: 10176,
  batchDuplicateId: 10201,
  batchTooManyOpen: 10210,
  batchLimit: 10211,
  plansDisabled: 10188,
  planTimeInvalid: 10189,
  planTargetInvalid: 10190,
} as const;

/** Refusals that end by themselves while a server starts. */
const PASSING: ReadonlySet<number> = new Set([
  REFUSED.jetStreamUnavailable,
  REFUSED.jetStreamNotEnabled,
  REFUSED.jetStreamNotEnabledForAccount,
]);
const CALL_MS = 5_000;
const ATTEMPT_MS = 2_500;
const PAUSE_MS = 50;
/** Status of an answer that the server gives because nobody listens on the subject. */
export const NO_RESPONDERS = 503;

/** Answer of a call. Asked again until 5 s have passed where no answer came. @throws JetStreamRefusal, bus.unavailable, bus.forbidden, bus.closed */
export async function callJetStream<T>(link: NatsLink, call: string, body?: object): Promise<T> {
  const deadline = performance.now() + CALL_MS;
  const question = { subject: `$JS.API.${call}`, body: body === undefined ? '' : JSON.stringify(body) };
  let reason = 'it does not answer';
  for (;;) {
    try {
      await link.whenUp(deadline);
      const answer = await ask(link, question, Math.min(deadline, performance.now() + ATTEMPT_MS));
      if (answer.headers?.code !== NO_RESPONDERS) return parseAnswer<T>(answer.string());
      reason = 'JetStream is not up';
    } catch (error) {
      const passing = error instanceof NoAnswer || (error instanceof JetStreamRefusal && PASSING.has(error.code));
      if (!passing) throw error;
      reason = error.message;
    }
    if (performance.now() >= deadline) throw new TocsinError('bus.unavailable', { reason: `${call}: ${reason}` });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Content of an answer. @throws JetStreamRefusal when it is one */
function parseAnswer<T>(text: string): T {
  const answer = JSON.parse(text) as T & { error?: { code: number; err_code?: number; description?: string } };
  if (answer.error !== undefined)
    throw new JetStreamRefusal(answer.error.err_code ?? answer.error.code, answer.error.description ?? 'no description');
  return answer;
}
