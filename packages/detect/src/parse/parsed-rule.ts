/**
 * What a rule file becomes: a checked rule, ready to be compiled, or a refusal that says where and why.
 * The typed form of detections is here; how text is read into it is in the files beside this one.
 */
import type { AlertRule, SeverityId, SigmaLevel, TocsinError } from '@tocsin/core';
import type { ConditionNode } from './condition.ts';
import type { COMPARISONS, CORRELATION_TYPES } from './correlation.data.ts';
import type { ItemSpec } from './item-spec.ts';
import type { RuleTest } from './rule-tests.ts';

/** Title, authorship and weight of a rule: what alerts and listings show of it. */
export interface RuleMetadata extends Omit<AlertRule, 'ruleSet'> {
  /** `name`, by which correlations may refer to it. */
  readonly name?: string | undefined;
  readonly description: string;
  readonly status: string;
  readonly falsePositives: readonly string[];
  readonly level: SigmaLevel;
  readonly severity: SeverityId;
  /** 0 … 100. */
  readonly score: number;
}

/** Where a rule stands: file as given, line and column of its document from 1. */
export interface RuleLocation {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

/** The events a rule asks for, in lower case; a part that is absent is not asked for. */
export interface RuleLogSource {
  readonly product?: string | undefined;
  readonly category?: string | undefined;
  readonly service?: string | undefined;
}

/** A search identifier: lines that all must hold, or alternatives of which one must. */
export type Selection =
  | { readonly kind: 'item'; readonly item: ItemSpec }
  | { readonly kind: 'all' | 'any'; readonly parts: readonly Selection[] };

/** A rule about single events. */
export interface DetectionRule {
  readonly kind: 'detection';
  readonly meta: RuleMetadata;
  readonly location: RuleLocation;
  readonly logSource: RuleLogSource;
  readonly selections: ReadonlyMap<string, Selection>;
  /** The conditions, joined by "or" where there are several. */
  readonly condition: ConditionNode;
  /** Placeholders without values (`expand`): the rule is loaded and never fires until they are given. */
  readonly needsValues: readonly string[];
  readonly tests: readonly RuleTest[];
}

/** Kinds of correlation; `absence` is Tocsin's own. */
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** The comparisons of a correlation's condition. */
export type Comparison = (typeof COMPARISONS)[number];

/** One comparison of a correlation's condition. */
export interface Limit {
  readonly comparison: Comparison;
  readonly limit: number;
}

/** A rule about several matches of other rules. `without`, `window` and `suppressMs` are Tocsin's own, and so is `absence`. */
export interface CorrelationRule {
  readonly kind: 'correlation';
  readonly meta: RuleMetadata;
  readonly location: RuleLocation;
  readonly type: CorrelationType;
  /** References as written: ids or names of rules or other correlations; in the order that `temporal_ordered` asks for. */
  readonly references: readonly string[];
  /** With `absence`: references of what is waited for; empty where any further sign of life will do. */
  readonly without: readonly string[];
  readonly groupBy: readonly string[];
  /** Alias → reference → field, for group-by fields that are called differently per rule. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Length of a sliding window, longest pause within a session, or how long an absence lasts. */
  readonly timespanMs: number;
  /** All must hold; empty for `absence` and where there is an expression. */
  readonly condition: readonly Limit[];
  /** Temporal types: over references that must, or must not, have been seen. */
  readonly expression: ConditionNode | undefined;
  /** Fields of the values that are counted, summed or ranked; several (`value_count`) are taken together. Aliases may be named. */
  readonly fields: readonly string[];
  /** 0 … 100, of `value_percentile` and `value_median`. */
  readonly percentile: number | undefined;
  readonly window: 'sliding' | 'session';
  /** An episode that begins this soon after another of its group belongs to that one's alert; 0 for none. */
  readonly suppressMs: number;
  /** Whether the referred rules raise alerts of their own as well. */
  readonly generate: boolean;
  readonly tests: readonly RuleTest[];
}

/** A rule that can be compiled. */
export type ParsedRule = DetectionRule | CorrelationRule;

/** A Sigma filter: a condition that is added to those of other rules. */
export interface RuleFilter {
  readonly id: string;
  readonly title: string;
  /** Hash of its content, 64 hex digits. */
  readonly version: string;
  readonly location: RuleLocation;
  /** Rules must name at least these parts to be meant. */
  readonly logSource: RuleLogSource;
  /** Ids or names of the rules it is for; `any` is every rule of its log source. */
  readonly targets: 'any' | readonly string[];
  readonly selections: ReadonlyMap<string, Selection>;
  readonly condition: ConditionNode;
  /** Ids of the rules it was added to, in their order; never empty. */
  readonly appliesTo: readonly string[];
}

/** A document that gave values to placeholders. */
export interface GivenPlaceholders {
  readonly location: RuleLocation;
  /** Names without percent signs. */
  readonly names: readonly string[];
}

/** A rule that was left out. `error` carries file, line, column and reason. */
export interface RefusedRule extends RuleLocation {
  /** Id or title where they could be read. */
  readonly rule: string;
  readonly reason: string;
  readonly error: TocsinError;
}
