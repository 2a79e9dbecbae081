/**
 * The form of an API route, and what all routes are given. A route says which action it needs; the server authenticates
 * and authorises before the handler runs, and a handler sees its principal's tenant and no other.
 */
import type { EventBus, ReplayLog } from '@tocsin/bus';
import type { Clock, Lane, Position } from '@tocsin/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CatchUpDesk } from '../catchup/catch-up-desk.ts';
import type { UnparsedRecords } from '../coverage/unparsed-records.ts';
import type { RedrivePace } from '../deadletters/redrive-pace.ts';
import type { DetectApi } from '../duties/detect-api.ts';
import type { ProducerDesk } from '../duties/producer-desk.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import type { FlowControl } from '../flow/flow-control.ts';
import type { Registry } from '../registry/registry.ts';
import type { BacktestDesk } from '../replay/backtest-desk.ts';
import type { ReplayDesk } from '../replay/replay-desk.ts';
import type { Action, Principal } from '../security/principal.ts';
import type { Privileged } from '../security/privileged.ts';
import type { SourceDesk } from '../sources/source-desk.ts';
import type { FollowerPlaces } from './follower-places.ts';
import type { InstallationStatus } from './installation-status.ts';

/** What handlers work with. */
export interface ApiContext {
  readonly bus: EventBus & ReplayLog;
  readonly registry: Registry;
  readonly store: ThreadClient<StoreApi>;
  readonly detect: ThreadClient<DetectApi>;
  /** Resolves with true when everything up to a position of EVENTS has been judged, folded and its alerts written; with false after `waitMs`. */
  readonly settled: (lane: Lane, position: Position, waitMs: number) => Promise<boolean>;
  readonly privileged: Privileged;
  /** Lets foreign producers in; undefined where the bus is run by others. */
  readonly producers?: Pick<ProducerDesk, 'url' | 'sync'> | undefined;
  /** Quotas, admission, and how far everybody is behind. */
  readonly flow: FlowControl;
  /** What is known of sources, and what holds for all. */
  readonly sources: SourceDesk;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly status: (principal: Principal) => Promise<InstallationStatus>;
  /** Whether every duty runs; asks nobody, so that anybody may ask. */
  readonly readiness: () => InstallationStatus['state'];
  /** Why what running duties say cannot be relied on at present; empty where it can. */
  readonly strains: () => readonly string[];
  /** Effective settings with secrets redacted. */
  readonly settings: () => unknown;
  /** Replays of all tenants. */
  readonly replays: ReplayDesk;
  /** Tries drafts of rules. */
  readonly backtests: BacktestDesk;
  /** Places for `tail`. */
  readonly followers: FollowerPlaces;
  /** Catch-ups: begun, run and listed. */
  readonly catchUps: Pick<CatchUpDesk, 'add' | 'list'>;
  /** Records that could not be read. */
  readonly unparsed: UnparsedRecords;
  /** How fast dead letters go back. */
  readonly redrives: RedrivePace;
  /** Aborted when the server closes: ends streams. */
  readonly closing: AbortSignal;
}

/** A JSON Schema, as the OpenAPI document shows it. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** A request after authentication. */
export interface ApiCall {
  readonly context: ApiContext;
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One route of `/api/v1`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path below `/api/v1`, parameters as `:name`. */
  readonly path: string;
  /** What the principal must be allowed to do. */
  readonly action: Action;
  readonly summary: string;
  readonly query?: JsonSchema | undefined;
  readonly body?: JsonSchema | undefined;
  /** Schema of the 200 answer. */
  readonly answer: JsonSchema;
  /** Media type of the answer where it is not JSON. */
  readonly produces?: string | undefined;
  /** Returns the answer, or undefined where it has written the reply itself. */
  readonly handle: (call: ApiCall) => Promise<unknown>;
}
