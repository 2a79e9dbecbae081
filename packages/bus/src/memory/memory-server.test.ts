/** What only a memory server has: its bound, alarms of the real clock, and a kill that stores some of what was under way. */
import { strict as assert } from 'node:assert';
import type { Clock } from '@tocsin/core';
import { test } from 'vitest';
import type { StreamSpec } from '../event-bus.ts';
import { type Alarms, createManualClock, createMemoryBus, MemoryServer } from './index.ts';

const STREAM: StreamSpec = { name: 'A', subjects: ['a.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 1_000 };

test('the whole server is bounded, over all its streams', async () => {
  const bus = createMemoryBus({ maxBytes: 100_000 });
  await bus.ensure({ streams: [STREAM, { ...STREAM, name: 'B', subjects: ['b.>'] }], buckets: [] });
  await bus.commit([{ subject: 'a.x', id: '1', body: new Uint8Array(60_000) }]);
  await assert.rejects(bus.commit([{ subject: 'b.x', id: '2', body: new Uint8Array(60_000) }]), {
    code: 'bus.full',
    details: { stream: 'B' },
  });
  await bus[Symbol.asyncDispose]();
});

test('remembered ids count against the bound until their window has passed', async () => {
  const clock = createManualClock(0);
  const bus = createMemoryBus({ maxBytes: 20_000, clock, alarms: clock });
  await bus.ensure({ streams: [{ ...STREAM, maxPerSubject: 1 }], buckets: [] });
  const commit = (id: string): Promise<unknown> => bus.commit([{ subject: 'a.x', id, body: new Uint8Array(0) }]);
  let stored = 0;
  const fill = async (): Promise<void> => {
    for (;;) {
      await commit(`id-${stored}`);
      stored += 1;
      assert.ok(stored < 1_000, 'the bound is reached');
    }
  };
  await assert.rejects(fill(), { code: 'bus.full' });
  clock.advance(1_001);
  await commit('later');
  assert.ok(stored > 50);
  await bus[Symbol.asyncDispose]();
});

test('the real clock wakes a retry', async () => {
  const bus = createMemoryBus();
  await bus.ensure({ streams: [STREAM], buckets: [] });
  await bus.commit([{ subject: 'a.x', id: '1', body: new Uint8Array(1) }]);
  const subscription = await bus.subscribe('a.>', { group: 'g', start: 'first' });
  const attempts: number[] = [];
  const startedMs = performance.now();
  for await (const delivery of subscription) {
    attempts.push(delivery.attempt);
    if (delivery.attempt === 2) break;
    delivery.retry({ afterMs: 30 });
  }
  assert.deepEqual(attempts, [1, 2]);
  assert.ok(performance.now() - startedMs >= 28);
  await bus[Symbol.asyncDispose]();
});

test('a retry that falls due between two readings of the clock is not lost', async () => {
  let readings = 0;
  const clock: Clock = { nowMs: () => 0, monotonicMs: () => (readings += 1) };
  const alarms: Alarms = {
    at(_, wake) {
      const alarm = setImmediate(wake);
      return { [Symbol.dispose]: () => clearImmediate(alarm) };
    },
  };
  for (let afterMs = 0; afterMs < 20; afterMs++) {
    const bus = createMemoryBus({ clock, alarms });
    await bus.ensure({ streams: [STREAM], buckets: [] });
    await bus.commit([{ subject: 'a.x', id: '1', body: new Uint8Array(1) }]);
    const subscription = await bus.subscribe('a.>', { group: 'g', start: 'first', signal: AbortSignal.timeout(10_000) });
    for await (const delivery of subscription) {
      if (delivery.attempt === 3) break;
      delivery.retry({ afterMs });
    }
    await bus[Symbol.asyncDispose]();
  }
});

test('a kill answers nothing under way; some of it is stored', async () => {
  const draws = [0.1, 0.9, 0.1];
  const server = new MemoryServer({ random: () => draws.shift() ?? 0 });
  const bus = createMemoryBus({ server });
  await bus.ensure({ streams: [STREAM], buckets: [] });
  const commits = ['1', '2', '3'].map((id) => bus.commit([{ subject: 'a.x', id, body: new Uint8Array(1) }]));
  const outcomes = Promise.allSettled(commits);
  server.stop({ kill: true });
  for (const outcome of await outcomes) assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'bus.unknown');
  server.start();
  const ids: string[] = [];
  for await (const stored of bus.read('a.>', 'first')) ids.push(stored.id);
  assert.deepEqual(ids, ['1', '3']);
  await bus[Symbol.asyncDispose]();
});
