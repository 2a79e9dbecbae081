/** Looks at rules before any event comes. A correlation can fire when the rules it counts can, and its condition leaves a number open. */
import type { CorrelationRule, ParsedRule } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/resolve-references.ts';
import { checkDetection, type DetectionFindings } from './check-detection.ts';
import type { NeverReason, RuleCheckup, SourceFacts } from './rule-checkup.ts';

/** One checkup per rule, in the order of the rules. Correlations find the rules they refer to among them. */
export function checkRules(rules: readonly ParsedRule[], sources: readonly SourceFacts[]): RuleCheckup[] {
  const byReference = indexByReference(rules);
  const findings = new Map<ParsedRule, DetectionFindings>();
  for (const rule of rules) if (rule.kind === 'detection') findings.set(rule, checkDetection(rule, sources));
  return rules.map((rule): RuleCheckup => {
    const { id: ruleId, title } = rule.meta;
    const named = { ruleId, title, path: rule.location.path, line: rule.location.line, kind: rule.kind };
    const found = rule.kind === 'detection' ? findings.get(rule) : checkCorrelation(rule, { byReference, findings });
    return { ...named, ...(found as DetectionFindings) };
  });
}

interface Among {
  readonly byReference: ReadonlyMap<string, ParsedRule>;
  readonly findings: ReadonlyMap<ParsedRule, DetectionFindings>;
}

function checkCorrelation(rule: CorrelationRule, { byReference, findings }: Among): DetectionFindings {
  const never: NeverReason[] = emptyRange(rule);
  const base = rule.references.map((reference) => ({ reference, found: findings.get(byReference.get(reference) as ParsedRule) }));
  const missing = base.filter(({ reference }) => !byReference.has(reference)).map(({ reference }) => reference);
  if (missing.length > 0) never.push({ code: 'missing_reference', detail: `it refers to ${missing.join(', ')}, which is not there` });
  const silent = base.filter(({ found }) => found?.canFire === false);
  if (silent.length > 0 && silent.length === base.length)
    never.push(
      ...silent
        .flatMap(({ found }) => found?.never ?? [])
        .slice(0, 1)
        .map((one) => ({ ...one, detail: `the rules it counts cannot fire: ${one.detail}` })),
    );
  const doubts =
    silent.length > 0 && silent.length < base.length
      ? [`${silent.map(({ reference }) => reference).join(', ')}, which it counts, cannot fire`]
      : [];
  return { canFire: never.length === 0, never, doubts, sources: base.flatMap(({ found }) => found?.sources ?? []) };
}

/** A condition on a number that no number satisfies, such as more than 5 and less than 3. */
function emptyRange(rule: CorrelationRule): NeverReason[] {
  let least = 0;
  let most = Number.POSITIVE_INFINITY;
  for (const { comparison, limit } of rule.condition) {
    if (comparison === 'gt') least = Math.max(least, limit + 1);
    else if (comparison === 'gte' || comparison === 'eq') least = Math.max(least, limit);
    if (comparison === 'lt') most = Math.min(most, limit - 1);
    else if (comparison === 'lte' || comparison === 'eq') most = Math.min(most, limit);
  }
  return least <= most ? [] : [{ code: 'empty_range', detail: 'no number satisfies its condition' }];
}
