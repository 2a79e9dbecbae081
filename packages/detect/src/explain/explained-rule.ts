/**
 * The explanation of a rule over one event, as plain data: the condition as a tree, at its leaves which value of the event held and
 * which did not and why. Made by `explain-rule.ts` and `explain-detection.ts`; how it looks on a screen is the caller's affair.
 */
import type { RuleLogSource } from '../parse/parsed-rule.ts';

/** Why a value did not do. `detail` says it in words; `near` is what the event has instead, where there is something. */
export interface Miss {
  readonly reason:
    | 'field_missing' // the event has no such field
    | 'no_text' // the field is there and holds null, an object or nothing
    | 'case' // it would hold if case did not count
    | 'part_only' // it would hold with a wildcard at an end
    | 'space' // it would hold without white space at the ends
    | 'kind' // the value is no number, time or address
    | 'needs_values' // the rule waits for values of placeholders
    | 'different';
  readonly detail: string;
  readonly near?: string | undefined;
}

/** One value of a line. */
export interface ExplainedValue {
  readonly held: boolean;
  /** As the rule writes it. */
  readonly shown: string;
  /** The event's value that made it hold; cut at 256 characters. */
  readonly value?: string | undefined;
  /** Of a value that did not hold. */
  readonly miss?: Miss | undefined;
}

/** One line of a selection, `Field|modifier: value(s)`. */
export interface ExplainedLine {
  readonly kind: 'line';
  readonly held: boolean;
  /** Absent for keywords. */
  readonly field?: string | undefined;
  readonly modifiers: readonly string[];
  /** All values must hold instead of one. */
  readonly all: boolean;
  /** `neq`: the line holds where its values do not. */
  readonly negated: boolean;
  /** Whether the event has the field, and under which path where that is another name. */
  readonly exists: boolean;
  readonly path?: string | undefined;
  /** What the event has in the field: its first values as text, each cut at 256 characters. */
  readonly found: readonly string[];
  /** Those that held first, then the nearest misses. */
  readonly values: readonly ExplainedValue[];
  /** Values that were tried and are not told. */
  readonly untold: number;
}

/** What a search identifier is made of. */
export type ExplainedBody =
  | { readonly kind: 'all' | 'any'; readonly held: boolean; readonly parts: readonly ExplainedBody[] }
  | ExplainedLine;

/** A search identifier. The body is told once: where the condition names it again it is absent. */
export interface ExplainedSelection {
  readonly kind: 'selection';
  readonly held: boolean;
  readonly name: string;
  readonly body?: ExplainedBody | undefined;
}

/** A part of the condition. */
export type ExplainedCondition =
  | { readonly kind: 'and' | 'or'; readonly held: boolean; readonly parts: readonly ExplainedCondition[] }
  | { readonly kind: 'not'; readonly held: boolean; readonly part: ExplainedCondition }
  | { readonly kind: 'atLeast'; readonly held: boolean; readonly needed: number; readonly parts: readonly ExplainedCondition[] }
  | ExplainedSelection;

/** Whether a rule is asked about the events of a mapping, and what stands in the way. */
export interface ExplainedRouting {
  readonly held: boolean;
  /** Mapping of the event; absent where none is known. */
  readonly mapping?: string | undefined;
  readonly wanted: RuleLogSource;
  /** Parts of the wanted log source that the mapping does not have, with what it has. */
  readonly missing: readonly { readonly part: string; readonly wanted: string; readonly has: readonly string[] }[];
  /** Mappings whose events the rule is asked about. */
  readonly fedBy: readonly string[];
}

/** A rule about single events over one event. */
export interface ExplainedRule {
  readonly ruleId: string;
  readonly title: string;
  /** Whether the rule matches: routed, and its condition holds. */
  readonly matched: boolean;
  readonly routing: ExplainedRouting;
  /** The condition over the event's fields, whether or not the rule is asked about it. */
  readonly condition: ExplainedCondition;
}
