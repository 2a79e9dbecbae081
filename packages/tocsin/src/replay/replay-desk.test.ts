/** What the desk of replays does when a run cannot be begun: one replay's trouble holds up no other, and ends with the outage. */
import { systemClock, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, until } from '../../test/ground.ts';
import { replaySubject } from '../subjects.ts';
import { ReplayDesk, type ReplayDeskOptions } from './replay-desk.ts';
import type { ReplayOrder } from './replay-order.ts';

const bounds = { maxRunning: 4, maxKept: 10, runMaxBytes: 1 << 20, maxBytes: 1 << 30 };

/** A desk on a bus that takes no state of a replay while `isFull`, and whose runs begin unless `isBroken`. */
async function bench() {
  const { bus } = await openGround();
  const at = { isFull: false, isBroken: false, begun: [] as string[], ended: [] as string[], troubles: [] as unknown[] };
  let ids = 0;
  const options: ReplayDeskOptions = {
    bus: {
      commit: async (messages, how) => {
        if (at.isFull && messages.some(({ subject }) => subject.endsWith('.state')))
          throw new TocsinError('bus.full', { stream: 'REPLAYS' });
        return await bus.commit(messages, how);
      },
      read: (...args) => bus.read(...args),
      get: (positions) => bus.get(positions),
      last: (subject) => bus.last(subject),
      info: (filter) => bus.info(filter),
      purge: (filter, upTo) => bus.purge(filter, upTo),
    },
    clock: systemClock,
    nextId: () => String((ids += 1)),
    member: 'one',
    bounds,
    start: async ({ id }) => {
      if (at.isBroken) throw new TocsinError('bus.unavailable', { reason: 'gone' });
      at.begun.push(id);
      return { restarts: () => 0, [Symbol.asyncDispose]: async () => void at.ended.push(id) };
    },
    onTrouble: (error) => void at.troubles.push(error),
  };
  const desk = await ReplayDesk.open(options);
  const order = (id: string) => desk.order({ id, tenant: 'acme', actor: 'ann', spec: { tenant: 'acme' } as ReplayOrder['spec'] }, []);
  /** What a thread of that attempt says. */
  const say = (id: string, attempt: number): Promise<unknown> =>
    bus.commit([
      {
        subject: replaySubject('acme', id, 'state'),
        id: String((ids += 1)),
        body: Buffer.from(JSON.stringify({ phase: 'running', attempt, startedMs: 1, updatedMs: 1, share: 0, position: {} })),
      },
    ]);
  return { desk, at, order, say };
}

describe('ReplayDesk', () => {
  it('begins one again, and others at once, that could not be begun when not even that could be said', async () => {
    const { desk, at, order } = await bench();
    at.isBroken = true;
    at.isFull = true;
    await order('a');
    await until(() => at.troubles.length >= 2);
    at.isBroken = false;
    at.isFull = false;
    await order('b');
    await until(() => at.begun.includes('a') && at.begun.includes('b'), 3000);
    expect((await desk.stop('acme', 'a')).phase).toBe('stopped');
    await desk[Symbol.asyncDispose]();
    expect(at.ended.sort()).toEqual(['a', 'b']);
  });

  it('says of one that could not be begun why it failed', async () => {
    const { desk, at, order } = await bench();
    at.isBroken = true;
    await order('a');
    await until(() => desk.get('acme', 'a').phase === 'failed');
    expect(desk.get('acme', 'a').state?.reason).toContain('gone');
    await desk[Symbol.asyncDispose]();
  });

  it('that was stopped, resumed and stopped stays so, whatever the thread of its first attempt says while it ends', async () => {
    const { desk, at, order, say } = await bench();
    await order('a');
    await until(() => at.begun.length === 1);
    await desk.stop('acme', 'a');
    await desk.resume('acme', 'a');
    expect((await desk.stop('acme', 'a')).phase).toBe('stopped');
    const begun = at.begun.length;
    await say('a', 1);
    await order('b');
    await until(() => at.begun.includes('b'));
    expect(desk.get('acme', 'a').phase).toBe('stopped');
    expect(at.begun.slice(begun)).toEqual(['b']);
    await desk.remove('acme', 'a');
    await desk[Symbol.asyncDispose]();
  });
});
