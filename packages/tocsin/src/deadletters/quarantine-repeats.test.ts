/** Which records become letters: each that says something of its own, once. */
import { openFrame } from '@tocsin/bus';
import { type FrameRecord, systemClock } from '@tocsin/core';
import type { Source } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import { DEADLETTER_FILTER } from '../subjects.ts';
import { createQuarantine } from './quarantine.ts';

const source: Source = { tenant: 'acme', name: 'app', format: 'json', lane: 'live', shard: '' };

function record(id: string, text: string): { event: FrameRecord; reason: string } {
  const event: FrameRecord = {
    id,
    source: 'app',
    type: 'json',
    schemaVersion: 1,
    timeMs: 1,
    receivedMs: Date.now(),
    severity: 1,
    classUid: 0,
    activityId: 0,
    mapping: 'json',
    attributes: {},
    flags: [],
    producerId: true,
    record: Buffer.from(text),
  };
  return { event, reason: 'it does not fit' };
}

async function bench() {
  const { bus } = await openGround();
  let ids = 0;
  const quarantine = createQuarantine({
    bus,
    site: 'memory',
    clock: systemClock,
    nextId: () => `E${(ids += 1)}`,
    onTrouble: () => undefined,
    giveUp: new AbortController().signal,
  });
  const kept = async (): Promise<string[]> => {
    const texts: string[] = [];
    for await (const { body } of bus.read(DEADLETTER_FILTER, 'first'))
      texts.push(Buffer.from(openFrame(body, { tenant: 'acme' }).record(0)).toString());
    return texts.sort();
  };
  return { quarantine, kept };
}

describe('quarantine', () => {
  it.each([['in one batch'], ['one after the other']])('keeps two records of one id that say different things, %s', async (how) => {
    const { quarantine, kept } = await bench();
    const both = [record('a', '{"n":1}'), record('a', '{"n":2}')];
    if (how === 'in one batch') await quarantine(source, both);
    else for (const one of both) await quarantine(source, [one]);
    expect(await kept()).toEqual(['{"n":1}', '{"n":2}']);
  });

  it('keeps a record once that comes again, in a batch or later', async () => {
    const { quarantine, kept } = await bench();
    await quarantine(source, [record('a', '{"n":1}'), record('a', '{"n":1}')]);
    await quarantine(source, [record('b', '{"n":2}'), record('a', '{"n":1}')]);
    expect(await kept()).toEqual(['{"n":1}', '{"n":2}']);
  });
});
