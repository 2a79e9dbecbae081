/**
 * What a rule file becomes: a checked rule, ready to be compiled, or a refusal that says where and why.
 * The typed form of detections is here; how text is read into it is in the files beside this one.
 */
import type { AlertRule, SeverityId, SigmaLevel, TocsinError } from '@tocsin/core';
import type { ConditionNode } from './condition.ts';
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

/** The comparisons of a correlation's condition. */
export type Comparison = 'gt' | 'gte' | 'lt' | 'lte' | 'eq' | 'neq';

/** A rule about several matches of other rules. `absence` is Tocsin's own: nothing more came for `timespanMs`. */
export interface CorrelationRule {
  readonly kind: 'correlation';
  readonly meta: RuleMetadata;
  readonly location: RuleLocation;
  readonly type: 'event_count' | 'absence';
  /** References as written: ids or names. */
  readonly references: readonly string[];
  readonly groupBy: readonly string[];
  /** Alias → reference → field, for group-by fields that are called differently per rule. */
  readonly aliases: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly timespanMs: number;
  /** All must hold; empty for `absence`. */
  readonly condition: readonly { readonly comparison: Comparison; readonly limit: number }[];
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
