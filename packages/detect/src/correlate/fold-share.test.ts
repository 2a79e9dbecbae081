import { type Alert, fnv1a, type Match, type MatchStep } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { matchAt, stepOf } from '../../test/fold-steps.ts';
import { logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { createFoldSet, type FoldSet } from './fold-set.ts';
import { restoreFoldSet } from './restore-fold-set.ts';

const rule = (id: string): string =>
  `title: ${id}\nid: ${id}\nname: ${id}\nlogsource: { product: test }\ndetection: { s: { a: ${id} }, condition: s }\n`;
const over = (id: string, correlation: string): string =>
  `title: ${id}\nid: ${id}\nname: ${id}\nlevel: high\ncorrelation: ${correlation}\n`;

/** Counts by one key, by two, an order over both rules, silence, and a chain whose keys are other ones than below. */
const { rules } = parseRules([
  {
    path: 'r.yml',
    text: [
      rule('a'),
      rule('b'),
      over('many', '{ type: event_count, rules: [a], group-by: [k], timespan: 50s, condition: { gte: 3 }, generate: true }'),
      over('kinds', '{ type: value_count, rules: [a, b], group-by: [h], timespan: 50s, condition: { field: k, gte: 3 }, generate: true }'),
      over('order', '{ type: temporal_ordered, rules: [a, b], group-by: [k, h], timespan: 30s, generate: true }'),
      over('silence', '{ type: absence, rules: [b], group-by: [k], timespan: 200s }'),
      over('low', '{ type: event_count, rules: [b], group-by: [k, h], timespan: 40s, condition: { gte: 2 } }'),
      over('high', '{ type: event_count, rules: [low], group-by: [h], timespan: 90s, condition: { gte: 2 } }'),
    ].join('---\n'),
  },
]);
const compiled = compileRules(rules, [logSource()]);

function random(seed: number): () => number {
  let state = seed;
  return () => ((state = (state * 48271) % 2147483647) % 100_000) / 100_000;
}

function steps(seed: number): MatchStep[] {
  const next = random(seed);
  const pick = (letters: string): string => letters[Math.floor(next() * letters.length)] ?? '';
  let timeMs = 1_000_000;
  return Array.from({ length: 400 }, (_, i) => {
    timeMs += Math.floor(next() * 8000);
    const matches = Array.from({ length: Math.floor(next() * 3) }, (_, j): Match => {
      const parts = { group: { k: pick('uvwxyz'), h: pick('123') }, host: pick('hij'), source: pick('st'), id: `e${i}-${j}` };
      const late = timeMs - Math.floor(next() * 70_000);
      return { ...matchAt(late, parts), ruleId: pick('ab'), tenant: pick('pq') };
    });
    const watermarks = Object.fromEntries(
      ['p', 'q'].flatMap((tenant) => ['s', 't'].map((source) => [`${tenant}/${source}`, timeMs - 30_000])),
    );
    return stepOf(matches, undefined, watermarks);
  });
}

/** Everything said about each alert, in order. */
function said(sets: readonly FoldSet[], log: readonly MatchStep[]): Map<string, Alert[]> {
  const alerts = new Map<string, Alert[]>();
  for (const set of sets) {
    for (const step of log) for (const alert of set.advance(step)) alerts.set(alert.id, [...(alerts.get(alert.id) ?? []), alert]);
  }
  return alerts;
}

const owner = (count: number, shard: number) => (tenant: string, key: string) => fnv1a(`${tenant} ${key}`) % count === shard;
const shards = (count: number): number[] => Array.from({ length: count }, (_, shard) => shard);

describe('folds shared by key', () => {
  it.each([1, 2, 3])('raise exactly what one set of folds raises, whatever their number (seed %i)', (seed) => {
    const log = steps(seed);
    const alone = said([createFoldSet(compiled)], log);
    const raised = new Set([...alone.values()].map(([alert]) => alert?.rule.id));
    expect([...raised].sort()).toEqual(['a', 'b', 'high', 'kinds', 'many', 'order', 'silence']);
    expect(alone.size).toBeGreaterThan(40);
    for (const count of [2, 5]) {
      const shared = said(
        shards(count).map((shard) => createFoldSet(compiled, { owns: owner(count, shard) })),
        log,
      );
      expect([...shared.keys()].sort()).toEqual([...alone.keys()].sort());
      for (const [id, changes] of alone) expect(shared.get(id)).toEqual(changes);
    }
  });

  it('go on from a checkpoint of all keys as well as from their own', () => {
    const log = steps(7);
    const [early, later] = [log.slice(0, 200), log.slice(200)];
    const whole = createFoldSet(compiled);
    said([whole], early);
    const bytes = whole.encode();
    const parts = shards(3).map((shard) => {
      const owns = owner(3, shard);
      const part = restoreFoldSet(compiled, bytes, { owns }).foldSet;
      return restoreFoldSet(compiled, part.encode(), { owns }).foldSet;
    });
    const alone = said([whole], later);
    const shared = said(parts, later);
    expect([...shared.keys()].sort()).toEqual([...alone.keys()].sort());
    for (const [id, changes] of alone) expect(shared.get(id)).toEqual(changes);
  });
});
