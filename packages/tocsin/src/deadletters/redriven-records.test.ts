/** Records that people give back to ingest, over a memory bus: none is lost, and none is offered without end. */
import { encodeFrame } from '@tocsin/bus';
import { createManualClock } from '@tocsin/bus/memory';
import { type Position, systemClock, TocsinError } from '@tocsin/core';
import type { RecordResult, Source } from '@tocsin/ingest';
import { expect, it } from 'vitest';
import { openGround, running, until } from '../../test/ground.ts';
import { DEADLETTER_FILTER, retrySubject } from '../subjects.ts';
import { INGEST_CONSUMER } from '../topology.ts';
import { type DeadLetter, deadLetterHeaders, readDeadLetter } from './dead-letter.ts';
import { takeRedrivenRecords } from './redriven-records.ts';

const event = {
  id: 'e1',
  source: 'edr',
  type: 'json',
  schemaVersion: 1,
  timeMs: 1,
  receivedMs: 1,
  severity: 1 as const,
  classUid: 0,
  activityId: 0,
  mapping: 'json',
  attributes: {},
  flags: [],
  producerId: true,
  record: Buffer.from('{"n":1}'),
};
const body = encodeFrame({ id: 'f', tenant: 'acme', lane: 'live', partition: 0, epoch: 'E', ordinal: 0, site: 'memory' }, [event]);
const letter: DeadLetter = {
  id: 'a'.repeat(32),
  tenant: 'acme',
  consumer: INGEST_CONSUMER,
  state: 'redriven',
  kind: 'event',
  reason: 'invalid',
  attempts: 1,
  errors: [],
  firstMs: 1,
  lastMs: 1,
  subject: '',
  position: 'none' as Position,
  messageId: 'm',
  headers: {},
  sha256: '',
  bytes: body.length,
  redrives: 1,
};

/** Gives letters back until each is settled; what ingest was offered, and the letters there are then. */
async function redrive(
  messages: readonly { readonly id: string; readonly headers: Readonly<Record<string, string>> }[],
  emit: (source: Source) => Promise<RecordResult[]>,
  find: (tenant: string, name: string) => Source | undefined = () => undefined,
) {
  const clock = createManualClock(Date.now());
  const { bus } = await openGround({ clock, alarms: clock });
  const offered: Source[] = [];
  const intake = {
    emit: (source: Source) => {
      offered.push(source);
      return emit(source);
    },
  };
  const ways = { bus, intake, book: { find }, clock: systemClock, onTrouble: () => undefined };
  const taking = running((signal) => takeRedrivenRecords({ ...ways, signal }));
  await until(async () => (await bus.info('tocsin.retry.>')).consumers.length === 1);
  for (const message of messages) await bus.commit([{ subject: retrySubject(INGEST_CONSUMER), body, ...message }]);
  await until(async () => {
    clock.advance(1000);
    return (await bus.info('tocsin.retry.>')).consumers.every((each) => each.pending + each.unacknowledged === 0);
  });
  await taking.stop();
  const letters: DeadLetter[] = [];
  for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) letters.push(readDeadLetter(stored).letter);
  return { offered, letters };
}

const one = [{ id: 'r1', headers: deadLetterHeaders(letter) }];
const stored = async (): Promise<RecordResult[]> => [{ status: 'stored', id: 'e1' }] as unknown as RecordResult[];

it('one that will never be stored waits among the letters again, after one attempt', async () => {
  const { offered, letters } = await redrive(one, () =>
    Promise.reject(new TocsinError('bus.too_large', { bytes: 9, maxBytes: 8 } as never)),
  );
  expect(offered).toHaveLength(1);
  expect(letters).toMatchObject([{ id: letter.id, state: 'waiting', reason: 'refused', redrives: 1, attempts: 2 }]);
});

it('one that is not stored for long waits among the letters again before it would be removed', async () => {
  const { offered, letters } = await redrive(one, () => Promise.reject(new TocsinError('bus.full', { stream: 'EVENTS_LIVE' } as never)));
  expect(offered.length).toBeGreaterThan(5);
  expect(letters).toMatchObject([{ state: 'waiting', reason: 'exhausted' }]);
});

it('what cannot be read holds up nothing behind it', async () => {
  const { offered, letters } = await redrive([{ id: 'r0', headers: {} }, ...one], stored);
  expect(offered).toHaveLength(1);
  expect(letters).toEqual([]);
});

it('is read as its source is now, without its policy and schemas, and as anything where the source was revoked', async () => {
  const edr: Source = { tenant: 'acme', name: 'edr', format: 'cef', lane: 'bulk', shard: 's', schemas: 'enforce' };
  const known = await redrive(one, stored, () => edr);
  expect(known.offered).toEqual([{ tenant: 'acme', name: 'edr', format: 'cef', lane: 'live', shard: '' }]);
  const revoked = await redrive(one, stored, () => {
    throw new TocsinError('auth.refused', { reason: 'its source was revoked' });
  });
  expect(revoked.offered).toMatchObject([{ format: 'auto' }]);
});
