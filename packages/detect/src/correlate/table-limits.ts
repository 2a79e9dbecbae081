/** Bounds on the states of a fold set, how it is kept, and what had to be left out. */
import type { OwnsKey } from './fold-share.ts';

/** Bounds on the states of a fold set. */
export interface GroupLimits {
  readonly maxGroups: number;
  /** Rough bytes of all states together. */
  readonly maxBytes: number;
}

/** How the states of a fold set are kept. */
export interface TableOptions extends Partial<GroupLimits> {
  /** Of a set that shares the work with others: whether a key is its own. Absent where it keeps everything. */
  readonly owns?: OwnsKey | undefined;
  /** Least number of an alert's changes: what was written of it before is below. 1 where absent. */
  readonly firstRevision?: number | undefined;
}

/** Bounds where nothing else is asked for. */
export const DEFAULT_LIMITS: GroupLimits = { maxGroups: 100_000, maxBytes: 128 * 1024 * 1024 };

/** Rough bytes of a group's place in the columns, its key and its entry in the queue. */
export const GROUP_BYTES = 150;
/** What each event takes that there is room for in the columns. */
export const COLD_EVENT_BYTES = 16;

/** What had to be left out; counts. */
export interface FoldCounts {
  /** Groups forgotten before their time to stay within the limits. */
  evicted: number;
  /** Matches that came too late to be counted. */
  late: number;
  /** Matches of rules that are not in this rule set. */
  unknown: number;
  /** Events of a group that were forgotten before their time because it had too many. */
  clipped: number;
}
