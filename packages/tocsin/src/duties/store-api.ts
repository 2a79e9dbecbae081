/** What the store thread answers: the projections' questions, as plain data. */
import type { AlertStatus, Lane, Position } from '@tocsin/core';
import type { AlertDetail, AlertPage, AlertQuery, FrameCatalogue, SourceTotals } from '@tocsin/store';
import type { CatchUpStart, Missed, MissedQuery } from '../catchup/find-missed.ts';
import type { CoverageAsked, CoverageLine } from '../coverage/report-coverage.ts';

/** Questions to the store thread. */
export type StoreApi = {
  readonly listAlerts: (query: AlertQuery) => AlertPage;
  readonly getAlert: (tenant: string, id: string) => AlertDetail | undefined;
  readonly countAlerts: (tenant: string) => Readonly<Record<AlertStatus, number>>;
  /** Resolves when the alert table has applied this position of ALERTS, or after `waitMs` without: true if it has. */
  readonly alertsReached: (position: Position, waitMs: number) => Promise<boolean>;
  /** The same for the frame catalogue, which totals come from, and a lane of EVENTS. */
  readonly framesReached: (lane: Lane, position: Position, waitMs: number) => Promise<boolean>;
  /** The same for the coverage ledger and a position of MATCHES. */
  readonly coverageReached: (position: Position, waitMs: number) => Promise<boolean>;
  readonly sourceTotals: (tenant: string) => readonly SourceTotals[];
  readonly totals: () => { readonly frames: number; readonly events: number; readonly duplicates: number; readonly missing: number };
  /** Positions applied: of ALERTS, and of each lane of EVENTS; undefined before the first. */
  readonly progress: () => Readonly<Record<'alerts' | Lane, Position | undefined>>;
  readonly kept: FrameCatalogue['kept'];
  readonly oldest: FrameCatalogue['oldest'];
  readonly forget: FrameCatalogue['forget'];
  readonly recent: FrameCatalogue['recent'];
  readonly after: FrameCatalogue['after'];
  /** Which events rules have looked at, and which not. */
  readonly coverage: (query: CoverageAsked) => readonly CoverageLine[];
  /** Mappings of a tenant's events. */
  readonly seenMappings: (tenant: string) => readonly string[];
  /** What rules have missed and a catch-up has to judge. */
  readonly missed: (wanted: MissedQuery) => Missed;
  /** Where a catch-up begins that has to know everything since an event time, milliseconds since 1970. */
  readonly catchUpStart: (tenant: string, fromMs: number) => CatchUpStart;
  /** Removes the projections and ends the thread, which is all the answer there is; the next one builds them anew from the log. @throws api.duty_down */
  readonly rebuild: () => Promise<never>;
  /** Stops reading, finishes what was read, closes the files. */
  readonly stop: () => Promise<void>;
};
