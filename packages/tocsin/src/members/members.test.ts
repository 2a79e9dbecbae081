import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { systemClock } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { roomy, until } from '../../test/ground.ts';
import { MEMBERS_BUCKET, topology } from '../topology.ts';
import { parseMember } from './member-record.ts';
import { Members } from './members.ts';
import { ownerOf } from './owner-of.ts';

const PARTITIONS = 16;

async function ground() {
  const server = new MemoryServer();
  const openBucket = async () => {
    const bus = createMemoryBus({ server });
    await bus.ensure(topology(roomy));
    return bus.bucket(MEMBERS_BUCKET);
  };
  const replaced: string[] = [];
  const join = async (id: string, epoch = 'e1'): Promise<Members> =>
    await Members.open({
      bucket: await openBucket(),
      id,
      epoch,
      duties: ['match', 'correlate'],
      version: 'test',
      clock: systemClock,
      onTrouble: () => undefined,
      onReplaced: (error) => replaced.push(error.message),
      heartbeatMs: 20,
      leaseMs: 100,
    });
  return { openBucket, join, replaced };
}

describe('who owns what', () => {
  it('is agreed upon by everybody, spread evenly, and moves only with those who come and go', () => {
    const members = ['a', 'b', 'c', 'd'];
    const things = Array.from({ length: 4000 }, (_, i) => `match.${i}`);
    const before = things.map((thing) => ownerOf(thing, members));
    expect(things.map((thing) => ownerOf(thing, [...members].reverse()))).toEqual(before);
    for (const member of members) expect(before.filter((owner) => owner === member).length).toBeGreaterThan(850);
    const after = things.map((thing) => ownerOf(thing, ['a', 'b', 'd']));
    expect(after.filter((owner, i) => owner !== before[i]).length).toBe(before.filter((owner) => owner === 'c').length);
    expect(ownerOf('match.1', [])).toBeUndefined();
  });
});

describe('members', () => {
  it('take only what nobody holds, and let go of what has become another’s', async () => {
    const { join } = await ground();
    await using a = await join('a');
    const all = a.plan('match', PARTITIONS, new Set());
    expect(all.take).toHaveLength(PARTITIONS);
    await a.hold('match', all.take);
    await using b = await join('b');
    expect(b.plan('match', PARTITIONS, new Set()).take).toEqual([]);
    await until(() => a.plan('match', PARTITIONS, new Set(all.take)).release.length > 0);
    const { release } = a.plan('match', PARTITIONS, new Set(all.take));
    await a.hold(
      'match',
      all.take.filter((one) => !release.includes(one)),
    );
    await until(() => b.plan('match', PARTITIONS, new Set()).take.length === release.length);
    expect(b.plan('match', PARTITIONS, new Set()).take).toEqual(release);
  });

  it('are gone when they leave, and after their lease when they fall silent', async () => {
    const { join, openBucket } = await ground();
    await using a = await join('a');
    const b = await join('b');
    await until(() => a.list().length === 2);
    await b[Symbol.asyncDispose]();
    await until(() => a.list().length === 1);
    const bucket = await openBucket();
    const record = { ...parseMember((await bucket.get('a'))?.value ?? new Uint8Array()), id: 'dead' };
    await bucket.put('dead', Buffer.from(JSON.stringify(record)), 0);
    await bucket.put('junk', Buffer.from('no record'), 0);
    await until(() => a.list().length === 2);
    const seenMs = performance.now();
    await until(() => a.list().length === 1);
    expect(performance.now() - seenMs).toBeGreaterThan(80);
  });

  it('give way to a later life of the same name, and never to an earlier one', async () => {
    const { join, replaced } = await ground();
    await using _old = await join('a', 'e1');
    await using fresh = await join('a', 'e2');
    await until(() => replaced.length > 0);
    expect(replaced[0]).toContain('member a');
    expect(fresh.list()).toHaveLength(1);
  });
});
