import { randomBytes } from 'node:crypto';
import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { until } from '../../test/ground.ts';
import type { StoreApi } from '../duties/store-api.ts';
import { type Asking, answerMembers, askMember, memberClient } from './ask-members.ts';
import type { MemberRecord } from './member-record.ts';

const record = (id: string): MemberRecord => ({
  id: `${id}-front`,
  node: id,
  epoch: 'e1',
  duties: ['store'],
  holds: { match: [], correlate: [] },
  startedMs: 0,
  version: 'test',
  host: 'h',
  process: 1,
  behindMs: null,
  ruleSet: null,
});

/** Members of which some answer, over one bus. */
function ground() {
  const server = new MemoryServer();
  const calls = createMemoryBus({ server });
  let alive = [record('a'), record('b')];
  const listeners = new Set<() => void>();
  const asking: Asking = {
    calls,
    members: {
      list: () => alive,
      onChange: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
  };
  const answer = async (node: string, client: object): Promise<void> => {
    await answerMembers(createMemoryBus({ server }), node, { store: { names: new Set(Object.keys(client)), client } });
  };
  const leave = (node: string): void => {
    alive = alive.filter((one) => one.node !== node);
    for (const listener of listeners) listener();
  };
  return { asking, answer, leave, listeners, store: memberClient<StoreApi>(asking, 'store') };
}

describe('asking members', () => {
  it('carries bytes, large answers and errors with code and details', async () => {
    const { asking, answer } = ground();
    await answer('a', {
      bytes: async (given: Uint8Array) => ({ back: given, text: 'x'.repeat(100_000) }),
      refuse: () => Promise.reject(new TocsinError('api.not_found', { what: 'alert', id: '7' })),
      fail: () => Promise.reject(new Error('broken')),
    });
    const ask = (name: string, ...args: unknown[]): Promise<unknown> => askMember(asking, record('a'), { of: 'store', name, args });
    expect(await ask('bytes', Buffer.from([0, 255, 7]))).toEqual({ back: Buffer.from([0, 255, 7]), text: 'x'.repeat(100_000) });
    await expect(ask('refuse')).rejects.toMatchObject({ code: 'api.not_found', details: { what: 'alert', id: '7' } });
    await expect(ask('fail')).rejects.toMatchObject({ code: 'api.internal' });
    const unheard = await ask('unheard of').catch((error: unknown) => error);
    expect([isTocsinError(unheard, 'api.duty_down'), (unheard as Error).cause]).toEqual([true, undefined]);
    await expect(ask('toString')).rejects.toMatchObject({ code: 'api.duty_down' });
  });

  it('says that an answer is larger than the bus takes, and goes on', async () => {
    const { asking, answer } = ground();
    await answer('a', { huge: async () => randomBytes(2_300_000), small: async () => 1 });
    await expect(askMember(asking, record('a'), { of: 'store', name: 'huge', args: [] })).rejects.toMatchObject({
      code: 'bus.answer_failed',
      details: { code: 'bus.too_large' },
    });
    expect(await askMember(asking, record('a'), { of: 'store', name: 'small', args: [] })).toBe(1);
  });

  it('asks the next member where one has gone and its record is still there', async () => {
    const { answer, store } = ground();
    await expect(store.totals()).rejects.toMatchObject({ code: 'api.duty_down' });
    await answer('b', { totals: async () => ({ events: 3 }) });
    expect(await store.totals()).toEqual({ events: 3 });
  });

  it('waits for nobody whose record ends, and asks another only what does no harm twice', async () => {
    const { answer, leave, listeners, store } = ground();
    let asked = 0;
    const hang = (): Promise<never> => {
      asked += 1;
      return new Promise(() => undefined);
    };
    await answer('a', { totals: hang, rebuild: hang });
    await answer('b', { totals: async () => ({ events: 3 }), rebuild: async () => 'twice' });
    const totals = store.totals();
    const rebuilt = store.rebuild();
    await until(() => asked === 2);
    leave('a');
    expect(await totals).toEqual({ events: 3 });
    await expect(rebuilt).rejects.toMatchObject({ code: 'api.duty_down' });
    expect(listeners.size).toBe(0);
  });
});
