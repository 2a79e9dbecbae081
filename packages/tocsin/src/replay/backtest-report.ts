/** What a backtest says: what a draft of a rule would have found on what is stored, day by day, beside what the rule in force finds. Plain data. */
import type { ErrorCode } from '@tocsin/core';

/** Hits and alerts. */
export interface Findings {
  readonly hits: number;
  readonly alerts: number;
}

/** One day of event time, in UTC. */
export interface BacktestDay {
  /** Such as `2026-01-02`. */
  readonly day: string;
  readonly draft: Findings;
  readonly live: Findings;
}

/** An event that only one of both holds for. */
export interface DiffEvent {
  readonly source: string;
  readonly eventId: string;
  readonly timeMs: number;
  readonly position: string;
  readonly index: number;
}

/** An alert that only one of both raises, or both with other counts. */
export interface DiffAlert {
  readonly id: string;
  readonly groupBy: Readonly<Record<string, string>>;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly draftCount: number;
  readonly liveCount: number;
}

/** What two versions have in common. */
export interface Diff<T> {
  readonly both: number;
  readonly onlyDraft: number;
  readonly onlyLive: number;
  /** Of alerts: how many of both have other counts. */
  readonly changed: number;
  /** The first of those that differ. */
  readonly examples: readonly T[];
  /** Whether there were more than could be compared one by one; counts are then of those compared. */
  readonly isClipped: boolean;
}

/** One rule of the draft. */
export interface BacktestRule {
  readonly id: string;
  readonly title: string;
  readonly kind: 'detection' | 'correlation';
  /** What is in force under its id: another version, the same, or nothing. */
  readonly live: 'other' | 'same' | 'none';
  /** Why it cannot find anything, if that is known. */
  readonly dormant?: string | undefined;
  /** Of a correlation, hits are those of the rules that it counts. */
  readonly found: { readonly draft: Findings; readonly live: Findings };
  readonly days: readonly BacktestDay[];
  readonly hits: Diff<DiffEvent>;
  readonly alerts: Diff<DiffAlert>;
}

/** A rule of the draft that was left out. */
export interface RefusedDraft {
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** All of it. */
export interface BacktestReport {
  /** Events judged, and copies left out. */
  readonly events: number;
  readonly duplicates: number;
  /** Earliest and latest receipt of what was read; absent where nothing was. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly tookMs: number;
  readonly rules: readonly BacktestRule[];
  readonly refused: readonly RefusedDraft[];
  /** Rules that broke on events, which is our bug, with how often. */
  readonly broken: readonly { readonly ruleId: string; readonly events: number }[];
}

/** How far a backtest is. */
export interface BacktestProgress {
  /** 0 … 1. */
  readonly share: number;
  readonly events: number;
  readonly hits: number;
}
