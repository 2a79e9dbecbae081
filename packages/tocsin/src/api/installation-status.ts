/** How an installation is doing: what `GET /api/v1/status` answers and `tocsin status` shows. */
import type { Guarantees } from '@tocsin/bus';
import type { AlertStatus } from '@tocsin/core';
import type { FoldsReport } from '../duties/folds-health.ts';

/** State of a duty: running, or what it is waiting for or failed with. */
export interface DutyStatus {
  readonly duty: string;
  readonly state: 'running' | 'starting' | 'waiting' | 'failed';
  readonly restarts: number;
  readonly reason?: string | undefined;
  /** Why what it says cannot be relied on at present, though it runs. */
  readonly strain?: string | undefined;
}

/** What a stream holds. */
export interface StreamStatus {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
}

/** A door beside the HTTP API, and what it has counted since it was opened. */
export interface ListenerStatus {
  readonly kind: string;
  readonly name: string;
  readonly address: string;
  /** Connections open now. */
  readonly connections: number;
  readonly bytes: number;
  /** Records read; each is stored, a duplicate, rejected, refused, or on its way. */
  readonly records: number;
  readonly stored: number;
  readonly duplicate: number;
  /** Read and not taken, by error code. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Turned away unread or never stored, by error code. */
  readonly refused: Readonly<Record<string, number>>;
}

/** The whole. What only a duty, or the bus, knows that is down is null. */
export interface InstallationStatus {
  readonly version: string;
  readonly site: string;
  readonly state: 'ready' | 'degraded';
  readonly startedMs: number;
  readonly guarantees: Guarantees;
  readonly busServer: string;
  readonly duties: readonly DutyStatus[];
  readonly streams: readonly StreamStatus[] | null;
  readonly events: { readonly stored: number; readonly duplicates: number } | null;
  readonly alerts: Readonly<Record<AlertStatus, number>> | null;
  readonly rules: { readonly loaded: number; readonly refused: number; readonly quarantined: number; readonly ruleSet: string } | null;
  /** What correlations hold and had to leave out, all tenants together. */
  readonly correlations: FoldsReport | null;
  readonly sources: number;
  /** In the order they were opened. */
  readonly listeners: readonly ListenerStatus[];
  /** Events numbered by a framer but never stored: each was refused to its sender. */
  readonly gaps: number | null;
}
