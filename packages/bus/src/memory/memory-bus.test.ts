/** The contract, run for the memory adapter, and what only a memory server has: its bound and its seeded kills. */
import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { runContract } from '../contract/index.ts';
import { createMemoryBus } from './index.ts';
import { openMemoryHarness } from './memory-harness.ts';

for (const seed of [1, 2, 3]) {
  runContract({ name: `memory, seed ${seed}`, seed, test, openHarness: openMemoryHarness });
}

test('the whole server is bounded, ids included', async () => {
  const bus = createMemoryBus({ maxBytes: 100_000 });
  const stream = { maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 1_000 };
  await bus.ensure({
    streams: [
      { ...stream, name: 'A', subjects: ['a.>'] },
      { ...stream, name: 'B', subjects: ['b.>'] },
    ],
    buckets: [],
  });
  await bus.commit([{ subject: 'a.x', id: '1', body: new Uint8Array(60_000) }]);
  await assert.rejects(bus.commit([{ subject: 'b.x', id: '2', body: new Uint8Array(60_000) }]), {
    code: 'bus.full',
    details: { stream: 'B' },
  });
  await bus[Symbol.asyncDispose]();
});
