import { describe, expect, it } from 'vitest';
import { attackCoverage, type CoveringRule, techniqueName } from './attack-coverage.ts';
import { navigatorLayer } from './navigator-layer.ts';

const rule = (ruleId: string, canFire: boolean, ...techniques: string[]): CoveringRule => ({
  ruleId,
  title: `Rule ${ruleId}`,
  techniques,
  canFire,
});
const coverage = attackCoverage([
  rule('a', true, 'T1059.001', 'T1059.001', 'T1053'),
  rule('b', false, 'T1059.001'),
  rule('c', false, 'T1485'),
  rule('d', true, 'T9999'),
  rule('e', true),
]);

describe('coverage of ATT&CK', () => {
  it('lists every tactic, and techniques under each tactic they belong to', () => {
    expect(coverage.tactics.map(({ shortName }) => shortName)).toEqual(expect.arrayContaining(['stealth', 'defense-impairment', 'impact']));
    const under = (id: string): string[] =>
      coverage.tactics.filter(({ techniques }) => techniques.some((one) => one.id === id)).map(({ shortName }) => shortName);
    expect(under('T1059.001')).toEqual(['execution']);
    expect(under('T1053')).toEqual(['execution', 'persistence', 'privilege-escalation']);
    expect(coverage.tactics.every(({ listed, techniques }) => listed >= techniques.length)).toBe(true);
  });

  it('counts rules that could fire apart from those that could not, and names what it does not know', () => {
    expect(coverage).toMatchObject({ rules: 5, firing: 3, untagged: 1 });
    const technique = coverage.tactics.flatMap(({ techniques }) => techniques).find(({ id }) => id === 'T1059.001');
    expect([technique?.name, technique?.firing.length, technique?.silent.length]).toEqual(['PowerShell', 1, 1]);
    expect(coverage.unknown.map(({ id }) => id)).toEqual(['T9999']);
    expect([techniqueName('T1059'), techniqueName('T9999')]).toEqual(['Command and Scripting Interpreter', undefined]);
  });
});

describe('a layer of the Navigator', () => {
  const layer = navigatorLayer(coverage, 'test');

  it('has what format 4.5 requires', () => {
    expect(layer).toMatchObject({
      name: 'test',
      domain: 'enterprise-attack',
      versions: { layer: '4.5', navigator: expect.stringMatching(/^5\./) as string },
    });
    expect(layer.gradient.maxValue).toBeGreaterThan(layer.gradient.minValue);
    expect(layer.gradient.colors.length).toBeGreaterThanOrEqual(2);
    for (const { techniqueID, score, color } of layer.techniques) {
      expect(techniqueID).toMatch(/^T\d{4}(\.\d{3})?$/);
      expect(score === undefined || Number.isFinite(score)).toBe(true);
      expect(color === undefined || /^#[0-9a-f]{6}$/.test(color)).toBe(true);
    }
    expect(new Set(layer.techniques.map(({ techniqueID }) => techniqueID)).size).toBe(layer.techniques.length);
  });

  it('scores by rules that could fire, greys what cannot, and opens parents', () => {
    const of = (id: string): unknown => layer.techniques.find(({ techniqueID }) => techniqueID === id);
    expect(of('T1059.001')).toEqual({ techniqueID: 'T1059.001', score: 1, comment: 'Rule a' });
    expect(of('T1059')).toEqual({ techniqueID: 'T1059', showSubtechniques: true });
    expect(of('T1485')).toMatchObject({ score: 0, comment: 'cannot fire: Rule c' });
    expect(of('T9999')).toBeUndefined();
  });

  it('has a gradient also where nothing is covered', () => {
    expect(navigatorLayer(attackCoverage([]), 'empty')).toMatchObject({ techniques: [], gradient: { minValue: 0, maxValue: 1 } });
  });
});
