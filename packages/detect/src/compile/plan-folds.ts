/**
 * Plans the folds of a rule set: which rules raise alerts of their own, what each correlation reads of its rules' matches, and which
 * fields matches must carry for that. Correlations come in the order of their height, so that each stands behind those it refers to.
 */

import { LATENESS_MS } from '../correlate/fold.ts';
import { createMeasure } from '../correlate/measures/create-measure.ts';
import { correlationHeights } from '../parse/correlation-chains.ts';
import type { CorrelationRule, ParsedRule } from '../parse/parsed-rule.ts';
import { indexByReference } from '../parse/rule-references.ts';
import type { CorrelationPlan, FoldInput, FoldPlan } from './compiled-rules.ts';

type Rules = ReadonlyMap<string, ParsedRule>;

/** Folds of a rule set: plain rules first, then correlations from the lowest up. Events may come `latenessMs` out of order. */
export function planFolds(rules: readonly ParsedRule[], latenessMs = LATENESS_MS): FoldPlan[] {
  const byReference = indexByReference(rules);
  const { silent, generating } = sortByVoice(rules, byReference);
  const isSilent = ({ meta }: ParsedRule): boolean => silent.has(meta.id) && !generating.has(meta.id);
  const heights = correlationHeights(rules, byReference);
  const correlations = [...heights].filter(([rule]) => missingReferences(rule, byReference).length === 0).sort(([, a], [, b]) => a - b);
  const delays = new Map<string, number>();
  return [
    ...rules
      .filter((rule) => rule.kind === 'detection' && rule.needsValues.length === 0 && !isSilent(rule))
      .map((rule): FoldPlan => ({ kind: 'grouping', meta: rule.meta })),
    ...correlations.map(([rule, height]): CorrelationPlan => {
      const delayMs = Math.max(0, ...referencesOf(rule).map((reference) => delays.get(byReference.get(reference)?.meta.id ?? '') ?? 0));
      delays.set(rule.meta.id, delayMs + settlingMs(rule, latenessMs));
      return {
        kind: 'correlation',
        meta: rule.meta,
        rule,
        inputs: inputsOf(rule, byReference),
        isSilent: isSilent(rule),
        height,
        delayMs,
        latenessMs,
      };
    }),
  ];
}

/** References of a correlation that lead to no rule. */
export function missingReferences(rule: CorrelationRule, byReference: Rules): string[] {
  return referencesOf(rule).filter((reference) => !byReference.has(reference));
}

/** Fields whose values each rule's matches must carry. A correlation carries on what those above it ask for and it does not group by itself. */
export function collectMatchFields(folds: readonly FoldPlan[]): Map<string, readonly string[]> {
  const collected = new Map<string, Set<string>>();
  const correlations = folds.filter((fold) => fold.kind === 'correlation');
  for (const { meta, rule, inputs } of [...correlations].reverse()) {
    const passedOn = [...(collected.get(meta.id) ?? [])].filter((field) => !rule.groupBy.includes(field));
    for (const [ruleId, { groupFields, valueFields }] of inputs) {
      const fields = collected.get(ruleId) ?? new Set();
      for (const field of [...groupFields, ...valueFields, ...passedOn]) fields.add(field);
      collected.set(ruleId, fields);
    }
  }
  return new Map([...collected].map(([ruleId, fields]) => [ruleId, [...fields]]));
}

/** Rules that feed correlations and stay silent themselves, and those that are to speak all the same (`generate`). */
function sortByVoice(rules: readonly ParsedRule[], byReference: Rules): { silent: Set<string>; generating: Set<string> } {
  const silent = new Set<string>();
  const generating = new Set<string>();
  for (const rule of rules) {
    if (rule.kind !== 'correlation') continue;
    // Also those of a correlation that cannot be evaluated: what a plain rule does must not hang on that.
    for (const reference of referencesOf(rule)) (rule.generate ? generating : silent).add(byReference.get(reference)?.meta.id ?? reference);
  }
  return { silent, generating };
}

function inputsOf(rule: CorrelationRule, byReference: Rules): Map<string, FoldInput> {
  return new Map(
    referencesOf(rule).map((reference, index) => {
      const named = (name: string): string => rule.aliases.get(name)?.get(reference) ?? name;
      const input: FoldInput = {
        index,
        isAwaited: index >= rule.references.length,
        groupFields: rule.groupBy.map(named),
        valueFields: rule.fields.map(named),
      };
      return [byReference.get(reference)?.meta.id ?? reference, input];
    }),
  );
}

function referencesOf(rule: CorrelationRule): string[] {
  return [...rule.references, ...rule.without];
}

/** How much later than its events a correlation may say that its condition held. */
function settlingMs(rule: CorrelationRule, latenessMs: number): number {
  const { type } = rule;
  if (type === 'absence') return rule.timespanMs;
  return createMeasure({ ...rule, type }).isMonotone ? rule.timespanMs + rule.suppressMs + latenessMs : latenessMs;
}
