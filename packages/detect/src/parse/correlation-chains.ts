/**
 * Chains of correlations: how high each stands above plain rules, and which ones come back to themselves. Linear in the number of
 * references, since rule files may be written to be hard.
 */
import type { CorrelationRule, ParsedRule } from './parsed-rule.ts';

/** Correlations above one another at most. */
const MAX_HEIGHT = 8;

/** Why a correlation cannot stand where it does in its chain; nothing for those that can. */
export type ChainFaults = ReadonlyMap<CorrelationRule, string>;

/** Levels of correlations above plain rules: 1 for one that refers to plain rules only. Those in circles, and above such, are not in it. */
export function correlationHeights(
  rules: readonly ParsedRule[],
  byReference: ReadonlyMap<string, ParsedRule>,
): ReadonlyMap<CorrelationRule, number> {
  const correlations = rules.filter((rule) => rule.kind === 'correlation');
  const users = new Map<CorrelationRule, CorrelationRule[]>();
  const waiting = new Map<CorrelationRule, number>();
  for (const rule of correlations) {
    const below = correlationsBelow(rule, byReference);
    waiting.set(rule, below.length);
    for (const one of below) {
      const known = users.get(one);
      if (known === undefined) users.set(one, [rule]);
      else known.push(rule);
    }
  }
  const heights = new Map<CorrelationRule, number>();
  const ready = correlations.filter((rule) => waiting.get(rule) === 0);
  for (let rule = ready.pop(); rule !== undefined; rule = ready.pop()) {
    heights.set(rule, 1 + Math.max(0, ...correlationsBelow(rule, byReference).map((one) => heights.get(one) ?? 0)));
    for (const user of users.get(rule) ?? []) {
      const left = (waiting.get(user) ?? 0) - 1;
      waiting.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  return heights;
}

/** Correlations in circles, and those that stand too high. */
export function findChainFaults(rules: readonly ParsedRule[], byReference: ReadonlyMap<string, ParsedRule>): ChainFaults {
  const heights = correlationHeights(rules, byReference);
  const faults = new Map<CorrelationRule, string>();
  const stuck = new Set(rules.filter((rule): rule is CorrelationRule => rule.kind === 'correlation' && !heights.has(rule)));
  for (const rule of keepCircles(stuck, byReference)) faults.set(rule, `it refers to itself: ${circleFrom(rule, stuck, byReference)}`);
  for (const [rule, height] of heights) {
    if (height > MAX_HEIGHT) faults.set(rule, `it stands on ${height - 1} levels of correlations; ${MAX_HEIGHT - 1} are allowed`);
  }
  return faults;
}

function correlationsBelow(rule: CorrelationRule, byReference: ReadonlyMap<string, ParsedRule>): CorrelationRule[] {
  return [...new Set([...rule.references, ...rule.without].map((reference) => byReference.get(reference)))].filter(
    (one) => one?.kind === 'correlation',
  );
}

/** Leaves out those that only look at a circle: they are refused because what they refer to was. */
function keepCircles(stuck: ReadonlySet<CorrelationRule>, byReference: ReadonlyMap<string, ParsedRule>): ReadonlySet<CorrelationRule> {
  const kept = new Set(stuck);
  const uses = new Map<CorrelationRule, number>();
  const below = (rule: CorrelationRule): CorrelationRule[] => correlationsBelow(rule, byReference).filter((one) => stuck.has(one));
  for (const rule of stuck) for (const one of below(rule)) uses.set(one, (uses.get(one) ?? 0) + 1);
  const unused = [...stuck].filter((rule) => !uses.has(rule));
  for (let rule = unused.pop(); rule !== undefined; rule = unused.pop()) {
    kept.delete(rule);
    for (const one of below(rule)) {
      const left = (uses.get(one) ?? 0) - 1;
      uses.set(one, left);
      if (left === 0) unused.push(one);
    }
  }
  return kept;
}

function circleFrom(rule: CorrelationRule, stuck: ReadonlySet<CorrelationRule>, byReference: ReadonlyMap<string, ParsedRule>): string {
  const path: CorrelationRule[] = [];
  let at: CorrelationRule | undefined = rule;
  while (at !== undefined && !path.includes(at) && path.length <= MAX_HEIGHT) {
    path.push(at);
    at = correlationsBelow(at, byReference).find((one) => stuck.has(one));
  }
  const shown = at === undefined || path.length > MAX_HEIGHT ? path : [...path, at];
  return shown.map(({ meta }) => (meta.name ?? meta.id).slice(0, 64)).join(' > ');
}
