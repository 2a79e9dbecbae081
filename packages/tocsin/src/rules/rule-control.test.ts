import { describe, expect, it } from 'vitest';
import { logSources, openGround, ruleFile, ruleText, until } from '../../test/ground.ts';
import { checkpointOf } from '../duties/fold-shard.ts';
import { Registry } from '../registry/registry.ts';
import { putChunked } from '../state/chunked-value.ts';
import { CONTROL_BUCKET, MANIFESTS_BUCKET, RULE_SETS_BUCKET } from '../topology.ts';
import { forgetRuleSets } from './forget-rule-sets.ts';
import { RuleActivation } from './rule-activation.ts';
import { RuleBook } from './rule-book.ts';
import { RuleControl } from './rule-control.ts';

const rule = (word: string) => ({ path: 'r.yml', text: ruleText('r', word), addedMs: 1 });

/** Two members over one bus: which of them leads can be changed. */
async function crew() {
  const { bus } = await openGround();
  const ruleSets = bus.bucket(RULE_SETS_BUCKET);
  const manifests = bus.bucket(MANIFESTS_BUCKET);
  const troubles: string[] = [];
  let leader = 'a';
  const join = async (name: string) => {
    const registry = await Registry.open(bus, (error) => troubles.push(String(error)));
    const control = new RuleControl(bus.bucket(CONTROL_BUCKET), () => leader === name);
    const onTrouble = (error: unknown): void => void troubles.push(String(error));
    const shared = [ruleFile('s', 's')];
    const activation = await RuleActivation.open({ registry, shared, logSources, bucket: ruleSets, onTrouble, control });
    return { registry, control, activation };
  };
  const [a, b] = [await join('a'), await join('b')];
  return { bus, ruleSets, manifests, troubles, a, b, lead: (name: string) => void (leader = name) };
}

describe('the rule set in force among several members', () => {
  it('is one for all of them, and its order only grows, through a hundred changes and two leaders', async () => {
    const { a, b, lead, troubles } = await crew();
    const seen: number[] = [];
    for (let i = 0; i < 100; i++) {
      if (i === 50) {
        lead('b');
        a.activation.reconsider();
        b.activation.reconsider();
      }
      await a.registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, rule(`w${i}`));
      const { position } = a.registry;
      if (!position) throw new Error('nothing written');
      for (const { activation } of [a, b]) {
        expect(await activation.reached(position, 5000)).toBe(true);
        expect(activation.book.filesOf('acme').some(({ text }) => text.includes(`w${i}`))).toBe(true);
      }
      expect(a.activation.book.hash).toBe(b.activation.book.hash);
      expect(a.activation.order).toBe(b.activation.order);
      seen.push(a.activation.order);
    }
    expect(seen).toEqual([...seen].sort((x, y) => x - y));
    expect(new Set(seen).size).toBe(100);
    expect(troubles).toEqual([]);
  }, 30_000);

  it('is waited for by an owner whose partition was judged by it already', async () => {
    const { a, b } = await crew();
    const { signal } = new AbortController();
    const next = b.activation.order + 1;
    let isReached = false;
    const reached = b.activation.orderReached(next, signal).then(() => (isReached = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isReached).toBe(false);
    await a.registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, rule('later'));
    await reached;
    expect(b.activation.order).toBeGreaterThanOrEqual(next);
  });

  it('leaves no set behind that every checkpoint has passed, and keeps those that one has not', async () => {
    const { a, b, ruleSets, manifests } = await crew();
    const hashes: string[] = [];
    for (let i = 0; i < 10; i++) {
      await a.registry.put({ tenant: 'acme', kind: 'rule', id: 'r' }, rule(`w${i}`));
      if (a.registry.position) await a.activation.reached(a.registry.position, 5000);
      hashes.push(a.activation.book.hash);
    }
    const keeping = { control: a.control, ruleSets, manifests, shards: 2 };
    expect(await forgetRuleSets(keeping)).toBe(0);
    const save = (index: number, order: number): Promise<number> =>
      putChunked(manifests, checkpointOf({ index, count: 2 }), { bytes: Buffer.from(String(order)), about: { order: String(order) } });
    await save(0, a.activation.order);
    expect(await forgetRuleSets(keeping)).toBe(0);
    await save(1, a.activation.order - 2);
    expect(await forgetRuleSets(keeping)).toBe(8);
    const kept = async (): Promise<boolean[]> =>
      await Promise.all(hashes.map(async (hash) => (await RuleBook.load(ruleSets, hash, { logSources })) !== undefined));
    expect(await kept()).toEqual([...Array.from({ length: 7 }, () => false), true, true, true]);
    await save(1, a.activation.order);
    expect(await forgetRuleSets(keeping)).toBe(2);
    const { book } = a.activation;
    const base = book.hashes.hash(
      book.files.filter((file) => file.tenant === undefined),
      [],
    );
    const left = (await ruleSets.keys()).filter((key) => !key.includes('.'));
    expect(left.sort(), 'the set in force, and what it builds on').toEqual([book.hash, base].sort());
    await until(() => b.activation.book.hash === a.activation.book.hash);
  });
});
