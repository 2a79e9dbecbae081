/** The contract, run for the memory adapter, and what only a memory server has: its bound and its seeded kills. */
import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { type ContractHarness, runContract } from '../contract/index.ts';
import { createManualClock, createMemoryBus, MemoryServer } from './index.ts';

const START_MS = Date.UTC(2026, 0, 1);
const STEP_MS = 10;
const DEADLINE_MS = 60_000;

for (const seed of [1, 2, 3]) {
  runContract({ name: `memory, seed ${seed}`, seed, test, openHarness: async () => openMemoryHarness(seed) });
}

/** Time by hand: it moves only while a case waits. Stopping the server keeps its streams, as a real one keeps its disk. */
function openMemoryHarness(seed: number): ContractHarness {
  const clock = createManualClock(START_MS);
  const server = new MemoryServer({ site: 'laptop 1', clock, alarms: clock, random: seededRandom(seed), answerTimeoutMs: 2_000 });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      clock.advance(Math.min(STEP_MS, ms - passed));
      await turn();
    }
  };
  return {
    time: {
      nowMs: () => clock.nowMs(),
      pass,
      async until(condition, what) {
        for (let i = 0; i < 3; i++) {
          if (await condition()) return;
          await turn();
        }
        for (let passed = 0; passed < DEADLINE_MS; passed += STEP_MS) {
          if (await condition()) return;
          await pass(STEP_MS);
        }
        throw new Error(`${what} did not come within ${DEADLINE_MS} ms`);
      },
    },
    openBus: async () => createMemoryBus({ server }),
    stopServer: async (options) => server.stop(options),
    startServer: async () => server.start(),
    pauseServer: async () => {
      server.pause();
      return async () => server.resume();
    },
    dropStream: async (name) => server.dropStream(name),
    leaks: async () => [...[...server.open].map((open) => open.what), ...(clock.pending > 0 ? [`${clock.pending} alarms`] : [])],
    [Symbol.asyncDispose]: async () => server.stop({ kill: true }),
  };
}

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the whole server is bounded, ids included', async () => {
  await using bus = createMemoryBus({ maxBytes: 100_000 });
  const stream = { maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 1_000 };
  await bus.ensure({ streams: [{ ...stream, name: 'A', subjects: ['a.>'] }, { ...stream, name: 'B', subjects: ['b.>'] }], buckets: [] });
  await bus.commit([{ subject: 'a.x', id: '1', body: new Uint8Array(60_000) }]);
  await assert.rejects(bus.commit([{ subject: 'b.x', id: '2', body: new Uint8Array(60_000) }]), { code: 'bus.full', details: { stream: 'B' } });
});
