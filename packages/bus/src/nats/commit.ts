/**
 * A commit from question to answer: sent, sent again with the same ids whenever its answer was lost, and turned into
 * positions or one of the bus's errors. The wire form of one attempt is in `publish-unit.ts`.
 */
import { TocsinError } from '@tocsin/core';
import type { Outgoing, Published } from '../event-bus.ts';
import { NO_RESPONDERS, REFUSED } from './jetstream-api.ts';
import { type NatsLink, NoAnswer } from './nats-link.ts';
import { findStored, publishUnit, type UnitAnswer, type UnitMessage } from './publish-unit.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** What commits need. */
export interface CommitContext {
  readonly link: NatsLink;
  readonly catalogue: StreamCatalogue;
  /** How long a commit is tried before it is given up as unknown or unavailable, milliseconds. */
  readonly timeoutMs: number;
}

/** One commit under way. */
interface Attempt extends CommitContext {
  readonly stream: KnownStream;
  readonly deadline: number;
  /** Whether an attempt may have been stored. */
  unsure: boolean;
}

/** Where one message of a unit stands. */
interface StoredAt {
  readonly sequence: number;
  readonly duplicate: boolean;
}

/** Refusals after which the same unit may be sent again: nothing was stored, and the cause passes. */
const PASSING: ReadonlySet<number> = new Set([
  NO_RESPONDERS, REFUSED.batchIncomplete, REFUSED.batchTooManyOpen, REFUSED.batchLimit, REFUSED.jetStreamUnavailable, REFUSED.jetStreamNotEnabled,
  REFUSED.jetStreamNotEnabledForAccount,
]);
const PAUSE_MS = 25;

/** Stores checked messages as one unit of one stream. @throws bus.full, bus.unavailable, bus.unknown, bus.fenced, bus.too_large, bus.forbidden, bus.no_stream, bus.bad_position, bus.closed */
export async function commitMessages(context: CommitContext, messages: readonly Outgoing[]): Promise<Published[]> {
  const deadline = performance.now() + context.timeoutMs;
  const stream = await context.catalogue.find(messages[0]?.subject ?? '');
  for (const { subject } of messages) {
    const other = await context.catalogue.find(subject);
    if (other.stream !== stream.stream) throw new TocsinError('bus.bad_commit', { reason: `its messages belong to the streams ${stream.stream} and ${other.stream}` });
  }
  const unit = await Promise.all(messages.map(async (message) => await withExpectation(context, stream, message)));
  const attempt: Attempt = { ...context, stream, deadline, unsure: false };
  const stored = await storeUnit(attempt, unit);
  const newest = stored.findLast((at) => !at.duplicate);
  const life = newest === undefined ? stream : await context.catalogue.noteStored(stream, newest.sequence);
  return messages.map(({ subject, id }, i) => {
    const at = stored[i] ?? { sequence: 0, duplicate: false };
    return { subject, id, position: context.catalogue.positionOf(life, at.sequence), duplicate: at.duplicate };
  });
}

/** A position of an earlier life of the stream cannot be the last of its subject: that is a fenced writer, not a bad argument. */
async function withExpectation({ catalogue }: CommitContext, stream: KnownStream, message: Outgoing): Promise<UnitMessage> {
  const { subject, id, headers, body, expect } = message;
  if (expect === undefined) return { subject, id, headers, body };
  const expectSequence = expect === 'none' ? 0 : catalogue.sequenceOf(stream, expect);
  return { subject, id, headers, body, expectSequence };
}

/** Stores one message whose expectation is a sequence; its id must be its own. Resolves with where it stands. @throws as `commitMessages` */
export async function storeMessage(context: CommitContext, stream: KnownStream, message: UnitMessage): Promise<number> {
  const attempt: Attempt = { ...context, stream, deadline: performance.now() + context.timeoutMs, unsure: false };
  const [at] = await storeUnit(attempt, [message]);
  return at?.sequence ?? 0;
}

async function storeUnit(attempt: Attempt, unit: readonly UnitMessage[]): Promise<StoredAt[]> {
  for (;;) {
    const answer = await sendWhenUp(attempt, unit);
    if (answer.kind === 'lost') {
      attempt.unsure = true;
    } else if (answer.kind === 'stored') {
      return unit.map((_message, i) => ({ sequence: answer.last - unit.length + 1 + i, duplicate: answer.duplicate }));
    } else {
      const stored = await afterRefusal(attempt, unit, answer);
      if (stored !== undefined) return stored;
    }
    await pauseBefore(attempt, unit);
  }
}

/** Positions when the unit is there already; undefined when it should be sent again. */
async function afterRefusal(attempt: Attempt, unit: readonly UnitMessage[], refusal: UnitAnswer & { kind: 'refused' }): Promise<StoredAt[] | undefined> {
  const { code, description } = refusal;
  const subject = unit[0]?.subject ?? '';
  if (code === REFUSED.batchDuplicateId) return await keepStored(attempt, unit);
  if (code === REFUSED.wrongLastSequence || code === REFUSED.wrongLastSequenceUnknown) {
    // A single message is checked for its expectation before its id: it may be our own copy that moved the subject on.
    const own = unit.length === 1 ? await keepStored(attempt, unit, 'only') : undefined;
    if (own !== undefined) return own;
    throw new TocsinError('bus.fenced', { subject }, { cause: new Error(`${description} (${code})`) });
  }
  const forbidden = unit.find((message) => attempt.link.isForbidden(message.subject));
  if (code === REFUSED.batchIncomplete && forbidden !== undefined) throw new TocsinError('bus.forbidden', { subject: forbidden.subject, name: 'this connection' });
  if (PASSING.has(code)) return undefined;
  throw mapRefusal(attempt.stream.stream, unit, refusal);
}

/**
 * Some ids of the unit are stored. Those keep their places, and the rest is stored as one unit, so that each is there once.
 * With `only`, undefined when none is stored.
 */
async function keepStored(attempt: Attempt, unit: readonly UnitMessage[], only?: 'only'): Promise<StoredAt[] | undefined> {
  let found: (number | undefined)[];
  try {
    found = await Promise.all(unit.map((message) => findStored(attempt.link, message, attempt.deadline)));
  } catch (error) {
    if (error instanceof NoAnswer) return undefined;
    throw error;
  }
  const fresh = unit.filter((_message, i) => found[i] === undefined);
  if (only !== undefined && fresh.length > 0) return undefined;
  const added = fresh.length === 0 ? [] : await storeUnit(attempt, fresh);
  return found.map((sequence) => (sequence === undefined ? (added.shift() ?? { sequence: 0, duplicate: false }) : { sequence, duplicate: true }));
}

async function sendWhenUp(attempt: Attempt, unit: readonly UnitMessage[]): Promise<UnitAnswer> {
  try {
    await attempt.link.whenUp(attempt.deadline);
  } catch (error) {
    throw error instanceof NoAnswer ? givenUp(attempt, unit, error.message) : error;
  }
  return await publishUnit(attempt.link, unit, attempt.deadline);
}

async function pauseBefore(attempt: Attempt, unit: readonly UnitMessage[]): Promise<void> {
  if (performance.now() >= attempt.deadline) throw givenUp(attempt, unit, 'it does not store');
  if (attempt.link.isUp) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

function givenUp(attempt: Attempt, unit: readonly UnitMessage[], reason: string): TocsinError {
  if (!attempt.unsure) return new TocsinError('bus.unavailable', { reason });
  return new TocsinError('bus.unknown', { subject: unit[0]?.subject ?? '', waitedMs: attempt.timeoutMs });
}

function mapRefusal(stream: string, unit: readonly UnitMessage[], { code, description }: UnitAnswer & { kind: 'refused' }): TocsinError {
  const cause = new Error(`${description} (${code})`);
  const isFull = (code === REFUSED.storeFailed && /exceeded|no space/i.test(description)) || code === REFUSED.insufficientResources || code === REFUSED.insufficientStorage;
  if (isFull) return new TocsinError('bus.full', { stream }, { cause });
  if (code === REFUSED.messageTooLarge) {
    const bytes = Math.max(...unit.map((message) => message.body.byteLength));
    return new TocsinError('bus.too_large', { subject: unit[0]?.subject ?? '', bytes, maxBytes: bytes - 1 }, { cause });
  }
  return new TocsinError('bus.unavailable', { reason: cause.message }, { cause });
}
