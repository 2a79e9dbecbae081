/** The intake: identity, time, flags, early answers. What decoders and mappings find is tested beside them. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type EventPosition, type FrameRecord, type Position, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { stillClock } from '../test/framer-fixture.ts';
import { createEarlyAnswers, type PendingBatch } from './early-answers.ts';
import { createIntake, type Intake, type IntakeLimits } from './intake.ts';
import type { Mapped } from './mappings/compile-mapping.ts';
import type { Envelope, RawRecord, Source } from './source.ts';

const source: Source = { tenant: 'acme', name: 'app', format: 'json', lane: 'live', shard: '' };
const nowMs = stillClock.nowMs();

interface Bench {
  readonly intake: Intake;
  readonly events: FrameRecord[];
  fail: Error | undefined;
  mapped: Partial<Mapped>;
}

function openBench(limits: IntakeLimits = {}): Bench {
  const events: FrameRecord[] = [];
  let ids = 0;
  const bench: Bench = {
    events,
    fail: undefined,
    mapped: {},
    intake: createIntake({
      mappings: {
        members: () => new Set<string>(),
        map: () => ({
          mapping: 'm',
          type: 'm',
          classUid: 0,
          activityId: 0,
          severity: 1,
          timeMs: nowMs,
          attributes: {},
          producerEventId: undefined,
          ...bench.mapped,
        }),
      },
      framer: {
        add: async (_key, records) => {
          if (bench.fail !== undefined) throw bench.fail;
          events.push(...records);
          return records.map((_record, index): EventPosition => ({ position: `p${events.length}` as Position, index }));
        },
      },
      clock: stillClock,
      nextId: () => `ulid-${ids++}`,
      limits,
    }),
  };
  return bench;
}

function raw(text: string, envelope?: Envelope): RawRecord {
  return { bytes: new TextEncoder().encode(text), envelope };
}

describe('the intake', () => {
  it.each([
    [nowMs - 5, nowMs - 5, []],
    [nowMs + 300_000, nowMs + 300_000, []],
    [nowMs + 300_001, nowMs + 300_000, ['time_clamped']],
    [8.64e15, nowMs + 300_000, ['time_clamped']],
    [1.5, 1, []],
    [-1, -1, []],
    [undefined, nowMs, ['time_missing']],
    [Number.NaN, nowMs, ['time_missing']],
    [Number.POSITIVE_INFINITY, nowMs, ['time_missing']],
    [-8.65e15, nowMs, ['time_missing']],
  ])('makes of event time %s the time %s %s', async (timeMs, want, flags) => {
    const bench = openBench();
    bench.mapped = { timeMs };
    await bench.intake.emit(source, [raw('{}')]);
    expect(bench.events[0]).toMatchObject({ timeMs: want, receivedMs: nowMs, flags });
  });

  it('takes the id from the envelope, else from the record, else from the key, else makes one', async () => {
    const bench = openBench();
    bench.mapped = { producerEventId: 'own' };
    await bench.intake.emit(source, [raw('{"a":1}', { id: 'ce' }), raw('{"a":2}')], { idempotencyKey: 'k' });
    bench.mapped = { producerEventId: 'no id: \ud800' };
    await bench.intake.emit(source, [raw('{"a":3}')], { idempotencyKey: 'k' });
    bench.mapped = {};
    await bench.intake.emit(source, [raw('{"a":4}')]);
    expect(bench.events.map((event) => [event.id, event.producerId])).toEqual([
      ['ce', true],
      ['own', true],
      ['k-0', true],
      ['ulid-0', false],
    ]);
  });

  it('looks for resends by ids that records bring, not by those of a key that is given first', async () => {
    const bench = openBench();
    const given = (text: string, isFirst: boolean) => bench.intake.emit(source, [raw(text)], { idempotencyKey: 'k', isFirst });
    const [first] = await given('{"a":1}', true);
    // Whoever says so falsely has it stored twice under one id, which readers of the log leave out.
    const [again] = await given('{"a":1}', true);
    expect([first, again]).toMatchObject([
      { status: 'stored', id: 'k-0' },
      { status: 'stored', id: 'k-0' },
    ]);
    bench.mapped = { producerEventId: 'own' };
    await given('{"a":2}', true);
    expect(await given('{"a":2}', true)).toMatchObject([{ status: 'duplicate', id: 'own' }]);
    expect(bench.events.map((event) => [event.id, event.producerId])).toEqual([
      ['k-0', true],
      ['k-0', true],
      ['own', true],
    ]);
  });

  it('gives each record of one envelope its own id', async () => {
    const bench = openBench();
    const trail = (n: number): string => `{"eventSource":"s","eventName":"n","n":${n}}`;
    await bench.intake.emit({ ...source, format: 'cloudtrail' }, [raw(`{"Records":[${trail(1)},${trail(2)}]}`, { id: 'ce' })]);
    expect(bench.events.map((event) => event.id)).toEqual(['ce-0', 'ce-1']);
  });

  it('rejects one record without the others and keeps their order', async () => {
    const bench = openBench();
    const refused: RawRecord = { ...raw(''), refused: { code: 'ingest.bad_record', reason: 'because' } };
    const results = await bench.intake.emit(source, [raw('{}'), raw('nul'), refused, raw('{"b":1}', { id: 'a\ud800' }), raw('{"c":1}')]);
    expect(results.map((result) => result.status)).toEqual(['stored', 'rejected', 'rejected', 'rejected', 'stored']);
    expect(results[4]).toMatchObject({ id: 'ulid-1', at: { index: 1 } });
  });

  it('answers a duplicate within a batch and across batches, by content', async () => {
    const bench = openBench();
    const results = await bench.intake.emit(source, [
      raw('{"a":1}', { id: 'x' }),
      raw('{"a":1}', { id: 'x' }),
      raw('{"a":2}', { id: 'x' }),
      raw('{"a":1}'),
    ]);
    expect(results.map((result) => result.status)).toEqual(['stored', 'duplicate', 'stored', 'stored']);
    expect(bench.events.map((event) => event.flags)).toEqual([[], ['id_conflict'], []]);
    expect(await bench.intake.emit(source, [raw('{"a":2}', { id: 'x' })])).toMatchObject([{ status: 'duplicate', at: { index: 1 } }]);
    expect(await bench.intake.emit({ ...source, name: 'app2' }, [raw('{"a":2}', { id: 'x' })])).toMatchObject([{ status: 'stored' }]);
  });

  it('forgets what was not stored, so that the resend is', async () => {
    const bench = openBench();
    bench.fail = new TocsinError('bus.full', { stream: 's' });
    await expect(bench.intake.emit(source, [raw('{}', { id: 'x' })])).rejects.toBe(bench.fail);
    bench.fail = undefined;
    expect(await bench.intake.emit(source, [raw('{}', { id: 'x' })])).toMatchObject([{ status: 'stored' }]);
  });
});

describe('early answers', () => {
  it('keep to their number of ids, the older half going first', () => {
    const answers = createEarlyAnswers(4);
    const claim = (id: string, content = 1): string => answers.claim(id, { batch: batchOf(), index: 0 }, content).kind;
    for (const id of ['a', 'b', 'c', 'd', 'e']) expect(claim(id)).toBe('new');
    expect(answers.size).toBe(3);
    expect(['c', 'd', 'e'].map((id) => claim(id))).toEqual(['duplicate', 'duplicate', 'duplicate']);
    expect(claim('a')).toBe('new');
    for (let content = 2; content < 100; content++) expect(claim('a', content)).toBe('conflict');
    expect(claim('a', 99)).toBe('conflict');
    for (let i = 0; i < 100; i++) claim(`${i}`);
    expect(answers.size).toBeLessThanOrEqual(4);
  });

  it('tell owners and ids apart, remember four contents of an id, and forget what was not stored', () => {
    const answers = createEarlyAnswers(10_000, [7, 8]);
    const claims = Array.from({ length: 3000 }, (_, i) => ({ id: `id-${i % 1500}`, batch: batchOf(i < 1500 ? 'b' : 'c'), index: i }));
    for (const { id, ...entry } of claims) expect(answers.claim(id, entry, -5).kind).toBe('new');
    for (const { id, batch, index } of claims) {
      const again = answers.claim(id, { batch: batchOf(batch.source), index: 0 }, -5);
      expect(again).toEqual({ kind: 'duplicate', entry: { batch, index } });
    }
    const kinds = [1, 2, 3, 4, 2, 4].map((content) => answers.claim('id-7', { batch: batchOf(), index: 0 }, content).kind);
    expect(kinds).toEqual(['conflict', 'conflict', 'conflict', 'conflict', 'duplicate', 'conflict']);
    answers.forget(claims[8]?.batch as PendingBatch);
    expect(answers.claim('id-8', { batch: batchOf(), index: 0 }, -5).kind).toBe('new');
  });

  it('hold no id: it may be a piece of its record, which would stay in memory with it', () => {
    const answers = createEarlyAnswers(20_000);
    const batch = batchOf();
    const before = heapBytes();
    for (let i = 0; i < 10_000; i++) {
      const record = `${i}${'x'.repeat(30)} ${'y'.repeat(1500)}`;
      const [id = ''] = record.split(' ', 1);
      answers.claim(id, { batch, index: i }, i);
    }
    // The texts that the ids were cut from are 15 MB.
    expect(heapBytes() - before).toBeLessThan(3_000_000);
    expect(answers.size).toBe(10_000);
  });
});

function batchOf(owner = 'b'): PendingBatch {
  return { tenant: 'a', source: owner, stored: Promise.resolve([]) };
}

/** Bytes of the heap that are in use after a full collection. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
