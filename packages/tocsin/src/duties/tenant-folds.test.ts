import type { Match, MatchStep } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { bookOf, ruleFile } from '../../test/ground.ts';
import { readFoldsCheckpoint } from './folds-checkpoint.ts';
import { TenantFolds } from './tenant-folds.ts';

const HOUR = 3_600_000;
const silent = {
  path: 'silent.yml',
  text: 'title: silent\nid: silent\ncorrelation: { type: absence, rules: [beat], group-by: [host], timespan: 10m }\nlevel: high\n',
};

function beat(tenant: string, timeMs: number): Match {
  return {
    ruleId: 'beat',
    tenant,
    timeMs,
    receivedMs: timeMs,
    evidence: { source: 'edr', eventId: `${tenant}${timeMs}`, timeMs, sha256: '0'.repeat(64), at: { position: 'p' as never, index: 0 } },
    group: { host: 'h1' },
    entities: [{ kind: 'host', value: 'h1' }],
    explanation: [],
  };
}

function step(matches: readonly Match[], watermarks: Record<string, number>): MatchStep {
  return { partition: 0, epoch: 'E', read: {}, watermarks, ruleSet: 's', judged: 0, duplicates: 0, matches };
}

describe('tenant folds', () => {
  it('let nobody be missed twice, nor wrongly, after a tenant got a rule of its own', () => {
    const shared = bookOf(ruleFile('beat', 'beat'), silent);
    const withOwn = bookOf(ruleFile('beat', 'beat'), silent, { ...ruleFile('own', 'own'), tenant: 'acme' });
    const before = new TenantFolds(shared);
    before.advance(step([beat('acme', 0), beat('globex', 0)], { 'acme/edr': 0, 'globex/edr': 0 }));
    const after = new TenantFolds(withOwn, before.encode());
    // acme goes on beating, globex falls silent.
    const early = after.advance(step([beat('acme', HOUR / 12)], { 'acme/edr': HOUR / 12, 'globex/edr': HOUR / 12 }));
    expect(early).toEqual([]);
    const later = after.advance(step([], { 'acme/edr': HOUR / 5, 'globex/edr': HOUR / 5 }));
    expect(later.map((alert) => alert.tenant)).toEqual(['globex']);
    const last = after.advance(step([], { 'acme/edr': HOUR, 'globex/edr': HOUR }));
    expect(last.map((alert) => alert.tenant)).toEqual(['acme']);
    // The same after a checkpoint.
    const restored = new TenantFolds(withOwn, readFoldsCheckpoint(after.save({ position: 'p' as never, reads: {} }).finish()).folds);
    expect(restored.advance(step([], { 'acme/edr': 2 * HOUR, 'globex/edr': 2 * HOUR }))).toEqual([]);
  });

  it('keep tenants of hostile names apart', () => {
    const folds = new TenantFolds(bookOf(ruleFile('beat', 'beat'), { ...ruleFile('own', 'own'), tenant: '__proto__' }));
    const alerts = folds.advance(step([beat('__proto__', 1), beat('constructor', 1)], {}));
    expect(alerts.map((alert) => alert.tenant).sort()).toEqual(['__proto__', 'constructor']);
    expect([...folds.encode().keys()].sort()).toEqual(['', '__proto__']);
  });

  it('tell of each rule whose state cannot be taken over', () => {
    const before = new TenantFolds(bookOf(ruleFile('beat', 'beat'), silent));
    before.advance(step([beat('acme', 0), beat('globex', 0)], {}));
    const dropped: string[] = [];
    const longer = { ...silent, text: silent.text.replace('10m', '20m') };
    const after = new TenantFolds(bookOf(ruleFile('beat', 'beat'), longer), before.encode(), {
      onDropped: (error) => dropped.push(`${error.code} ${error.message}`),
    });
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatch(/^detect\.state_dropped Rule silent .* in 2 groups/);
    expect(after.rules.hash).not.toBe(before.rules.hash);
  });
});
