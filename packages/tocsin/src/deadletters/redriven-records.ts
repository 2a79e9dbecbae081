/** Records out of quarantine that people have given back, as they are or edited: taken in once more, past the schema, and answered when they are stored. */
import { setTimeout } from 'node:timers/promises';
import { type Delivery, type EventBus, openFrame, type ReplayLog } from '@tocsin/bus';
import { type Clock, isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import type { Intake, Source } from '@tocsin/ingest';
import type { SourceBook } from '../registry/source-book.ts';
import { retrySubject } from '../subjects.ts';
import { INGEST_CONSUMER } from '../topology.ts';
import { type DeadLetter, type DropReason, type FailedAttempt, readDeadLetter } from './dead-letter.ts';
import { createDrop, type Drop } from './drop.ts';

/** What they are taken in with. */
export interface RedrivenRecordsOptions {
  readonly bus: Pick<EventBus, 'commit' | 'subscribe'> & Pick<ReplayLog, 'last'>;
  readonly intake: Pick<Intake, 'emit'>;
  /** How their sources are read now. */
  readonly book: Pick<SourceBook, 'find'>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly signal: AbortSignal;
}

/** They are taken one by one: what waited in a queue would be delivered again and again without an attempt. */
const AT_ONCE = 1;
const ACK_WAIT_MS = 30_000;
/** Pause before following is tried again, and first and longest pause before a record is offered again, milliseconds. */
const AGAIN_AFTER_MS = 1000;
const LONGEST_PAUSE_MS = 60_000;
/** Deliveries after which what cannot be stored waits for people again: about half an hour, long before it would be removed unhandled. */
const MAX_ATTEMPTS = 32;

/** Follows what is given back to ingest, until aborted. Never rejects. */
export async function takeRedrivenRecords(options: RedrivenRecordsOptions): Promise<void> {
  const { bus, signal, onTrouble } = options;
  const drop = createDrop({ bus, clock: options.clock, onTrouble, giveUp: signal });
  const group = { group: INGEST_CONSUMER, start: 'first' as const, maxMessages: AT_ONCE, ackWaitMs: ACK_WAIT_MS, signal };
  while (!signal.aborted) {
    try {
      await using subscription = await bus.subscribe(retrySubject(INGEST_CONSUMER), group);
      for await (const delivery of subscription) await take(delivery, options, drop);
    } catch (error) {
      if (signal.aborted || isTocsinError(error, 'bus.closed')) return;
      onTrouble(error, 'following what is redriven to ingest');
      await setTimeout(AGAIN_AFTER_MS, undefined, { signal }).catch(() => 'aborted: the loop ends');
    }
  }
}

/** Never rejects: what cannot be settled is delivered again. */
async function take(delivery: Delivery, options: RedrivenRecordsOptions, drop: Drop): Promise<void> {
  const beat = setInterval(() => delivery.extend(), ACK_WAIT_MS / 3);
  try {
    const { letter, body } = readDeadLetter(delivery.message);
    const failure = await failureOf({ letter, body, attempt: delivery.attempt }, options);
    if (failure !== undefined)
      await drop({ ...letter, body, errors: [failureNow(failure, letter, options)], redriveOf: letter }, failure.why);
    delivery.ack();
  } catch (error) {
    options.onTrouble(error, 'what was redriven to ingest was not stored');
    if (isTocsinError(error, 'deadletter.unreadable')) delivery.reject(error.message);
    else delivery.retry({ afterMs: Math.min(AGAIN_AFTER_MS * 2 ** (delivery.attempt - 1), LONGEST_PAUSE_MS) });
  } finally {
    clearInterval(beat);
  }
}

interface Failure {
  readonly why: DropReason;
  readonly reason: string;
}

/** Takes a record in; why it goes back to the letters, undefined once it is stored. @throws what may be otherwise at the next attempt */
async function failureOf(
  { letter, body, attempt }: { readonly letter: DeadLetter; readonly body: Uint8Array; readonly attempt: number },
  { intake, book, signal }: RedrivenRecordsOptions,
): Promise<Failure | undefined> {
  try {
    const frame = openFrame(body, { tenant: letter.tenant });
    const source = sourceOf(book, { tenant: letter.tenant, name: frame.source(0), lane: frame.header.lane });
    const results = await intake.emit(source, [{ bytes: frame.record(0), envelope: { id: frame.id(0) } }]);
    const refused = results.find((result) => result.status === 'rejected');
    return refused?.status === 'rejected' ? { why: 'unreadable', reason: refused.reason } : undefined;
  } catch (error) {
    // Tocsin is stopping: nothing is known about the record.
    if (signal.aborted || isTocsinError(error, 'bus.closed')) throw error;
    const reason = messageOf(error);
    if (isTocsinError(error) && error.retry === 'never') return { why: 'refused', reason };
    if (attempt < MAX_ATTEMPTS) throw error;
    return { why: isTocsinError(error) ? 'exhausted' : 'threw', reason };
  }
}

/** Its source as it is read now. Concealed and judged the record was before: neither policy nor schema is asked again. */
function sourceOf(book: Pick<SourceBook, 'find'>, { tenant, name, lane }: Pick<Source, 'tenant' | 'name' | 'lane'>): Source {
  let found: Source | undefined;
  try {
    found = book.find(tenant, name);
  } catch (error) {
    // It may have been revoked since: that people give its record back stands.
    if (!isTocsinError(error, 'auth.refused')) throw error;
  }
  const { format = 'auto', logSource } = found ?? {};
  return { tenant, name, format, lane, shard: '', ...(logSource === undefined ? {} : { logSource }) };
}

function failureNow({ why, reason }: Failure, { consumer, id }: DeadLetter, { clock }: RedrivenRecordsOptions): FailedAttempt {
  const text = why === 'unreadable' ? new TocsinError('deadletter.judged_nothing', { id, consumer, reason }).message : reason;
  return { attempt: 1, atMs: clock.nowMs(), text };
}
