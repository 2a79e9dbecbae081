/**
 * A commit from question to answer: sent, sent again with the same ids whenever its answer was lost, and turned into
 * positions or one of the bus's errors. The wire form of one attempt is in `publish-unit.ts`.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { CommitOptions, Outgoing, Published } from '../event-bus.ts';
import { sequenceIn } from '../position.ts';
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
  readonly deadline: number;
  /** After its abort nothing is sent any more: the bodies are the caller's again. */
  readonly signal?: AbortSignal | undefined;
  /** Whether an attempt may have been stored. */
  unsure: boolean;
}

/** Where one message of a unit stands. */
interface StoredAt {
  readonly stream: string;
  readonly sequence: number;
  readonly duplicate: boolean;
}

/** Refusals after which the same unit may be sent again: nothing was stored, and the cause passes. */
const PASSING: ReadonlySet<number> = new Set([
  NO_RESPONDERS,
  REFUSED.batchIncomplete,
  REFUSED.batchTooManyOpen,
  REFUSED.batchLimit,
  REFUSED.jetStreamUnavailable,
  REFUSED.jetStreamNotEnabled,
  REFUSED.jetStreamNotEnabledForAccount,
]);
const PAUSE_MS = 25;

/**
 * Most messages that are cheaper stored one by one, each with its own fsync, than as a batch with its six durable waits; measured with
 * nats-server 2.15.1 on a disk with an fsync of 0.25 ms.
 */
const ONE_BY_ONE = 12;

/**
 * Stores checked messages of one stream, as one unit unless that is not asked for. After the abort of `signal` nothing more is sent.
 * @throws bus.full, bus.unavailable, bus.unknown, bus.fenced, bus.too_large, bus.forbidden, bus.no_stream, bus.bad_commit, bus.bad_position, bus.closed
 */
export async function commitMessages(
  context: CommitContext,
  messages: readonly Outgoing[],
  { signal, asUnit = true }: CommitOptions = {},
): Promise<Published[]> {
  const attempt: Attempt = { ...context, deadline: performance.now() + context.timeoutMs, signal, unsure: false };
  const unit = await expectations(context.catalogue, messages);
  const stored = asUnit || !fitOneByOne(messages) ? await storeUnit(attempt, unit) : await storeEach(attempt, unit);
  const newest = stored.findLast((at) => !at.duplicate) ?? stored[0];
  const life = await lifeOf(attempt, newest, messages[0]?.subject ?? '');
  return messages.map(({ subject, id }, i) => {
    const at = stored[i] ?? { sequence: 0, duplicate: false };
    return { subject, id, position: context.catalogue.positionOf(life, at.sequence), duplicate: at.duplicate };
  });
}

/** The stream is looked up ahead only where it must be known: several subjects must share it, and a position must be of its present life. */
async function expectations(catalogue: StreamCatalogue, messages: readonly Outgoing[]): Promise<UnitMessage[]> {
  const subjects = new Set(messages.map((message) => message.subject));
  let stream: KnownStream | undefined;
  if (subjects.size > 1 || messages.some(({ expect }) => expect !== undefined && expect !== 'none')) {
    for (const subject of subjects) {
      const found = await catalogue.find(subject);
      stream ??= found;
      if (found.stream !== stream.stream)
        throw new TocsinError('bus.bad_commit', { reason: `its messages belong to the streams ${stream.stream} and ${found.stream}` });
    }
  }
  return messages.map((message) => withExpectation(stream, message));
}

/** The life of the stream that stored it. Where that cannot be learned any more, the commit is unknown: asked again, it is recognised. */
async function lifeOf(attempt: Attempt, at: StoredAt | undefined, subject: string): Promise<KnownStream> {
  try {
    return await attempt.catalogue.noteStored(at?.stream ?? '', at?.duplicate === true ? undefined : at?.sequence);
  } catch (cause) {
    throw new TocsinError('bus.unknown', { subject, waitedMs: attempt.timeoutMs }, { cause });
  }
}

function withExpectation(stream: KnownStream | undefined, message: Outgoing): UnitMessage {
  const { subject, id, headers, body, expect, plan } = message;
  if (expect === undefined) return { subject, id, headers, body, plan };
  const expectSequence = expect === 'none' || stream === undefined ? 0 : sequenceIn(stream, expect);
  return { subject, id, headers, body, plan, expectSequence };
}

/** Stores one message whose expectation is a sequence; its id must be its own. Resolves with where it stands. @throws as `commitMessages` */
export async function storeMessage(context: CommitContext, message: UnitMessage): Promise<number> {
  const attempt: Attempt = { ...context, deadline: performance.now() + context.timeoutMs, unsure: false };
  const [at] = await storeUnit(attempt, [message]);
  return at?.sequence ?? 0;
}

/** Several of one subject must keep their order whatever is sent again, which only a unit does. */
function fitOneByOne(messages: readonly Outgoing[]): boolean {
  return messages.length <= ONE_BY_ONE && new Set(messages.map(({ subject }) => subject)).size === messages.length;
}

/** Stores each by itself, all at once. @throws bus.fenced where any was, bus.unknown where some are stored, else what the first met */
async function storeEach(attempt: Attempt, unit: readonly UnitMessage[]): Promise<StoredAt[]> {
  const settled = await Promise.allSettled(unit.map((message) => storeUnit({ ...attempt }, [message])));
  const failures = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (failures.length === 0) return settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
  const fenced = failures.find((error) => isTocsinError(error, 'bus.fenced'));
  // One that may be stored outweighs any number that are not: its id must not be given to another message.
  const unknown = failures.find((error) => isTocsinError(error, 'bus.unknown'));
  if (fenced === undefined && unknown !== undefined) throw unknown;
  if (fenced !== undefined || failures.length === unit.length) throw fenced ?? failures[0];
  throw new TocsinError('bus.unknown', { subject: unit[0]?.subject ?? '', waitedMs: attempt.timeoutMs }, { cause: failures[0] });
}

async function storeUnit(attempt: Attempt, unit: readonly UnitMessage[]): Promise<StoredAt[]> {
  for (;;) {
    attempt.signal?.throwIfAborted();
    const answer = await sendWhenUp(attempt, unit);
    if (answer.kind === 'lost') {
      attempt.unsure = true;
    } else if (answer.kind === 'stored') {
      return unit.map((_message, i) => ({
        stream: answer.stream,
        sequence: answer.last - unit.length + 1 + i,
        duplicate: answer.duplicate,
      }));
    } else {
      const stored = await afterRefusal(attempt, unit, answer);
      if (stored !== undefined) return stored;
    }
    await pauseBefore(attempt, unit);
  }
}

/** Positions when the unit is there already; undefined when it should be sent again. */
async function afterRefusal(
  attempt: Attempt,
  unit: readonly UnitMessage[],
  refusal: UnitAnswer & { kind: 'refused' },
): Promise<StoredAt[] | undefined> {
  const { code } = refusal;
  const subject = unit[0]?.subject ?? '';
  if (code === REFUSED.batchDuplicateId) return await keepStored(attempt, unit);
  if (code === REFUSED.wrongLastSequence || code === REFUSED.wrongLastSequenceUnknown)
    return await afterWrongSequence(attempt, unit, refusal);
  // In a cluster: a copy sent before is not replicated yet, and may or may not come to be stored.
  if (code === REFUSED.idInProcess) {
    attempt.unsure = true;
    return undefined;
  }
  const forbidden = unit.find((message) => attempt.link.isForbidden(message.subject));
  if (code === REFUSED.batchIncomplete && forbidden !== undefined)
    throw new TocsinError('bus.forbidden', { subject: forbidden.subject, name: 'this connection' });
  // Nobody answers: no stream takes the subject (this throws bus.no_stream), or the server is still starting.
  if (code === NO_RESPONDERS) await requireStream(attempt, subject);
  if (PASSING.has(code)) return undefined;
  throw refusalOf(attempt, unit, mapRefusal(unit, refusal, await streamName(attempt, subject)));
}

/** One that says that nothing was stored cannot be believed where an earlier copy was sent and not answered. */
function refusalOf(attempt: Attempt, unit: readonly UnitMessage[], error: TocsinError): TocsinError {
  return attempt.unsure && isTocsinError(error, 'bus.unavailable') ? givenUp(attempt, unit, error.message) : error;
}

/** @throws bus.no_stream where no stream takes the subject. One that cannot be asked about, as while it elects a leader, may. */
async function requireStream({ catalogue }: Attempt, subject: string): Promise<void> {
  try {
    await catalogue.findFresh(subject);
  } catch (error) {
    if (!isTocsinError(error, 'bus.unavailable')) throw error;
  }
}

/** As `afterRefusal`, where an expectation failed. @throws bus.fenced, bus.bad_position */
async function afterWrongSequence(
  attempt: Attempt,
  unit: readonly UnitMessage[],
  { code, description }: UnitAnswer & { kind: 'refused' },
): Promise<StoredAt[] | undefined> {
  // A single message is checked for its expectation before its id: it may be our own copy that moved the subject on.
  const own = unit.length === 1 ? await keepStored(attempt, unit, 'only') : 'none';
  if (own !== 'none') return own;
  await refuseBeyondEnd(attempt, unit);
  throw new TocsinError('bus.fenced', { subject: unit[0]?.subject ?? '' }, { cause: new Error(`${description} (${code})`) });
}

/**
 * Some ids of the unit are stored. Those keep their places, and the rest is stored as one unit, so that each is there once.
 * Undefined when it could not be learned which: to be sent again. With `only`, 'none' when none is stored.
 */
async function keepStored(attempt: Attempt, unit: readonly UnitMessage[]): Promise<StoredAt[] | undefined>;
async function keepStored(attempt: Attempt, unit: readonly UnitMessage[], only: 'only'): Promise<StoredAt[] | 'none' | undefined>;
async function keepStored(attempt: Attempt, unit: readonly UnitMessage[], only?: 'only'): Promise<StoredAt[] | 'none' | undefined> {
  let found: Awaited<ReturnType<typeof findStored>>[];
  try {
    const { config } = await attempt.catalogue.findFresh(unit[0]?.subject ?? '');
    const isReplicated = config.num_replicas > 1;
    found = await Promise.all(unit.map((message) => findStored(attempt.link, message, { isReplicated, deadline: attempt.deadline })));
  } catch (error) {
    if (!(error instanceof NoAnswer) && !isTocsinError(error, 'bus.unavailable')) throw error;
    attempt.unsure = true;
    return undefined;
  }
  const fresh = unit.filter((_message, i) => found[i] === undefined);
  if (only !== undefined && fresh.length > 0) return 'none';
  const added = fresh.length === 0 ? [] : await storeUnit(attempt, fresh);
  return found.map((at) =>
    at === undefined ? (added.shift() ?? { stream: '', sequence: 0, duplicate: false }) : { ...at, duplicate: true },
  );
}

/** An expectation that no message of the stream can have met is a bad position, not a lost race. */
async function refuseBeyondEnd({ catalogue }: Attempt, unit: readonly UnitMessage[]): Promise<void> {
  const highest = Math.max(...unit.map((message) => message.expectSequence ?? 0));
  const stream = await catalogue.findFresh(unit[0]?.subject ?? '');
  if (highest <= stream.state.last_seq) return;
  throw new TocsinError('bus.bad_position', {
    position: catalogue.positionOf(stream, highest),
    reason: `it is beyond the end of ${stream.stream}`,
  });
}

async function streamName({ catalogue }: Attempt, subject: string): Promise<string> {
  return await catalogue.find(subject).then(
    (stream) => stream.stream,
    () => `of ${subject}`,
  );
}

async function sendWhenUp(attempt: Attempt, unit: readonly UnitMessage[]): Promise<UnitAnswer> {
  try {
    await attempt.link.whenUp(attempt.deadline);
  } catch (error) {
    throw error instanceof NoAnswer || (attempt.unsure && isTocsinError(error, 'bus.closed'))
      ? givenUp(attempt, unit, error.message)
      : error;
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

function mapRefusal(unit: readonly UnitMessage[], { code, description }: UnitAnswer & { kind: 'refused' }, stream: string): TocsinError {
  const cause = new Error(`${description} (${code})`);
  const isFull =
    (code === REFUSED.storeFailed && /exceeded|no space/i.test(description)) ||
    code === REFUSED.insufficientResources ||
    code === REFUSED.insufficientStorage;
  if (isFull) return new TocsinError('bus.full', { stream }, { cause });
  if (code === REFUSED.plansDisabled || code === REFUSED.planTargetInvalid || code === REFUSED.planTimeInvalid)
    return new TocsinError('bus.bad_commit', { reason: `${stream} takes no such plan (${description})` }, { cause });
  if (code === REFUSED.messageTooLarge) {
    const bytes = Math.max(...unit.map((message) => message.body.byteLength));
    return new TocsinError('bus.too_large', { subject: unit[0]?.subject ?? '', bytes, maxBytes: bytes - 1 }, { cause });
  }
  return new TocsinError('bus.unavailable', { reason: cause.message }, { cause });
}
