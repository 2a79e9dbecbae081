/** Revisions of catch-ups. */
import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { roomy } from '../../test/ground.ts';
import { topology } from '../topology.ts';
import { CatchUpDesk, type CatchUpDeskOptions } from './catch-up-desk.ts';

const DAY_MS = 86_400_000;

describe('revisions of catch-ups', () => {
  it('go on rising when there was none for longer than one is remembered', async () => {
    let nowMs = 1_700_000_000_000;
    const clock = { ...systemClock, nowMs: () => nowMs, monotonicMs: () => nowMs };
    const bus = createMemoryBus({ server: new MemoryServer({ clock }) });
    await bus.ensure(topology(roomy));
    let ids = 0;
    const desk = new CatchUpDesk({
      bus,
      clock,
      nextId: () => `J${(ids += 1)}`,
      leaseMs: 0,
      againAfterMs: 1,
      onTrouble: () => undefined,
      startThread: async () => ({
        client: { run: () => new Promise<never>(() => undefined) },
        [Symbol.asyncDispose]: async () => undefined,
      }),
    } as unknown as CatchUpDeskOptions);
    const add = () => desk.add({ tenant: 'acme' } as Parameters<CatchUpDesk['add']>[0]);
    const first = await add();
    nowMs += 9 * DAY_MS;
    expect((await add()).revision).toBeGreaterThan(first.revision);
    await desk[Symbol.asyncDispose]();
  });
});
