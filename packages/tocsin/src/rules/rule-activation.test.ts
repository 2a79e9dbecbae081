import type { StateBucket } from '@tocsin/bus';
import { TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { logSources, openGround, ruleFile, ruleText, until } from '../../test/ground.ts';
import { Registry } from '../registry/registry.ts';
import { RULE_SETS_BUCKET } from '../topology.ts';
import { RuleActivation } from './rule-activation.ts';
import { RuleBook } from './rule-book.ts';

const rule = (id: string): { path: string; text: string; addedMs: number } => ({ path: `${id}.yml`, text: ruleText(id, id), addedMs: 1 });

async function open(wrap: (bucket: StateBucket) => StateBucket = (bucket) => bucket): Promise<{
  registry: Registry;
  activation: RuleActivation;
  bucket: StateBucket;
  troubles: string[];
}> {
  const { bus } = await openGround();
  const registry = await Registry.open(bus, () => undefined);
  const bucket = bus.bucket(RULE_SETS_BUCKET);
  const troubles: string[] = [];
  const activation = await RuleActivation.open({
    registry,
    shared: [ruleFile('s', 's')],
    logSources,
    bucket: wrap(bucket),
    onTrouble: (error) => troubles.push(String(error)),
  });
  return { registry, activation, bucket, troubles };
}

describe('rule activation', () => {
  it('keeps a set before it puts it in force, and says when it has', async () => {
    const { registry, activation, bucket } = await open();
    await registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, rule('own'));
    if (!registry.position) throw new Error('nothing written');
    expect(await activation.reached(registry.position, 5000)).toBe(true);
    expect(activation.book.rulesFor('acme')).toHaveLength(2);
    expect(activation.book.rulesFor('globex')).toHaveLength(1);
    expect(await RuleBook.load(bucket, activation.book.hash, { logSources })).toBeDefined();
    await registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, { ...rule('own'), removedMs: 2 });
    expect(await activation.reached(registry.position, 5000)).toBe(true);
    expect(activation.book.rulesFor('acme')).toHaveLength(1);
  });

  it('covers changes of other kinds too', async () => {
    const { registry, activation } = await open();
    await registry.put({ tenant: 'acme', kind: 'source', id: 'edr' }, { name: 'edr', format: 'json', lane: 'live', createdMs: 1 });
    if (!registry.position) throw new Error('nothing written');
    expect(await activation.reached(registry.position, 5000)).toBe(true);
  });

  it('judges nothing by a set that could not be kept, and tries again by itself', async () => {
    let isDown = false;
    const { registry, activation, troubles } = await open((bucket) => ({
      get: (key) => bucket.get(key),
      keys: () => bucket.keys(),
      watch: (options) => bucket.watch(options),
      delete: (key, expected) => bucket.delete(key, expected),
      put: (key, value, expected) =>
        isDown ? Promise.reject(new TocsinError('bus.unavailable', { reason: 'test' })) : bucket.put(key, value, expected),
    }));
    const { hash } = activation.book;
    isDown = true;
    await registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, rule('own'));
    const wanted = registry.position;
    if (!wanted) throw new Error('nothing written');
    // A later change of another kind does not cover up for it.
    await registry.put({ tenant: 'acme', kind: 'source', id: 'edr' }, { name: 'edr', format: 'json', lane: 'live', createdMs: 1 });
    expect(await activation.reached(wanted, 100)).toBe(false);
    expect(activation.book.hash).toBe(hash);
    expect(troubles.length).toBeGreaterThan(0);
    isDown = false;
    expect(await activation.reached(wanted, 5000)).toBe(true);
    expect(activation.book.rulesFor('acme')).toHaveLength(2);
    activation[Symbol.dispose]();
  });

  it('does not compile once per rule when many come at once', async () => {
    let kept = 0;
    const { registry, activation } = await open((bucket) => ({
      get: (key) => bucket.get(key),
      keys: () => bucket.keys(),
      watch: (options) => bucket.watch(options),
      delete: (key, expected) => bucket.delete(key, expected),
      put: (key, value, expected) => {
        if (!key.includes('.')) kept += 1;
        return bucket.put(key, value, expected);
      },
    }));
    await Promise.all(Array.from({ length: 100 }, (_, i) => registry.put({ tenant: 'acme', kind: 'rule', id: `r${i}` }, rule(`own${i}`))));
    await until(() => activation.book.rulesFor('acme').length === 101);
    expect(kept).toBeLessThan(20);
  });
});
