/** What a JetStream message says of itself: as delivered by a consumer (facts in its reply subject) and as got by itself. */
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import type { Plan, Stored } from '../event-bus.ts';
import type { KeptMessage } from './kept-message.ts';
import { PLAN, planOf } from './plan-headers.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** The facts of a delivery. */
export interface DeliveryFacts {
  readonly streamSequence: number;
  /** Rises by one with each delivery of a consumer. */
  readonly consumerSequence: number;
  /** 1 for the first. */
  readonly attempt: number;
  readonly storedMs: number;
  /** Matching messages after this one. */
  readonly pending: number;
}

const SHORT_FORM_TOKENS = 9;
const NANO_DIGITS = 6;

/** Facts of a delivered message: `$JS.ACK.<stream>.<consumer>.…`, or with domain and account hash before the stream (ADR-15). */
export function deliveryFacts(reply: string): DeliveryFacts {
  const tokens = reply.split('.');
  const at = tokens.length === SHORT_FORM_TOKENS ? 4 : 6;
  return {
    attempt: Number(tokens[at]),
    streamSequence: Number(tokens[at + 1]),
    consumerSequence: Number(tokens[at + 2]),
    storedMs: Number(tokens[at + 3]?.slice(0, -NANO_DIGITS)),
    pending: Number(tokens[at + 4]),
  };
}

/** A delivered message as the seam gives it. */
export function storedFromDelivery(
  catalogue: StreamCatalogue,
  stream: KnownStream,
  { message, facts }: { readonly message: Msg; readonly facts: DeliveryFacts },
): Stored {
  const position = catalogue.positionOf(stream, facts.streamSequence);
  return { subject: message.subject, ...idAndHeaders(message.headers), body: message.data, position, storedMs: facts.storedMs };
}

/** A message got by itself as the seam gives it. */
export function storedFromKept(catalogue: StreamCatalogue, stream: KnownStream, message: KeptMessage): Stored {
  const { subject, sequence, headers, body, storedMs } = message;
  return { subject, ...idAndHeaders(headers), body, position: catalogue.positionOf(stream, sequence), storedMs };
}

/** Bytes that the server counts for a message. */
export function deliveredBytes(message: Msg): number {
  let bytes = message.subject.length + (message.reply?.length ?? 0) + message.data.length;
  for (const [name, values] of message.headers ?? []) for (const value of values) bytes += name.length + value.length + 4;
  return bytes;
}

/** Headers beginning with `Nats-` are the bus's own; none of ours may. */
function idAndHeaders(lines: MsgHdrs | undefined): { id: string; headers: Record<string, string>; plan?: Plan } {
  const own = Object.create(null) as Record<string, string>;
  const plan = planOf(lines);
  let id = '';
  for (const [name, values] of lines ?? []) {
    if (name === 'Nats-Msg-Id' || name === PLAN.id) id = values[0] ?? '';
    else if (!name.startsWith('Nats-')) own[name] = values[0] ?? '';
  }
  return { id, headers: { ...own }, ...(plan && { plan }) };
}
