/** Single messages of a stream: got from whichever server is near where there is one copy, and from the stream's leader where there are several. */
import { type Msg, type MsgHdrs, MsgHdrsImpl } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import { callJetStream, JetStreamRefusal, NO_RESPONDERS, REFUSED } from './jetstream-api.ts';
import { ask, type NatsLink, NoAnswer, type Question } from './nats-link.ts';
import type { KnownStream } from './stream-catalogue.ts';

/** A message as a stream keeps it. */
export interface KeptMessage {
  readonly subject: string;
  readonly sequence: number;
  readonly storedMs: number;
  readonly headers: MsgHdrs | undefined;
  readonly body: Uint8Array;
}

/** Which message: at or after a sequence or a time (with `next_by_subj`: the next of that filter), or the newest of a subject. */
export type MessageQuery =
  | { readonly seq: number; readonly next_by_subj?: string }
  | { readonly start_time: string; readonly next_by_subj: string }
  | { readonly last_by_subj: string };

/** Answer of `STREAM.MSG.GET` (ADR-1). `hdrs` and `data` are base64; those that are empty are left out. */
interface LeaderAnswer {
  readonly message: {
    readonly subject: string;
    readonly seq: number;
    readonly time: string;
    readonly hdrs?: string;
    readonly data?: string;
  };
}

const GET_MS = 5_000;
const ATTEMPT_MS = 2_500;
const NOT_FOUND = 404;
const PAUSE_MS = 50;

/** One message; undefined when it is not kept. Asked again until 5 s have passed where no answer came. @throws bus.unavailable, bus.forbidden, bus.closed */
export async function getMessage(link: NatsLink, stream: KnownStream, query: MessageQuery): Promise<KeptMessage | undefined> {
  // A follower answers what it has, which may be less than was acknowledged: a value just put would be read as its predecessor.
  return stream.config.num_replicas > 1 ? await getFromLeader(link, stream.stream, query) : await getDirect(link, stream.stream, query);
}

async function getFromLeader(link: NatsLink, stream: string, query: MessageQuery): Promise<KeptMessage | undefined> {
  try {
    const { message } = await callJetStream<LeaderAnswer>(link, `STREAM.MSG.GET.${stream}`, query);
    return {
      subject: message.subject,
      sequence: message.seq,
      storedMs: Date.parse(message.time),
      headers: message.hdrs === undefined ? undefined : MsgHdrsImpl.decode(Buffer.from(message.hdrs, 'base64')),
      body: Buffer.from(message.data ?? '', 'base64'),
    };
  } catch (error) {
    if (error instanceof JetStreamRefusal && error.code === REFUSED.noMessageFound) return undefined;
    throw error;
  }
}

/** By the direct path (ADR-31), which costs the server least. */
async function getDirect(link: NatsLink, stream: string, query: MessageQuery): Promise<KeptMessage | undefined> {
  const deadline = performance.now() + GET_MS;
  // The subject at the end of the question, not in its body, is what permissions can be about.
  const question =
    'last_by_subj' in query
      ? { subject: `$JS.API.DIRECT.GET.${stream}.${query.last_by_subj}` }
      : { subject: `$JS.API.DIRECT.GET.${stream}`, body: JSON.stringify(query) };
  for (;;) {
    const answer = await askDirect(link, question, deadline);
    const code = answer instanceof NoAnswer ? NO_RESPONDERS : (answer.headers?.code ?? 0);
    if (code === NOT_FOUND) return undefined;
    if (code === 0 && !(answer instanceof NoAnswer)) return keptFromDirect(answer);
    if (code !== NO_RESPONDERS) throw new JetStreamRefusal(code, `a message of ${stream}`);
    if (performance.now() >= deadline) throw new TocsinError('bus.unavailable', { reason: `no answer about a message of ${stream}` });
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

function keptFromDirect({ headers, data }: Msg): KeptMessage {
  return {
    subject: headers?.get('Nats-Subject') ?? '',
    sequence: Number(headers?.get('Nats-Sequence')),
    storedMs: Date.parse(headers?.get('Nats-Time-Stamp') ?? ''),
    headers,
    body: data,
  };
}

async function askDirect(link: NatsLink, question: Question, deadline: number): Promise<Msg | NoAnswer> {
  try {
    await link.whenUp(deadline);
    return await ask(link, question, Math.min(deadline, performance.now() + ATTEMPT_MS));
  } catch (error) {
    if (error instanceof NoAnswer) return error;
    throw error;
  }
}
