/**
 * A dead letter: what a consumer could not handle, with its original bytes and all that is known about why. On the bus it is one subject
 * whose newest message is its state: the bytes are the message's body, everything else is one header.
 */
import type { Stored } from '@tocsin/bus';
import { hashParts, type Position, sha256Hex, TocsinError } from '@tocsin/core';

/** Why something was dropped: one word per reason, counted by it. */
export type DropReason =
  | 'unreadable' // it is not what its place says it is
  | 'threw' // handling it threw
  | 'deadline' // handling it did not end
  | 'memory' // handling it took more memory than there is for it
  | 'crashed' // handling it ended the process or thread
  | 'refused' // the other side will never take it
  | 'exhausted' // the other side did not take it, however often it was tried
  | 'invalid'; // it does not fit the schema of its type

/** What became of a dead letter. */
export type DeadLetterState = 'waiting' | 'redriven' | 'discarded';

/** One failed attempt. */
export interface FailedAttempt {
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  readonly text: string;
}

/** What a person did to it last. */
export interface DeadLetterAct {
  readonly kind: 'edit' | 'redrive' | 'discard';
  readonly actor: string;
  readonly atMs: number;
  readonly reason?: string | undefined;
}

/** Everything about a dead letter but its bytes. */
export interface DeadLetter {
  /** 32 hex digits: the same thing dropped again by the same consumer has the same. */
  readonly id: string;
  readonly tenant: string;
  readonly consumer: string;
  readonly state: DeadLetterState;
  /** `event`: its bytes are a frame of that one event; `message`: a whole message as it stood on the bus. */
  readonly kind: 'event' | 'message';
  readonly reason: DropReason;
  readonly attempts: number;
  /** The newest, at most ten. */
  readonly errors: readonly FailedAttempt[];
  /** First and last attempt, milliseconds since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Where it stood: subject, position, and for an event its index in the frame. */
  readonly subject: string;
  readonly position: Position;
  readonly index?: number | undefined;
  /** Id and headers of the message it came in. */
  readonly messageId: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly source?: string | undefined;
  readonly eventId?: string | undefined;
  /** The only part of the consumer that has not handled it, such as `rule:4f…`; absent where none has. */
  readonly scope?: string | undefined;
  /** Of its bytes. */
  readonly sha256: string;
  readonly bytes: number;
  /** How often it was redriven. */
  readonly redrives: number;
  readonly act?: DeadLetterAct | undefined;
}

/** What a dead letter is about: the same thing always gives the same id. */
export type DeadLetterPlace = Pick<DeadLetter, 'tenant' | 'consumer' | 'position' | 'index' | 'scope'>;

/** A dead letter with its bytes, and where its state stands. */
export interface StoredDeadLetter {
  readonly letter: DeadLetter;
  readonly body: Uint8Array;
  readonly at: Position;
}

const HEADER = 'Tocsin-Dead-Letter';
/** Text of one error, and of the original headers together, characters. */
const MAX_ERROR_CHARS = 512;
const MAX_HEADER_CHARS = 8192;
const MAX_ERRORS = 10;

/** Id of the dead letter about a place. */
export function deadLetterId({ tenant, consumer, position, index, scope }: DeadLetterPlace): string {
  return hashParts([tenant, consumer, position, String(index ?? ''), scope ?? '']);
}

/** A letter as the one header that says everything but its bytes: JSON in printable ASCII. */
export function deadLetterHeaders(letter: DeadLetter): Readonly<Record<string, string>> {
  const headers = JSON.stringify(letter.headers).length > MAX_HEADER_CHARS ? { 'Tocsin-Left-Out': 'headers too long' } : letter.headers;
  const errors = letter.errors.slice(-MAX_ERRORS).map((error) => ({ ...error, text: error.text.slice(0, MAX_ERROR_CHARS).toWellFormed() }));
  const json = JSON.stringify({ ...letter, headers, errors });
  return { [HEADER]: json.replaceAll(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) };
}

/** A dead letter, or what is to be handled once more, as stored. @throws deadletter.unreadable */
export function readDeadLetter(stored: Stored): StoredDeadLetter {
  const json = stored.headers[HEADER];
  try {
    if (json === undefined) throw new Error(`it has no header ${HEADER}`);
    return { letter: JSON.parse(json) as DeadLetter, body: stored.body, at: stored.position };
  } catch (cause) {
    throw new TocsinError('deadletter.unreadable', { subject: stored.subject, reason: (cause as Error).message }, { cause });
  }
}

/** Size and hash of new bytes. */
export function contentOf(body: Uint8Array): Pick<DeadLetter, 'sha256' | 'bytes'> {
  return { sha256: sha256Hex(body), bytes: body.byteLength };
}
