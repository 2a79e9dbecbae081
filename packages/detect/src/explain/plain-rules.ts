/** The rules about single events behind a rule: itself, or of a correlation those that it counts, by way of other correlations, too. */
import type { DetectionRule, ParsedRule } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/rule-references.ts';

/** Plain rules behind `rule` among all rules, each once. */
export function plainRulesOf(rule: ParsedRule, all: readonly ParsedRule[]): DetectionRule[] {
  const byReference = indexByReference(all);
  const seen = new Set<ParsedRule>([rule]);
  const open: ParsedRule[] = [rule];
  const plain: DetectionRule[] = [];
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    if (next.kind === 'detection') {
      plain.push(next);
      continue;
    }
    for (const reference of next.references) {
      const referred = byReference.get(reference);
      if (referred === undefined || seen.has(referred)) continue;
      seen.add(referred);
      open.push(referred);
    }
  }
  return plain;
}
