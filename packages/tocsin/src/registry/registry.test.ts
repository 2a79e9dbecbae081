import type { Published } from '@tocsin/bus';
import { isTocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openGround, until } from '../../test/ground.ts';
import { changeSubject } from '../subjects.ts';
import { Registry, type SourceRecord } from './registry.ts';

const fail = (error: unknown): void => {
  throw error;
};
const edr = { tenant: 'acme', kind: 'source', id: 'edr' } as const;
const source = (createdMs: number): SourceRecord => ({ name: 'edr', format: 'json', lane: 'live', createdMs });

describe('registry', () => {
  it('is rebuilt from CHANGES, newest state of each thing', async () => {
    const { bus } = await openGround();
    {
      await using registry = await Registry.open(bus, fail);
      await registry.put(edr, source(1));
      await registry.put(edr, { ...source(1), revokedMs: 9 });
      await registry.put({ tenant: 'acme', kind: 'credential', id: 'ab' }, { actor: 'ada', roles: ['viewer'], createdMs: 1 });
      await registry.put({ ...edr, tenant: 'globex' }, source(2));
    }
    await using again = await Registry.open(bus, fail);
    expect(again.get('acme', 'source', 'edr')?.value.revokedMs).toBe(9);
    expect(again.list('source', 'acme').map((each) => each.id)).toEqual(['edr']);
    expect(again.list('source')).toHaveLength(2);
    expect(again.credentialByHash('ab')).toMatchObject({ tenant: 'acme', value: { actor: 'ada' } });
    expect(again.credentialByHash('__proto__')).toBeUndefined();
  });

  it('follows what another writes, and tells its listeners', async () => {
    const { bus } = await openGround();
    await using one = await Registry.open(bus, fail);
    await using two = await Registry.open(bus, fail);
    const heard: string[] = [];
    two.onChange((kind) => heard.push(kind));
    await one.put(edr, source(1));
    await until(() => two.get('acme', 'source', 'edr') !== undefined);
    expect(heard).toEqual(['source']);
    expect(two.position).toBe(one.position);
  });

  it('refuses the second of two writers who know the same state', async () => {
    const { bus } = await openGround();
    await using one = await Registry.open(bus, fail);
    const written = await Promise.allSettled([one.put(edr, source(1)), one.put(edr, source(2)), one.put(edr, source(1))]);
    expect(written.map((each) => each.status)).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(written.slice(1).every((each) => each.status === 'rejected' && isTocsinError(each.reason, 'bus.fenced'))).toBe(true);
    expect(one.get('acme', 'source', 'edr')?.value.createdMs).toBe(1);
    await using two = await Registry.open(bus, fail);
    expect(two.get('acme', 'source', 'edr')?.value).toEqual(one.get('acme', 'source', 'edr')?.value);
  });

  it('never goes back to an older state, whichever way it hears of the newer one first', async () => {
    const { bus } = await openGround();
    const other = await Registry.open(bus, fail);
    let overtake: ((published: Published[]) => Promise<void>) | undefined;
    const slow = {
      read: bus.read.bind(bus),
      async commit(...args: Parameters<typeof bus.commit>) {
        const published = await bus.commit(...args);
        await overtake?.(published);
        return published;
      },
    };
    await using registry = await Registry.open(slow, fail);
    // Between the write and its answer another revokes the source and the follower hears of it.
    overtake = async () => {
      overtake = undefined;
      await until(() => other.get('acme', 'source', 'edr') !== undefined);
      await other.put(edr, { ...source(1), revokedMs: 5 });
      await until(() => registry.get('acme', 'source', 'edr')?.value.revokedMs === 5);
    };
    await registry.put(edr, source(1));
    expect(registry.get('acme', 'source', 'edr')?.value.revokedMs).toBe(5);
    await other[Symbol.asyncDispose]();
  });

  it('reports an end of following that nobody asked for', async () => {
    const { bus, server } = await openGround();
    const failures: unknown[] = [];
    await using registry = await Registry.open(bus, (error) => failures.push(error));
    server.dropStream('CHANGES');
    await until(() => failures.length > 0);
    expect(registry.get('acme', 'source', 'edr')).toBeUndefined();
  });

  it('keeps names of any text apart', async () => {
    const { bus } = await openGround();
    await using registry = await Registry.open(bus, fail);
    const names = ['a.b', 'a b', '__proto__', 'ä\n', '*', '>', 'constructor'];
    for (const id of names) await registry.put({ ...edr, id }, { ...source(1), name: id });
    expect(new Set(registry.list('source', 'acme').map((each) => each.id))).toEqual(new Set(names));
    expect(changeSubject('a.b', 'source', '>')).toBe('tocsin.changes.a=2eb.source.=3e');
  });
});
