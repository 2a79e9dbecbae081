/** A compiled rule set: what the matcher and the folds are made from. Built by `compile-rules.ts`. */
import type { LogSource } from '@tocsin/core';
import type { RecordFilter } from '../filter/record-filter.ts';
import type { CorrelationRule, ParsedRule, RuleMetadata } from '../parse/parsed-rule.ts';
import type { CompiledDetection } from './compile-detection.ts';
import type { EventView } from './event-view.ts';

/** A rule that is loaded and cannot fire, and why: shown, so that silence is never mistaken for safety. */
export interface InactiveRule {
  readonly ruleId: string;
  readonly title: string;
  readonly reason: 'needs_values' | 'no_log_source' | 'missing_reference';
  /** Placeholders without values, the log source asked for, or the references that lead nowhere. */
  readonly detail: string;
}

/** What is made of a rule's matches: one alert per entity and episode, or a correlation over several rules. */
export type FoldPlan =
  | { readonly kind: 'grouping'; readonly meta: RuleMetadata }
  | {
      readonly kind: 'event_count' | 'absence';
      readonly meta: RuleMetadata;
      readonly rule: CorrelationRule;
      /** Ids of the rules it counts → the fields to group by, one per `group-by` entry. */
      readonly groupFields: ReadonlyMap<string, readonly string[]>;
    };

/** The rules for the events of one mapping. Its view is one event's at a time. */
export interface Route {
  readonly logSource: LogSource;
  readonly view: EventView;
  readonly detections: readonly CompiledDetection[];
}

/** A rule set in force. Not to be shared between threads: its routes hold the event being judged. */
export interface CompiledRules {
  /** Hash of all rules and log sources, 64 hex digits: the same content gives the same. */
  readonly ruleSetHash: string;
  readonly rules: readonly ParsedRule[];
  readonly inactive: readonly InactiveRule[];
  readonly folds: readonly FoldPlan[];
  /** Rule id → fields whose values its matches must carry for the folds. */
  readonly groupFields: ReadonlyMap<string, readonly string[]>;
  /** Rules for a mapping's events, compiled when first asked for; undefined for a mapping without any. */
  route(mapping: string): Route | undefined;
  /** Says of the records of a batch which rules could hold for them. */
  readonly filter: RecordFilter;
}
