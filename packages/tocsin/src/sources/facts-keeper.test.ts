import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { tenantKey } from '@tocsin/core';
import { SourceActivity } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { roomy } from '../../test/ground.ts';
import { SOURCES_BUCKET, topology } from '../topology.ts';
import { FactsKeeper } from './facts-keeper.ts';
import { encodeShard, type KeptSource, parseShard, shardKey } from './stored-facts.ts';

const stored = { status: 'stored', id: 'a', at: { position: 'p' as never, index: 0 } } as const;

async function bench() {
  let nowMs = 1_700_000_000_000;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const bus = createMemoryBus({ server: new MemoryServer() });
  await bus.ensure(topology(roomy));
  const bucket = bus.bucket(SOURCES_BUCKET);
  const trouble: unknown[] = [];
  const open = async (member: string) => {
    const activity = new SourceActivity(clock);
    const keeper = await FactsKeeper.open({
      bucket,
      member,
      activity,
      clock,
      everyMs: 3_600_000,
      onTrouble: (error) => trouble.push(error),
    });
    const hear = (name: string, count = 1): void =>
      activity.took(
        { tenant: 'acme', name, format: 'auto', lane: 'live', shard: '' },
        { bytes: 10, results: Array.from({ length: count }, () => stored), events: [] },
      );
    return { keeper, hear };
  };
  return { open, bucket, trouble, wait: (ms: number) => void (nowMs += ms), nowMs: () => nowMs };
}

const web = tenantKey('acme', 'web01');

describe('what is known of sources', () => {
  it('is that of all processes together, each counted once', async () => {
    const { open, trouble } = await bench();
    const [one, two] = [await open('one'), await open('two')];
    one.hear('web01', 3);
    two.hear('web01', 4);
    await one.keeper.flush();
    await one.keeper.flush();
    for (const { keeper } of [one, two]) {
      const known = await keeper.known('acme');
      // The second has not written yet: only itself knows what it heard.
      const sum = known.get(web)?.facts.reduce((total, { stored: count }) => total + count, 0);
      expect(sum).toBe(keeper === two.keeper ? 7 : 3);
    }
    expect((await two.keeper.known('globex')).size).toBe(0);
    expect(trouble).toEqual([]);
    for (const { keeper } of [one, two]) await keeper[Symbol.asyncDispose]();
  });

  it('keeps times over a restart, and starts counting anew', async () => {
    const { open, wait, nowMs } = await bench();
    const first = await open('one');
    first.hear('web01');
    const heardMs = nowMs();
    await first.keeper[Symbol.asyncDispose]();
    wait(60_000);
    const second = await open('one');
    expect((await second.keeper.known()).get(web)).toMatchObject({ lastTakenMs: heardMs, facts: [] });
    second.hear('other');
    await second.keeper[Symbol.asyncDispose]();
    const third = await open('one');
    expect((await third.keeper.known()).get(web)).toMatchObject({ lastTakenMs: heardMs });
    await third.keeper[Symbol.asyncDispose]();
  });

  it('passes over what it cannot read, and writes over a write whose answer was lost', async () => {
    const { open, bucket, trouble } = await bench();
    await bucket.put('facts.other.3', Buffer.from('no JSON'), 0);
    const one = await open('one');
    one.hear('web01');
    await one.keeper.flush();
    const keys = (await bucket.keys()).filter((key) => key.startsWith('facts.one.'));
    expect(keys).toHaveLength(1);
    const [key = ''] = keys;
    const entry = await bucket.get(key);
    await bucket.put(key, entry?.value ?? new Uint8Array(), entry?.revision ?? 0);
    one.hear('web01');
    await one.keeper.flush();
    expect(parseShard((await bucket.get(key))?.value ?? new Uint8Array())?.sources[0]?.facts?.stored).toBe(2);
    expect(trouble).toEqual([]);
    await one.keeper[Symbol.asyncDispose]();
  });

  it('leaves out facts before it leaves out a source', () => {
    const facts = { words: 'x'.repeat(1000) } as unknown as NonNullable<KeptSource['facts']>;
    const sources = Array.from(
      { length: 600 },
      (_, i): KeptSource => ({ tenant: 'acme', source: `s${i}`, lastTakenMs: i, lastHeardMs: i, facts }),
    );
    const kept = parseShard(encodeShard({ atMs: 1, sources }))?.sources ?? [];
    expect(kept).toHaveLength(600);
    // Of those heard last they are kept.
    expect([kept[0]?.facts, kept[599]?.facts]).toEqual([facts, undefined]);
  });

  it('stays within what a bucket takes, however many sources there are', () => {
    const sources = Array.from(
      { length: 20_000 },
      (_, i): KeptSource => ({ tenant: 'acme', source: `source-${i}-${'x'.repeat(60)}`, lastTakenMs: i, lastHeardMs: i }),
    );
    const value = encodeShard({ atMs: 1, sources });
    expect(value.length).toBeLessThan(512 * 1024);
    // Those heard last stay.
    expect(parseShard(value)?.sources[0]?.lastHeardMs).toBe(19_999);
    expect(shardKey('a b', 1)).toMatch(/^facts\.[\w=-]+\.1$/);
  });
});
