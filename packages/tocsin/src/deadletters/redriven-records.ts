/** Records out of quarantine that people have given back, as they are or edited: taken in once more, past the schema, and answered when they are stored. */
import { setTimeout } from 'node:timers/promises';
import { type Delivery, type EventBus, openFrame, type ReplayLog } from '@tocsin/bus';
import { type Clock, isTocsinError, TocsinError } from '@tocsin/core';
import type { Intake } from '@tocsin/ingest';
import { retrySubject } from '../subjects.ts';
import { INGEST_CONSUMER } from '../topology.ts';
import { type DeadLetter, readDeadLetter } from './dead-letter.ts';
import { createDrop, type Drop } from './drop.ts';

/** What they are taken in with. */
export interface RedrivenRecordsOptions {
  readonly bus: Pick<EventBus, 'commit' | 'subscribe'> & Pick<ReplayLog, 'last'>;
  readonly intake: Pick<Intake, 'emit'>;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
  readonly signal: AbortSignal;
}

const MAX_WAITING = 16;
const ACK_WAIT_MS = 30_000;
/** Pause before a letter is offered again, and before following is tried again, milliseconds. */
const AGAIN_AFTER_MS = 1000;

/** Follows what is given back to ingest, until aborted. Never rejects. */
export async function takeRedrivenRecords(options: RedrivenRecordsOptions): Promise<void> {
  const { bus, signal, onTrouble } = options;
  const drop = createDrop({ bus, clock: options.clock, onTrouble, giveUp: signal });
  const group = { group: INGEST_CONSUMER, start: 'first' as const, maxMessages: MAX_WAITING, ackWaitMs: ACK_WAIT_MS, signal };
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

async function take(delivery: Delivery, { intake, onTrouble }: RedrivenRecordsOptions, drop: Drop): Promise<void> {
  const { letter, body } = readDeadLetter(delivery.message);
  try {
    const frame = openFrame(body, { tenant: letter.tenant });
    const source = { tenant: letter.tenant, name: frame.source(0), format: 'auto', lane: frame.header.lane, shard: '' } as const;
    // Concealed and judged it was before: neither its policy nor its schema is asked again.
    const results = await intake.emit(source, [{ bytes: frame.record(0), envelope: { id: frame.id(0) } }]);
    const refused = results.find((result) => result.status === 'rejected');
    if (refused?.status === 'rejected') await backToLetters({ letter, body, reason: refused.reason }, drop);
    delivery.ack();
  } catch (error) {
    onTrouble(error, `dead letter ${letter.id}, which was redriven, was not stored yet`);
    delivery.retry({ afterMs: AGAIN_AFTER_MS });
  }
}

async function backToLetters(
  { letter, body, reason }: { letter: DeadLetter; body: Uint8Array; reason: string },
  drop: Drop,
): Promise<void> {
  const { consumer, id } = letter;
  const text = new TocsinError('deadletter.judged_nothing', { id, consumer, reason }).message;
  await drop({ ...letter, body, errors: [{ attempt: 1, atMs: letter.lastMs, text }], redriveOf: letter }, 'unreadable');
}
