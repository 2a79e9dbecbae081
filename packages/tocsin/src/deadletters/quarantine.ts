/**
 * Quarantine: records that do not fit the schema of their type, at a source that enforces it, become dead letters instead of events. A
 * record is answered when its letter is stored; one that comes again, with the same id and the same bytes, finds its letter there.
 */
import { type EventBus, encodeFrame, type Outgoing } from '@tocsin/bus';
import { type Clock, isTocsinError, type Position, sha256Hex } from '@tocsin/core';
import type { QuarantinedRecord, Source } from '@tocsin/ingest';
import { commitUntilStored } from '../state/commit-until-stored.ts';
import { deadLetterSubject } from '../subjects.ts';
import { INGEST_CONSUMER } from '../topology.ts';
import { contentOf, type DeadLetter, deadLetterHeaders, deadLetterId } from './dead-letter.ts';

/** What a quarantine is made of. */
export interface QuarantineOptions {
  readonly bus: Pick<EventBus, 'commit'>;
  readonly site: string;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly giveUp: AbortSignal;
}

/** Letters per commit. */
const COMMIT_LETTERS = 100;
/** They never stood in the log. */
const NOWHERE = 'none' as Position;

/** Sets records aside; resolves when their letters are stored. @throws what the bus throws for good, the abort reason */
export function createQuarantine(options: QuarantineOptions): (source: Source, records: readonly QuarantinedRecord[]) => Promise<void> {
  return async (source, records) => {
    const epoch = options.nextId();
    // Of one that comes twice in a batch there is one letter.
    const letters = new Map(records.map((record) => letterOf(source, record, { ...options, epoch })).map((letter) => [letter.id, letter]));
    const messages = [...letters.values()];
    for (let at = 0; at < messages.length; at += COMMIT_LETTERS) await commitEach(messages.slice(at, at + COMMIT_LETTERS), options);
  };
}

function letterOf(
  { tenant, name, lane }: Source,
  { event, reason }: QuarantinedRecord,
  { site, clock, epoch }: Pick<QuarantineOptions, 'site' | 'clock'> & { readonly epoch: string },
): Outgoing {
  const scope = `schema:${event.mapping}`;
  // What it is known by is the event, as it has no place in the log: its id, and its content, as two records may come with one id.
  const id = deadLetterId({
    tenant,
    consumer: INGEST_CONSUMER,
    position: NOWHERE,
    index: undefined,
    scope: `${scope} ${name} ${event.id} ${sha256Hex(event.record)}`,
  });
  const body = encodeFrame({ id, tenant, lane, partition: 0, epoch, ordinal: 0, site }, [event]);
  const atMs = clock.nowMs();
  const letter: DeadLetter = {
    id,
    tenant,
    consumer: INGEST_CONSUMER,
    state: 'waiting',
    kind: 'event',
    reason: 'invalid',
    attempts: 1,
    errors: [{ attempt: 1, atMs, text: `${event.mapping}: ${reason}` }],
    firstMs: atMs,
    lastMs: atMs,
    subject: '',
    position: NOWHERE,
    messageId: id,
    headers: {},
    source: name,
    eventId: event.id,
    scope,
    ...contentOf(body),
    redrives: 0,
  };
  return {
    subject: deadLetterSubject(tenant, INGEST_CONSUMER, id),
    id: `dead.${id}.0`,
    headers: deadLetterHeaders(letter),
    body,
    expect: 'none',
  };
}

/** All at once; where one of them is there already, one by one. */
async function commitEach(messages: readonly Outgoing[], { bus, giveUp, onTrouble }: QuarantineOptions): Promise<void> {
  const how = { signal: giveUp, asUnit: false, onRetry: (error: unknown) => onTrouble(error, 'writing dead letters') };
  try {
    await commitUntilStored(bus, messages, how);
    return;
  } catch (error) {
    if (!isTocsinError(error, 'bus.fenced')) throw error;
  }
  for (const message of messages) {
    try {
      await commitUntilStored(bus, [message], how);
    } catch (error) {
      // The same record came before: what has become of its letter since stands.
      if (!isTocsinError(error, 'bus.fenced')) throw error;
    }
  }
}
