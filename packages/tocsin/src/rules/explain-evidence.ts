/** Why the events behind an alert matched: the rules that judged them, over the records that are still there. */
import type { LogSource } from '@tocsin/core';
import type { DetectionRule, ParsedRule } from '@tocsin/detect';
import { type ExplainedRule, explainRule } from '@tocsin/detect/explain';
import type { MappingSet } from '@tocsin/ingest';
import { routeRecord } from './route-event.ts';

/** An event behind an alert. */
export interface EvidenceEvent {
  readonly eventId: string;
  readonly record: Uint8Array;
  /** Mapping that read it; undefined where its looks must tell. */
  readonly mapping?: string | undefined;
}

/** Why a rule matched an event. */
export type ExplainedEvidence = ExplainedRule & { readonly eventId: string };

/** Explanations of the events that match the rule or, of a correlation, a rule it counts. */
export function explainEvidence(
  ruleId: string,
  events: readonly EvidenceEvent[],
  { rules, mappings }: { rules: readonly ParsedRule[]; mappings: MappingSet },
): ExplainedEvidence[] {
  const logSources = mappings.logSources();
  const byMapping = new Map(logSources.map((logSource): [string, LogSource] => [logSource.mapping, logSource]));
  const asked = judging(ruleId, rules);
  return events.flatMap(({ eventId, record, mapping }) =>
    routeRecord(mappings, record, mapping).flatMap((routed) => {
      if ('refused' in routed) return [];
      const logSource = byMapping.get(routed.mapping);
      return asked
        .map((rule) => ({ eventId, ...explainRule(rule, { fields: routed.fields, logSource, logSources }) }))
        .filter(({ matched }) => matched);
    }),
  );
}

/** The rule itself, or the plain rules that a correlation counts. */
function judging(ruleId: string, rules: readonly ParsedRule[]): DetectionRule[] {
  const rule = rules.find(({ meta }) => meta.id === ruleId);
  if (rule === undefined) return [];
  if (rule.kind === 'detection') return [rule];
  const named = new Set(rule.references);
  return rules.filter(
    (one): one is DetectionRule => one.kind === 'detection' && (named.has(one.meta.id) || named.has(one.meta.name ?? one.meta.id)),
  );
}
