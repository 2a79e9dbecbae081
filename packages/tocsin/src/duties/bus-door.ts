/**
 * The door for foreign producers on the bus, and for events whose planned time has come: follows the queue they write, finds out whose each message is, and hands it to ingest. The subject
 * says whose it is, and the server lets each producer write its own subject only. What is refused becomes a dead letter and comes back here when
 * it is redriven.
 */
import { setTimeout } from 'node:timers/promises';
import type { Delivery, EventBus, SubjectFilter } from '@tocsin/bus';
import { isTocsinError, type Position, TocsinError } from '@tocsin/core';
import { type KeptMessage, MessageDoor, type MessageDoorOptions, type QueuedMessage, type Source } from '@tocsin/ingest';
import { type DeadLetter, readDeadLetter } from '../deadletters/dead-letter.ts';
import type { Drop } from '../deadletters/drop.ts';
import { FIRST_TENANT } from '../operator.ts';
import type { SourceBook } from '../registry/source-book.ts';
import { DUE_FILTER, IN_FILTER, readDueSubject, readInSubject, retrySubject } from '../subjects.ts';
import { IN_CONSUMER } from '../topology.ts';

/** What the door works with. */
export interface BusDoorOptions {
  readonly bus: Pick<EventBus, 'subscribe'>;
  readonly book: Pick<SourceBook, 'find' | 'conceals'>;
  readonly context: MessageDoorOptions['context'];
  readonly drop: Drop;
  readonly nowMs: () => number;
  /** Told once, at the first message. */
  readonly onFirst: () => void;
}

const AGAIN_AFTER_MS = 1000;
/** After this long without a word a message is delivered again: to this process, or to the one that takes over when this was killed. */
const ACK_WAIT_MS = 10_000;
/** Messages and bytes that wait for their answers. */
const MAX_MESSAGES = 4096;
const MAX_BYTES = 16 << 20;

/** A message and what is known of it beside its bytes. */
interface Letter extends QueuedMessage {
  readonly subject: string;
  readonly position: Position;
  readonly messageId: string;
  readonly tenant: string;
  readonly source: string | undefined;
  readonly redriveOf: DeadLetter | undefined;
}

/** Opens the door; an outage of the bus is waited out. Disposing stops following and waits for what was taken to be answered. */
export function openBusDoor(options: BusDoorOptions): AsyncDisposable {
  const stop = new AbortController();
  const { context } = options;
  const door = new MessageDoor({ context, keep: (message, kept) => keep(message as Letter, kept, options) });
  const following = [
    follow(IN_FILTER, { ...options, signal: stop.signal }, (delivery) => take(letterOf(delivery), door, options)),
    follow(DUE_FILTER, { ...options, signal: stop.signal }, (delivery) => take(letterOf(delivery), door, options)),
    follow(retrySubject(IN_CONSUMER), { ...options, signal: stop.signal }, (delivery) => {
      const letter = redriven(delivery);
      if (letter === undefined) delivery.reject('it is no dead letter');
      else take(letter, door, options);
    }),
  ];
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(following);
      await door[Symbol.asyncDispose]();
    },
  };
}

async function follow(
  filter: SubjectFilter,
  { bus, context, signal }: BusDoorOptions & { readonly signal: AbortSignal },
  handle: (delivery: Delivery) => void,
): Promise<void> {
  const group = {
    group: IN_CONSUMER,
    start: 'first' as const,
    maxMessages: MAX_MESSAGES,
    maxBytes: MAX_BYTES,
    ackWaitMs: ACK_WAIT_MS,
    signal,
  };
  while (!signal.aborted) {
    try {
      await using subscription = await bus.subscribe(filter, group);
      for await (const delivery of subscription) handle(delivery);
    } catch (error) {
      if (signal.aborted || isTocsinError(error, 'bus.closed')) return;
      context.onTrouble(error, `${context.name}: following ${filter}; it is followed again`);
    }
    await setTimeout(AGAIN_AFTER_MS, undefined, { signal }).catch(() => 'aborted: the loop ends');
  }
}

function take(letter: Letter, door: MessageDoor, { book, context, onFirst }: BusDoorOptions): void {
  if (context.counts.bytes === 0) onFirst();
  const { tenant, source: name, subject } = letter;
  let source: Source | undefined;
  try {
    source = name === undefined ? undefined : book.find(tenant, name);
  } catch (error) {
    // Of a source that cannot be used now, such as one whose key is missing, messages wait: those of others do not.
    if (!isTocsinError(error, 'auth.refused')) return door.postpone(letter, error);
    // Revoked: as one that is not known.
  }
  if (source !== undefined) door.take(source, letter);
  else door.refuse(letter, new TocsinError('door.no_source', { subject }), { conceals: name !== undefined && book.conceals(tenant, name) });
}

function letterOf(delivery: Delivery): Letter {
  const { subject, headers, body, id, position } = delivery.message;
  return { ...answersOf(delivery), ...ownerOf(subject), subject, headers, body, position, messageId: id, redriveOf: undefined };
}

/** A dead letter of this door; undefined where the message is none. Whose it is stands in the letter. */
function redriven(delivery: Delivery): Letter | undefined {
  try {
    const { letter, body } = readDeadLetter(delivery.message);
    const { tenant, source, subject, headers, position, messageId } = letter;
    return { ...answersOf(delivery), tenant, source, subject, headers, body, position, messageId, redriveOf: letter };
  } catch (error) {
    if (isTocsinError(error, 'deadletter.unreadable')) return undefined;
    throw error;
  }
}

function answersOf(delivery: Delivery): Pick<QueuedMessage, 'attempt' | 'ack' | 'retry' | 'extend'> {
  return {
    attempt: delivery.attempt,
    ack: () => delivery.ack(),
    retry: (options) => delivery.retry(options),
    extend: () => delivery.extend(),
  };
}

/** Whose subject it is. On a server of others anything may be published: what names nobody is the first tenant's dead letter. */
function ownerOf(subject: string): { readonly tenant: string; readonly source: string | undefined } {
  try {
    return readDueSubject(subject) ?? readInSubject(subject);
  } catch (error) {
    if (isTocsinError(error, 'bus.bad_name')) return { tenant: FIRST_TENANT, source: undefined };
    throw error;
  }
}

async function keep(letter: Letter, { headers, body, refused }: KeptMessage, { drop, nowMs }: BusDoorOptions): Promise<void> {
  const { tenant, source, subject, position, messageId, redriveOf } = letter;
  const [first] = refused;
  const place = refused.length > 1 || first?.index !== 0 ? (index: number) => `event ${index + 1} of the message: ` : () => '';
  const errors = refused.map(({ index, reason }) => ({ attempt: 1, atMs: nowMs(), text: `${place(index)}${reason}` }));
  const about = { tenant, consumer: IN_CONSUMER, kind: 'message' as const, subject, position, messageId, headers, source };
  const reason = first?.code === 'door.no_source' ? 'refused' : 'unreadable';
  await drop({ ...about, eventId: refused.length === 1 ? first?.id : undefined, body, errors, redriveOf }, reason);
}
