/** Explains a rule about single events over one event: whether it is asked about it, and what its condition makes of it. */
import type { Fields, LogSource } from '@tocsin/core';
import { EventView } from '../compile/event-view.ts';
import type { DetectionRule } from '../parse/parsed-rule.ts';
import { explainDetection } from './explain-detection.ts';
import { explainRouting } from './explain-routing.ts';
import type { ExplainedRule } from './explained-rule.ts';

/** An event and how its fields are read. */
export interface ExplainedEvent {
  readonly fields: Fields;
  /** Log source of its mapping; undefined where none is known: fields are then read as written. */
  readonly logSource: LogSource | undefined;
  /** Every log source there is. */
  readonly logSources: readonly LogSource[];
}

/** The rule over the event. The condition is explained also where the rule is not asked about it. */
export function explainRule(rule: DetectionRule, { fields, logSource, logSources }: ExplainedEvent): ExplainedRule {
  const view = new EventView(logSource);
  view.show(fields);
  const condition = explainDetection(rule, view);
  const routing = explainRouting(rule.logSource, logSource, logSources);
  const { id: ruleId, title } = rule.meta;
  return { ruleId, title, matched: routing.held && condition.held && rule.needsValues.length === 0, routing, condition };
}
