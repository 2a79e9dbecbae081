/**
 * What a replay is asked to do and how far it is, as two messages in its namespace: the order, which people change, and the state, which
 * the replay itself writes. The newest of each counts.
 */
import type { Stored } from '@tocsin/bus';
import type { Lane, Position } from '@tocsin/core';

/** Which part of the log is played, and how. */
export interface ReplaySpec {
  /** Whose events; nobody else's are read. */
  readonly tenant: string;
  /** From and before, milliseconds since 1970, by receipt or by event time; open where absent. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly time: 'received' | 'event';
  /** First and last position; of the lane that the position is of, and then of no other lane. */
  readonly fromPosition?: Position | undefined;
  readonly toPosition?: Position | undefined;
  /** Lanes; both where empty. */
  readonly lanes: readonly Lane[];
  /** Filter over the subjects of frames. */
  readonly subject?: string | undefined;
  /** Names of sources; all where empty. */
  readonly sources: readonly string[];
  /** Conditions on fields, `FIELD=VALUE` or `FIELD|MODIFIER=VALUE`; all must hold. */
  readonly where: readonly string[];
  /** How many times as fast as the events were received; 0: as fast as it goes. */
  readonly speed: number;
  /** Whether by the rules in force when it began, or by rules that were given. */
  readonly rules: 'live' | 'given';
}

/** What is asked of a replay. */
export interface ReplayOrder {
  readonly id: string;
  readonly tenant: string;
  readonly spec: ReplaySpec;
  readonly wanted: 'run' | 'stop' | 'removed';
  /** Who asked for it first. */
  readonly actor: string;
  readonly createdMs: number;
  /** Process that runs it. */
  readonly member: string;
  /** How often it was asked to run: a state of an earlier time says nothing about now. */
  readonly attempt: number;
}

/** Where a replay is. */
export type ReplayPhase = 'waiting' | 'running' | 'done' | 'stopped' | 'failed';

/** The lanes of a replay as they were when it began. */
export interface LaneRange {
  /** Messages stored since then are read, milliseconds since 1970: some earlier than wanted, so that duplicates are known. */
  readonly sinceMs: number;
  /** Number of the first of them, and position of the last. */
  readonly first: number;
  readonly last: Position;
}

/** What is read of the log; fixed when a replay begins. */
export interface ReplayRange {
  readonly lanes: Readonly<Partial<Record<Lane, LaneRange>>>;
  /** Where its clock begins and ends, in time of receipt. */
  readonly startMs: number;
  readonly endMs: number;
  /** When the last of its messages was stored: nothing is paced behind that. */
  readonly lastMs: number;
}

/** What a replay has done. */
export interface ReplayCounts {
  /** Events judged, first copies only; and the copies left out. */
  readonly events: number;
  readonly duplicates: number;
  readonly matches: number;
  readonly alerts: number;
  /** Bytes written. */
  readonly bytes: number;
}

/** How far a replay is. */
export interface ReplayState extends ReplayCounts {
  readonly attempt: number;
  readonly phase: Exclude<ReplayPhase, 'waiting'>;
  /** Why it failed. */
  readonly reason?: string | undefined;
  readonly startedMs: number;
  readonly updatedMs: number;
  readonly range?: ReplayRange | undefined;
  /** Where its clock stands: time of receipt of the frame judged last. */
  readonly clockMs?: number | undefined;
  /** Part of the range that is read, 0 … 1. */
  readonly share: number;
  /** Position of the frame read last, by lane. */
  readonly position: Readonly<Partial<Record<Lane, Position>>>;
  /** Events per second at present, and milliseconds until it is done at that pace. */
  readonly perSecond: number;
  readonly etaMs?: number | undefined;
  /** Hash of the rule set it judges by. */
  readonly ruleSet?: string | undefined;
}

/** What nobody has counted yet. */
export const NOTHING_DONE: ReplayCounts = { events: 0, duplicates: 0, matches: 0, alerts: 0, bytes: 0 };

/** An order or a state as stored. */
export function parsePart<T extends ReplayOrder | ReplayState>(stored: Pick<Stored, 'body'>): T {
  return JSON.parse(Buffer.from(stored.body).toString()) as T;
}
