/** Rules as coverage looks at them: techniques, and whether they could fire on the sources present. */
import type { ParsedRule } from '@tocsin/detect';
import { type CoveringRule, checkRules, type SourceFacts } from '@tocsin/detect/explain';

/** Rules in their order. `present` are the mappings whose events come in; undefined where every source counts as present. */
export function coveringRules(
  rules: readonly ParsedRule[],
  facts: readonly SourceFacts[],
  present: ReadonlySet<string> | undefined,
): CoveringRule[] {
  const checkups = checkRules(rules, facts);
  return rules.map((rule, index): CoveringRule => {
    const { id: ruleId, title, techniques } = rule.meta;
    const named = { ruleId, title, techniques };
    const checkup = checkups[index];
    const never = checkup?.never[0];
    if (never !== undefined) return { ...named, canFire: false, why: never.detail };
    const feeding = checkup?.sources.filter(({ barred }) => barred === undefined) ?? [];
    if (present === undefined || feeding.some(({ mapping }) => present.has(mapping))) return { ...named, canFire: true };
    return {
      ...named,
      canFire: false,
      why: `no event of ${feeding
        .slice(0, 3)
        .map(({ mapping }) => mapping)
        .join(', ')} has come in`,
    };
  });
}
