/** Records set aside on a memory bus: each has a letter with its bytes, whatever ids their producer gave them. */
import { openFrame } from '@tocsin/bus';
import { systemClock } from '@tocsin/core';
import type { QuarantinedRecord, Source } from '@tocsin/ingest';
import { expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { DEADLETTER_FILTER } from '../subjects.ts';
import { readDeadLetter } from './dead-letter.ts';
import { createQuarantine } from './quarantine.ts';

const source: Source = { tenant: 'acme', name: 'edr', format: 'json', lane: 'live', shard: '' };

function misfit(id: string, record: string): QuarantinedRecord {
  const times = { timeMs: 1, receivedMs: 1 };
  const plain = {
    type: 'json',
    schemaVersion: 1,
    severity: 1 as const,
    classUid: 0,
    activityId: 0,
    mapping: 'json',
    attributes: {},
    flags: [],
  };
  return {
    event: { ...plain, ...times, id, source: 'edr', producerId: true, record: Buffer.from(record) },
    reason: 'it has no user',
  } as QuarantinedRecord;
}

it('keeps two records with one id and other content, and one that comes again once', async () => {
  const { bus } = await openGround();
  let ids = 0;
  const around = { clock: systemClock, nextId: () => `e${++ids}`, onTrouble: () => undefined, giveUp: new AbortController().signal };
  const quarantine = createQuarantine({ bus, site: 'memory', ...around });
  await quarantine(source, [misfit('e1', '{"n":1}')]);
  await quarantine(source, [misfit('e1', '{"n":2}')]);
  await quarantine(source, [misfit('e1', '{"n":1}'), misfit('e2', '{"n":1}')]);
  const kept: string[] = [];
  for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) {
    const { letter, body } = readDeadLetter(stored);
    kept.push(`${letter.eventId} ${Buffer.from(openFrame(body, { tenant: 'acme' }).record(0)).toString()}`);
  }
  expect(kept).toEqual(['e1 {"n":1}', 'e1 {"n":2}', 'e2 {"n":1}']);
});
