/** Questions and answers between processes over core NATS: nothing is stored, and who is not there does not answer. */
import { TocsinError } from '@tocsin/core';
import { NO_RESPONDERS } from './jetstream-api.ts';
import { type LinkAddress, linkOptionsOf } from './nats-bus.ts';
import { ask, type NatsLink, NoAnswer, openLink } from './nats-link.ts';

/** Asks and answers. Whoever opened it disposes it. */
export interface BusCalls extends AsyncDisposable {
  /** Answers what is asked on a subject until disposed; what `handle` rejects with is told to nobody, so it should not reject. */
  answer(subject: string, handle: (body: Uint8Array) => Promise<Uint8Array>): void;
  /** The answer. @throws bus.unavailable where nobody listens, or none came in time */
  ask(subject: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
}

/** Connects. @throws bus.unavailable when no server answers */
export async function openNatsCalls(address: LinkAddress): Promise<BusCalls> {
  const link = await openLink(linkOptionsOf(address));
  return {
    answer(subject, handle) {
      link.connection.subscribe(subject, {
        callback: (error, message) => {
          // A refused subscription is told on the connection's status; there is no message then.
          if (error !== null && error !== undefined) return;
          void handle(message.data).then(
            (body) => message.respond(body),
            () => message.respond(),
          );
        },
      });
    },
    ask: (subject, body, timeoutMs) => askOnce(link, { subject, body }, timeoutMs),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

async function askOnce(link: NatsLink, question: { subject: string; body: Uint8Array }, timeoutMs: number): Promise<Uint8Array> {
  const deadline = performance.now() + timeoutMs;
  try {
    await link.whenUp(deadline);
    const answer = await ask(link, question, deadline);
    if (answer.headers?.code === NO_RESPONDERS)
      throw new TocsinError('bus.unavailable', { reason: `nobody answers on ${question.subject}` });
    return answer.data;
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    throw new TocsinError('bus.unavailable', { reason: `${question.subject}: ${error.message}` }, { cause: error });
  }
}
