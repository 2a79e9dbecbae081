/** What the store thread answers: the projections' questions, as plain data. */
import type { AlertStatus, Lane, Position } from '@tocsin/core';
import type { AlertDetail, AlertPage, AlertQuery, FrameCatalogue, SourceTotals } from '@tocsin/store';

/** Questions to the store thread. */
export type StoreApi = {
  readonly listAlerts: (query: AlertQuery) => AlertPage;
  readonly getAlert: (tenant: string, id: string) => AlertDetail | undefined;
  readonly countAlerts: (tenant: string) => Readonly<Record<AlertStatus, number>>;
  /** Resolves when the alert table has applied this position of ALERTS, or after `waitMs` without: true if it has. */
  readonly alertsReached: (position: Position, waitMs: number) => Promise<boolean>;
  /** The same for the frame catalogue, which totals come from, and a lane of EVENTS. */
  readonly framesReached: (lane: Lane, position: Position, waitMs: number) => Promise<boolean>;
  readonly sourceTotals: (tenant: string) => readonly SourceTotals[];
  readonly totals: () => { readonly frames: number; readonly events: number; readonly duplicates: number; readonly missing: number };
  /** Positions applied: of ALERTS, and of each lane of EVENTS; undefined before the first. */
  readonly progress: () => Readonly<Record<'alerts' | Lane, Position | undefined>>;
  readonly kept: FrameCatalogue['kept'];
  readonly oldest: FrameCatalogue['oldest'];
  readonly forget: FrameCatalogue['forget'];
  readonly recent: FrameCatalogue['recent'];
  readonly after: FrameCatalogue['after'];
  /** Removes the projections; the thread ends, and the next one builds them anew from the log. */
  readonly rebuild: () => void;
  /** Stops reading, finishes what was read, closes the files. */
  readonly stop: () => Promise<void>;
};
