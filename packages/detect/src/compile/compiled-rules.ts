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

/** What a fold reads of one rule's matches. */
export interface FoldInput {
  /** Place of the rule among the references; those of `without` come behind. */
  readonly index: number;
  /** Whether the correlation waits for it (`without`). */
  readonly isAwaited: boolean;
  /** Fields to group by, one per `group-by` entry. */
  readonly groupFields: readonly string[];
  /** Fields of the value that is counted, summed or ranked. */
  readonly valueFields: readonly string[];
}

/** A correlation as a fold. */
export interface CorrelationPlan {
  readonly kind: 'correlation';
  readonly meta: RuleMetadata;
  readonly rule: CorrelationRule;
  /** By id of the rule whose matches it takes. */
  readonly inputs: ReadonlyMap<string, FoldInput>;
  /** Whether it only feeds other correlations and raises no alerts of its own. */
  readonly isSilent: boolean;
  /** Levels of correlations above plain rules, 1 for one over plain rules only. */
  readonly height: number;
  /** How far its event time lags behind the watermark, because correlations below it are settled late; milliseconds. */
  readonly delayMs: number;
  /** How far out of order events may come and still be placed exactly, milliseconds behind the watermark. */
  readonly latenessMs: number;
}

/** What is made of a rule's matches: one alert per entity and episode, or a correlation over several rules. */
export type FoldPlan = { readonly kind: 'grouping'; readonly meta: RuleMetadata } | CorrelationPlan;

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
  /** Rules for the events of a log source that was not known when the set was compiled; compiled anew with every call. */
  routeOf(logSource: LogSource): Route | undefined;
}
