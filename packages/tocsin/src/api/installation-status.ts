/** How an installation is doing: what `GET /api/v1/status` answers and `tocsin status` shows. */
import type { Guarantees } from '@tocsin/bus';
import type { AlertStatus } from '@tocsin/core';
import type { HeldRecords, RefusalCount } from '@tocsin/ingest';
import type { FoldsReport } from '../duties/folds-health.ts';
import type { Lag } from '../flow/lag.ts';
import type { Alarm } from '../flow/retention-keeper.ts';

/** State of a duty: running, or what it is waiting for or failed with. */
export interface DutyStatus {
  readonly duty: string;
  readonly state: 'running' | 'starting' | 'waiting' | 'failed';
  readonly restarts: number;
  readonly reason?: string | undefined;
  /** Why what it says cannot be relied on at present, though it runs. */
  readonly strain?: string | undefined;
}

/** A process among several that share the duties. */
export interface MemberStatus {
  readonly member: string;
  readonly duties: readonly string[];
  /** What it matches and keeps the folds of. */
  readonly partitions: readonly number[];
  readonly foldShards: readonly number[];
  /** How far its matching is behind, milliseconds; null where it does not match or has read nothing yet. */
  readonly behindMs: number | null;
  readonly host: string;
  readonly process: number;
  readonly version: string;
  readonly startedMs: number;
  /** Whether its process answered when it was asked for what follows. */
  readonly answers: boolean;
  /** Memory of its process, bytes, and its duties as it says itself; null where it does not answer, or is of another version. */
  readonly memoryBytes: number | null;
  readonly states: readonly DutyStatus[] | null;
}

/** What a stream holds. */
export interface StreamStatus {
  readonly stream: string;
  readonly messages: number;
  readonly bytes: number;
}

/** A door beside the HTTP API, and what it has counted since it was opened. */
export interface ListenerStatus {
  /** Process it belongs to, where several share the duties; null where one has them all. */
  readonly member: string | null;
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
  /** Left out by a rule of their source. */
  readonly dropped: number;
  /** Kept aside as dead letters because they do not fit the schema of their type. */
  readonly quarantined: number;
  /** Read and not taken, by error code. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Turned away unread or never stored, by error code. */
  readonly refused: Readonly<Record<string, number>>;
  /** Records that wait at a broker and were not read yet, as it told last; null where nobody can tell. */
  readonly waiting: number | null;
  /** Sources whose records were taken in, lie in the listener's spool and cannot be stored at present, each with the reason; absent from a member of an older version. */
  readonly held?: readonly HeldRecords[] | undefined;
}

/** The whole. What only a duty, or the bus, knows that is down is null; so is, for whoever runs no installation, what is all tenants'. */
export interface InstallationStatus {
  readonly version: string;
  readonly site: string;
  readonly state: 'ready' | 'degraded';
  /** Whose numbers these are: one tenant's, or all tenants' together for who runs the installation. */
  readonly scope: 'tenant' | 'installation';
  readonly startedMs: number;
  readonly guarantees: Guarantees;
  readonly busServer: string;
  readonly duties: readonly DutyStatus[];
  /** Processes that share the duties over an external bus; none where one process has them all. */
  readonly members: readonly MemberStatus[];
  readonly streams: readonly StreamStatus[] | null;
  readonly events: { readonly stored: number; readonly duplicates: number } | null;
  readonly alerts: Readonly<Record<AlertStatus, number>> | null;
  readonly rules: { readonly loaded: number; readonly refused: number; readonly quarantined: number; readonly ruleSet: string } | null;
  /** What correlations hold and had to leave out, all tenants together. */
  readonly correlations: FoldsReport | null;
  readonly sources: number;
  /** In the order they were opened; none for one tenant alone. */
  readonly listeners: readonly ListenerStatus[];
  /** Who is how far behind, and which streams fill with what has not been read; null for one tenant alone. */
  readonly lag: readonly Lag[] | null;
  readonly alarms: readonly Alarm[] | null;
  /** Requests refused since the start, by error code. */
  readonly refused: readonly RefusalCount[];
  /** Events numbered by a framer but never stored: each was refused to its sender. */
  readonly gaps: number | null;
}
