/**
 * The memory adapter as the contract suite sees it: time by hand, which moves only while a case waits, so that a wait of
 * a minute takes milliseconds and every run is the same. The model to copy for another adapter's harness.
 */
import type { ContractHarness } from '../contract/contract-harness.ts';
import { createManualClock } from './alarms.ts';
import { createMemoryBus } from './memory-bus.ts';
import { MemoryServer } from './memory-server.ts';

const START_MS = Date.UTC(2026, 0, 1);
/** How far time moves between two looks at a condition, milliseconds. */
const STEP_MS = 10;
const DEADLINE_MS = 60_000;

/** A fresh memory server. Stopping it keeps its streams, as a real one keeps its disk. */
export async function openMemoryHarness(seed: number): Promise<ContractHarness> {
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
        throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}`);
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
