/** Why the events behind an alert matched: the rules that judged them, over the records that are still there. */
import { type LogSource, namedLogSource } from '@tocsin/core';
import type { ParsedRule } from '@tocsin/detect';
import { type ExplainedRule, explainRule, plainRulesOf } from '@tocsin/detect/explain';
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
  const rule = rules.find(({ meta }) => meta.id === ruleId);
  const asked = rule === undefined ? [] : plainRulesOf(rule, rules);
  return events.flatMap(({ eventId, record, mapping }) =>
    routeRecord(mappings, record, mapping).flatMap((routed) => {
      if ('refused' in routed) return [];
      const logSource = namedLogSource(byMapping, routed.mapping);
      return asked
        .map((plain) => ({ eventId, ...explainRule(plain, { fields: routed.fields, logSource, logSources }) }))
        .filter(({ matched }) => matched);
    }),
  );
}
