import { isTocsinError, type MatchStep } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { matchAt, ruleSet, runSteps, stepOf } from '../../test/fold-steps.ts';
import { EPISODE_GAP_MS } from './fold.ts';
import { createFoldSet } from './fold-set.ts';
import { restoreFoldSet } from './restore-fold-set.ts';

const COUNT = '{ type: event_count, rules: [base], group-by: [k], timespan: 10m, condition: { gte: 2 } }';

describe('grouping of plain rules', () => {
  it('makes one alert per entity and episode, with exact counts', () => {
    const folds = createFoldSet(ruleSet());
    const first = folds.advance(stepOf([matchAt(1000), matchAt(2000), matchAt(1500, { host: 'h2' })], 2000));
    expect(first.map((alert) => [alert.groupBy, alert.count, alert.foldRevision])).toEqual([
      [{ host: 'h1' }, 2, 1],
      [{ host: 'h2' }, 1, 1],
    ]);
    const [grown] = folds.advance(stepOf([matchAt(2000 + EPISODE_GAP_MS)]));
    expect(grown).toMatchObject({ id: first[0]?.id, count: 3, foldRevision: 2, firstMs: 1000, lastMs: 2000 + EPISODE_GAP_MS });
    const [next] = folds.advance(stepOf([matchAt(2001 + 2 * EPISODE_GAP_MS)]));
    expect(next?.id).not.toBe(first[0]?.id);
    expect(next?.count).toBe(1);
  });

  it('closes an episode when the watermark has passed the gap', () => {
    const folds = createFoldSet(ruleSet());
    folds.advance(stepOf([matchAt(1000)], 1000));
    folds.advance(stepOf([], 1000 + EPISODE_GAP_MS));
    expect(folds.stats().groups).toBe(1);
    folds.advance(stepOf([], 1001 + EPISODE_GAP_MS));
    expect(folds.stats().groups).toBe(0);
  });

  it('never leaves out a hit, however late, and keeps late ones together', () => {
    const folds = createFoldSet(ruleSet());
    const day = 24 * 3_600_000;
    const alerts = runSteps(folds, [
      stepOf([matchAt(2 * day)], 2 * day),
      stepOf([matchAt(day)], 2 * day + 1),
      stepOf([matchAt(day + 1)], 2 * day + 2),
    ]);
    expect([...alerts.values()].map((alert) => alert.count)).toEqual([1, 2]);
    expect(folds.stats().late).toBe(0);
  });

  it('keeps ten pieces of evidence and counts the rest', () => {
    const [alert] = createFoldSet(ruleSet()).advance(stepOf(Array.from({ length: 50 }, (_, index) => matchAt(1000 + index))));
    expect(alert?.evidence.map((one) => one.timeMs)).toEqual(Array.from({ length: 10 }, (_, index) => 1000 + index));
    expect(alert?.count).toBe(50);
  });

  it('raises nothing for a rule that only a correlation uses, unless it generates', () => {
    expect(createFoldSet(ruleSet(COUNT)).advance(stepOf([matchAt(1)]))).toEqual([]);
    const both = createFoldSet(ruleSet(COUNT.replace('type:', 'generate: true, type:')));
    expect(both.advance(stepOf([matchAt(1)])).map((alert) => alert.rule.id)).toEqual(['base']);
    expect(both.advance(stepOf([matchAt(2)])).map((alert) => alert.rule.id)).toEqual(['base', 'corr']);
  });

  it('gives an alert the same id whatever came before in other groups, and another in another tenant', () => {
    const alone = createFoldSet(ruleSet()).advance(stepOf([matchAt(1000)]))[0];
    const among = createFoldSet(ruleSet());
    among.advance(stepOf([matchAt(1, { host: 'other' })]));
    expect(among.advance(stepOf([matchAt(1000)]))[0]?.id).toBe(alone?.id);
    expect(among.advance(stepOf([{ ...matchAt(1000), tenant: 'umbrella' }]))[0]?.id).not.toBe(alone?.id);
  });
});

describe('bounds and checkpoints', () => {
  it('forgets the group touched longest ago, and counts it', () => {
    const folds = createFoldSet(ruleSet(COUNT), { maxGroups: 2 });
    const hit = (k: string, timeMs: number): ReturnType<typeof matchAt> => matchAt(timeMs, { group: { k } });
    folds.advance(stepOf([hit('a', 1), hit('b', 2), hit('c', 3)]));
    expect(folds.stats()).toMatchObject({ groups: 2, evicted: 1 });
    expect(folds.advance(stepOf([hit('b', 4)]))).toHaveLength(1);
    expect(folds.advance(stepOf([hit('a', 5)]))).toEqual([]);
  });

  it('stays within its bytes under a flood of new groups', () => {
    const folds = createFoldSet(ruleSet(COUNT), { maxBytes: 100_000 });
    for (let i = 0; i < 5000; i++) folds.advance(stepOf([matchAt(i, { group: { k: `user${i}` } })]));
    expect(folds.stats().bytes).toBeLessThanOrEqual(100_000);
    expect(folds.stats().evicted).toBeGreaterThan(4000);
  });

  it('drops the states of rules that are gone or mean something else, and names them', () => {
    const folds = createFoldSet(ruleSet(COUNT));
    folds.advance(stepOf([matchAt(1)], 1));
    const gone = restoreFoldSet(ruleSet(), folds.encode());
    expect([...gone.dropped]).toEqual([['corr', 1]]);
    for (const other of [COUNT.replace('10m', '20m'), COUNT.replace('[k]', '[h]'), COUNT.replace('gte: 2', 'eq: 2')])
      expect([...restoreFoldSet(ruleSet(other), folds.encode()).dropped]).toEqual([['corr', 1]]);
    const kept = restoreFoldSet(ruleSet(COUNT), folds.encode());
    expect(kept.dropped.size).toBe(0);
    expect(kept.foldSet.advance(stepOf([matchAt(2)]))).toHaveLength(1);
  });

  it('keeps what was counted where only the limit changes, and an episode that is open', () => {
    const before = createFoldSet(ruleSet(COUNT.replace('gte: 2', 'gte: 4')));
    before.advance(stepOf([matchAt(1), matchAt(2), matchAt(3)], 1));
    const lower = restoreFoldSet(ruleSet(COUNT.replace('gte: 2', 'gte: 3')), before.encode());
    expect(lower.dropped.size).toBe(0);
    const [opened] = lower.foldSet.advance(stepOf([matchAt(4)]));
    expect(opened).toMatchObject({ firstMs: 1, count: 4 });
    const higher = restoreFoldSet(ruleSet(COUNT.replace('gte: 2', 'gte: 6')), lower.foldSet.encode());
    expect(higher.foldSet.advance(stepOf([matchAt(5)]))).toEqual([]);
    const [grown] = higher.foldSet.advance(stepOf([matchAt(6)]));
    expect(grown).toMatchObject({ id: opened?.id, count: 6, foldRevision: 2 });
  });

  it('passes over a checkpoint of another version, by name', () => {
    const folds = createFoldSet(ruleSet(COUNT));
    folds.advance(stepOf([matchAt(1)], 1));
    const bytes = folds.encode();
    const text = new TextDecoder('latin1').decode(bytes);
    const at = text.indexOf('"version":3');
    expect(at).toBeGreaterThan(0);
    const other = bytes.slice();
    other[at + '"version":'.length] = '2'.charCodeAt(0);
    expect(() => restoreFoldSet(ruleSet(COUNT), other)).toThrow(/version 2 and this Tocsin reads version 3/);
    expect(restoreFoldSet(ruleSet(COUNT), bytes).foldSet.stats().groups).toBe(1);
  });

  it('refuses a damaged checkpoint by name', () => {
    const bytes = createFoldSet(ruleSet()).encode();
    for (const damaged of [
      bytes.subarray(0, bytes.length - 2),
      new Uint8Array([0xff]),
      new TextEncoder().encode('{"version":9}'),
      new TextEncoder().encode('null'),
    ]) {
      let caught: unknown;
      try {
        restoreFoldSet(ruleSet(), damaged);
      } catch (error) {
        caught = error;
      }
      expect(isTocsinError(caught, 'detect.bad_checkpoint')).toBe(true);
    }
  });

  it('counts matches of rules it does not know', () => {
    const folds = createFoldSet(ruleSet());
    expect(folds.advance(stepOf([{ ...matchAt(1), ruleId: 'unheard' }]))).toEqual([]);
    expect(folds.stats().unknown).toBe(1);
  });
});

describe('a checkpoint taken piece by piece', () => {
  it('is that of the moment it was begun, whatever comes while it is taken', () => {
    const compiled = ruleSet(COUNT);
    const hits = (from: number): MatchStep[] =>
      Array.from({ length: 40 }, (_, i) => stepOf([matchAt(from + i, { group: { k: `k${(i * 7) % 13}` } })], from + i - 30));
    const at = (step: MatchStep): MatchStep => step;
    const [one, other] = [createFoldSet(compiled, { maxGroups: 12 }), createFoldSet(compiled, { maxGroups: 12 })];
    const early = hits(1000);
    for (const step of early) for (const set of [one, other]) set.advance(at(step));
    const snapshot = one.snapshot();
    for (const step of hits(2000)) {
      one.advance(step);
      snapshot.advance(1);
    }
    const later = [...hits(3000), stepOf([], 10_000_000)];
    const run = (bytes: Uint8Array): unknown[] => {
      const { foldSet, dropped } = restoreFoldSet(compiled, bytes, { maxGroups: 12 });
      expect(dropped.size).toBe(0);
      return [foldSet.stats(), ...later.map((step) => foldSet.advance(step)), foldSet.stats()];
    };
    expect(run(snapshot.finish())).toEqual(run(other.encode()));
  });
});
