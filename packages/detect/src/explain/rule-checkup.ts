/** What a look at a rule found before any event came: which sources can feed it, which of its fields they have, why it could never fire. */
import type { LogSource } from '@tocsin/core';

/** What is known of a mapping beyond its log source. */
export interface SourceFacts {
  readonly logSource: LogSource;
  /** Field → the only values it has there, because the mapping asks for them. */
  readonly fixed: Readonly<Record<string, readonly (string | number | boolean)[]>>;
  /** Fields that the mapping itself reads, by the names rules use. */
  readonly mapped: ReadonlySet<string>;
  /** Fields seen in events of this mapping; undefined where none were looked at. */
  readonly seen?: ReadonlySet<string> | undefined;
}

/** Whether a source has a field: by its mapping, by events that were looked at, not in any of those, or not known without events. */
export type FieldPresence = 'mapped' | 'seen' | 'not_seen' | 'unknown';

/** A source whose events a rule is asked about. */
export interface FeedingSource {
  readonly mapping: string;
  /** Why its events can never make the rule match, such as `EventID is 1`; undefined where they can. */
  readonly barred?: string | undefined;
  readonly fields: Readonly<Record<string, FieldPresence>>;
}

/** Why a rule could never fire. */
export interface NeverReason {
  readonly code: 'no_log_source' | 'needs_values' | 'contradiction' | 'constant_false' | 'no_fitting_source' | 'missing_reference';
  readonly detail: string;
}

/** A rule looked at. */
export interface RuleCheckup {
  readonly ruleId: string;
  readonly title: string;
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly kind: 'detection' | 'correlation';
  /** False where nothing that the sources can send makes it match. */
  readonly canFire: boolean;
  readonly never: readonly NeverReason[];
  /** What makes one doubt that it does what was meant, such as a condition that every event satisfies. */
  readonly doubts: readonly string[];
  readonly sources: readonly FeedingSource[];
}
