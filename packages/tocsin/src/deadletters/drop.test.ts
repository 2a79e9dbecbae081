/** A letter that fails again while it is being marked as redriven waits again, whoever comes first. */
import type { CompleteBus } from '@tocsin/bus';
import { systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround } from '../../test/ground.ts';
import type { Principal } from '../security/principal.ts';
import { DEADLETTER_FILTER, deadLetterSubject, retrySubject } from '../subjects.ts';
import { type DeadLetter, readDeadLetter, type StoredDeadLetter } from './dead-letter.ts';
import { createDrop, type Dropped } from './drop.ts';
import { discardDeadLetter, redriveDeadLetter } from './settle-dead-letter.ts';

const who = { tenant: 'acme', actor: 'anna', roles: ['admin'], credentialId: 'c' } as unknown as Principal;

function dropOn(bus: Pick<CompleteBus, 'commit' | 'last'>) {
  return createDrop({ bus, clock: systemClock, onTrouble: () => undefined, giveUp: new AbortController().signal });
}

function failed(more: Partial<Dropped> = {}): Dropped {
  const about = { tenant: 'acme', consumer: 'webhook-pager', kind: 'message', subject: 'tocsin.alerts.acme.a', messageId: 'm' } as const;
  const errors = [{ attempt: 1, atMs: Date.now(), text: 'it answered 400' }];
  return { ...about, position: 'p1' as Dropped['position'], headers: {}, body: Buffer.from('{}'), errors, ...more };
}

let ids = 0;
function depsOf(bus: Pick<CompleteBus, 'commit' | 'last'>) {
  return {
    bus,
    clock: systemClock,
    nextId: () => `n${++ids}`,
    privileged: async <T>(_: unknown, __: unknown, effect: () => Promise<T>) => effect(),
  };
}

async function newest(bus: CompleteBus, { tenant, consumer, id }: DeadLetter): Promise<StoredDeadLetter> {
  const stored = await bus.last(deadLetterSubject(tenant, consumer, id));
  if (stored === undefined) throw new Error('there is no letter');
  return readDeadLetter(stored);
}

async function redriven(bus: CompleteBus): Promise<DeadLetter> {
  const stored = await bus.last(retrySubject('webhook-pager'));
  if (stored === undefined) throw new Error('nothing was redriven');
  return readDeadLetter(stored).letter;
}

describe('a redriven letter that fails at once', () => {
  it('waits again when it is marked as redriven between the look at it and the write', async () => {
    const { bus } = await openGround();
    const letter = await dropOn(bus)(failed(), 'refused');
    const looked = Promise.withResolvers<void>();
    const marked = Promise.withResolvers<void>();
    // The consumer has it as soon as it is on RETRY; its mark is written only when the consumer has looked.
    const marking = {
      last: bus.last.bind(bus),
      commit: async (...args: Parameters<CompleteBus['commit']>) => {
        if (args[0][0]?.subject.startsWith(DEADLETTER_FILTER.slice(0, -1))) await looked.promise;
        return bus.commit(...args);
      },
    };
    const dropping = {
      commit: bus.commit.bind(bus),
      last: async (subject: string) => {
        const found = await bus.last(subject);
        looked.resolve();
        await marked.promise;
        return found;
      },
    };
    const redriving = redriveDeadLetter(depsOf(marking), who, await newest(bus, letter)).then(() => marked.resolve());
    await expect.poll(() => bus.last(retrySubject('webhook-pager'))).toBeDefined();
    await dropOn(dropping)(failed({ redriveOf: await redriven(bus) }), 'refused');
    await redriving;
    const again = await newest(bus, letter);
    expect(again.letter).toMatchObject({ state: 'waiting', redrives: 1, attempts: 2 });
    expect(await redriveDeadLetter(depsOf(bus), who, again)).toMatchObject({ state: 'redriven', redrives: 2 });
  });

  it('stays as people left it when its failure is told twice', async () => {
    const { bus } = await openGround();
    const letter = await dropOn(bus)(failed(), 'refused');
    await redriveDeadLetter(depsOf(bus), who, await newest(bus, letter));
    const again = failed({ redriveOf: await redriven(bus) });
    await dropOn(bus)(again, 'refused');
    await discardDeadLetter(depsOf(bus), who, { ...(await newest(bus, letter)), reason: 'it is noise' });
    await dropOn(bus)({ ...again, errors: [{ attempt: 1, atMs: Date.now() + 5, text: 'it answered 400' }] }, 'refused');
    expect((await newest(bus, letter)).letter.state).toBe('discarded');
  });
});
