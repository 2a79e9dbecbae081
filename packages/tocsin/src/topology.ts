/**
 * The streams and buckets of an installation, and which duty may touch which: declared here, applied by the bus, drift
 * reported. Sizes of the event streams come from the settings; everything else is part of the design.
 */
import type { StreamSpec, Topology } from '@tocsin/bus';
import { MEMBER_TTL_MS } from './members/member-record.ts';
import {
  ALERTS_FILTER,
  AUDIT_FILTER,
  CATCH_UP_SUBJECT,
  CHANGES_FILTER,
  DEADLETTER_FILTER,
  DUE_FILTER,
  eventsFilter,
  IN_FILTER,
  LATER_FILTER,
  MATCHES_FILTER,
  PLANS_FILTER,
  REPLAY_PARTS_FILTER,
  REPLAY_RULES_FILTER,
  REPLAYS_FILTER,
  RETRY_FILTER,
  retrySubject,
} from './subjects.ts';

const DAY_MS = 86_400_000;
/** How long message ids are remembered: longer than any resend of ours. */
const DEDUP_WINDOW_MS = 300_000;
/**
 * The least there is. A stream's memory of message ids is one for all its writers: whoever guessed another's next id could have that message taken
 * for a repeat. Repeats are known by the events' own ids, source by source.
 */
const FOREIGN_DEDUP_WINDOW_MS = 100;

/** Bucket of fold checkpoints: chunks and the manifest that names them. */
export const MANIFESTS_BUCKET = 'manifests';
/** Bucket of rule sets by content hash: old sets stay loadable until every checkpoint has passed them. */
export const RULE_SETS_BUCKET = 'rule-sets';

/** Bucket of what rule sets hold, by their content hash: known for longer than the sets themselves. */
export const RULE_LISTS_BUCKET = 'rule-lists';
/** Bucket of catch-ups: what was asked for, how far each has come, and the states it leaves to the folds. */
export const CATCH_UP_BUCKET = 'catch-up';
/** Stream of what replays write. People remove it, run by run; no keeper does. */
export const REPLAYS_STREAM = 'REPLAYS';

/** Bucket of matches that folds leave out, by step. */
export const SET_ASIDE_BUCKET = 'set-aside';
/** Bucket of the members: a record each of the processes that share the duties. */
export const MEMBERS_BUCKET = 'members';
/** Bucket of what is known of sources: when each was heard last, by process, and which are silent. */
export const SOURCES_BUCKET = 'sources';
/** Bucket of what all members must agree upon: the rule set in force, what the installation was created with, and how many catch-ups there were. */
export const CONTROL_BUCKET = 'control';

/** How long match steps and alerts are kept, milliseconds: the retention keeper's business, as every age of what somebody must have read first. */
export const MATCHES_KEPT_MS = 7 * DAY_MS;
export const ALERTS_KEPT_MS = 30 * DAY_MS;

/** What may differ between installations: size limits in bytes. */
export interface TopologyOptions {
  readonly eventsMaxBytes: number;
  readonly inMaxBytes: number;
  readonly matchesMaxBytes: number;
  readonly alertsMaxBytes: number;
  readonly auditMaxBytes: number;
  readonly deadLettersMaxBytes: number;
  readonly replaysMaxBytes: number;
}

/** Every stream and bucket of an installation. */
export function topology(options: TopologyOptions): Topology {
  // No age: the bus would remove what nobody has read yet.
  const events = { maxBytes: options.eventsMaxBytes };
  return {
    streams: [
      stream('EVENTS_LIVE', eventsFilter('live'), events),
      stream('EVENTS_BULK', eventsFilter('bulk'), events),
      stream('IN', IN_FILTER, {
        maxBytes: options.inMaxBytes,
        retention: 'work_queue',
        isForeign: true,
        dedupWindowMs: FOREIGN_DEDUP_WINDOW_MS,
      }),
      // Events that wait for their time; how many a tenant may have waiting is minded where they are planned.
      stream('LATER', LATER_FILTER, { retention: 'work_queue', hasPlans: true }),
      stream('MATCHES', MATCHES_FILTER, { maxBytes: options.matchesMaxBytes }),
      stream('ALERTS', ALERTS_FILTER, { maxBytes: options.alertsMaxBytes }),
      stream('AUDIT', AUDIT_FILTER, { maxAgeMs: 365 * DAY_MS, maxBytes: options.auditMaxBytes }),
      stream('CHANGES', CHANGES_FILTER, { maxAgeMs: 0, maxPerSubject: 1 }),
      // Its newest message is a dead letter's state.
      stream('DEADLETTER', DEADLETTER_FILTER, { maxAgeMs: 30 * DAY_MS, maxBytes: options.deadLettersMaxBytes, maxPerSubject: 1 }),
      // What replays write, each in a namespace of its own.
      stream(REPLAYS_STREAM, REPLAYS_FILTER, { maxBytes: options.replaysMaxBytes }),
      stream('RETRY', RETRY_FILTER, { maxAgeMs: DAY_MS, maxBytes: options.deadLettersMaxBytes }),
    ],
    buckets: [
      { name: MANIFESTS_BUCKET, ttlMs: 0 },
      { name: RULE_SETS_BUCKET, ttlMs: 0 },
      { name: RULE_LISTS_BUCKET, ttlMs: 0 },
      { name: CATCH_UP_BUCKET, ttlMs: 8 * DAY_MS },
      { name: SET_ASIDE_BUCKET, ttlMs: 8 * DAY_MS },
      { name: MEMBERS_BUCKET, ttlMs: MEMBER_TTL_MS },
      { name: CONTROL_BUCKET, ttlMs: 0 },
      { name: SOURCES_BUCKET, ttlMs: 0 },
    ],
  };
}

function stream(name: string, filter: string, limits: Partial<StreamSpec>): StreamSpec {
  return { name, subjects: [filter], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: DEDUP_WINDOW_MS, ...limits };
}

/** Name of ingest among the consumers that have dead letters: what it keeps aside unstored. */
export const INGEST_CONSUMER = 'ingest';
/** Name of the matcher among the consumers that have dead letters. */
export const MATCH_CONSUMER = 'match';
/** Name of the folds among them. */
export const CORRELATE_CONSUMER = 'correlate';
/** Name of the projections among them. */
export const STORE_CONSUMER = 'store';

/** Name of the door for foreign producers among them, and of its group on the queue they write. */
export const IN_CONSUMER = 'in';

/** A duty of a process that speaks to the bus under a key of its own. */
export type Duty = 'ingest' | 'match' | 'correlate' | 'store' | 'respond' | 'api' | 'keep' | 'replay' | 'catchup';

/** What a duty may do, in subjects and buckets. Whatever is not listed is refused by the bus itself. */
export interface DutyGrant {
  /** Subjects it may write. */
  readonly publish: readonly string[];
  /** Subjects whose streams it may read. */
  readonly subscribe: readonly string[];
  /** Buckets it may read and write. */
  readonly buckets: readonly string[];
  /** Buckets it may read only. */
  readonly readBuckets?: readonly string[];
  /** Subjects whose streams it may purge. */
  readonly purge?: readonly string[];
}

const EVENTS: readonly string[] = [eventsFilter('live'), eventsFilter('bulk')];

const KEPT: readonly string[] = [...EVENTS, MATCHES_FILTER, ALERTS_FILTER, AUDIT_FILTER, DEADLETTER_FILTER, RETRY_FILTER];

/** Whether the retention keeper minds a stream; others are emptied by whoever takes from them, or run by run. */
export function isKept({ subjects }: Pick<StreamSpec, 'subjects'>): boolean {
  return subjects.every((subject) => KEPT.includes(subject));
}

/** Which duty may touch what: ingest cannot publish alerts, the store nothing but dead letters. */
export const dutyGrants: Readonly<Record<Duty, DutyGrant>> = {
  ingest: {
    publish: [...EVENTS, DEADLETTER_FILTER],
    subscribe: [IN_FILTER, DUE_FILTER, retrySubject(IN_CONSUMER), DEADLETTER_FILTER],
    buckets: [],
  },
  match: {
    publish: [MATCHES_FILTER, DEADLETTER_FILTER, retrySubject(MATCH_CONSUMER)],
    subscribe: [...EVENTS, MATCHES_FILTER, CHANGES_FILTER, DEADLETTER_FILTER, retrySubject(MATCH_CONSUMER)],
    buckets: [RULE_SETS_BUCKET, RULE_LISTS_BUCKET, MANIFESTS_BUCKET, MEMBERS_BUCKET, CONTROL_BUCKET],
  },
  correlate: {
    publish: [ALERTS_FILTER, DEADLETTER_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, ALERTS_FILTER, DEADLETTER_FILTER],
    buckets: [MANIFESTS_BUCKET, RULE_SETS_BUCKET, SET_ASIDE_BUCKET, MEMBERS_BUCKET, CONTROL_BUCKET, CATCH_UP_BUCKET],
  },
  store: {
    publish: [DEADLETTER_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, ALERTS_FILTER, DEADLETTER_FILTER],
    buckets: [RULE_LISTS_BUCKET],
  },
  respond: { publish: [DEADLETTER_FILTER], subscribe: [ALERTS_FILTER, RETRY_FILTER, DEADLETTER_FILTER], buckets: [] },
  api: {
    publish: [
      ALERTS_FILTER,
      AUDIT_FILTER,
      CHANGES_FILTER,
      DEADLETTER_FILTER,
      RETRY_FILTER,
      PLANS_FILTER,
      REPLAY_PARTS_FILTER,
      REPLAY_RULES_FILTER,
    ],
    subscribe: [
      ...EVENTS,
      IN_FILTER,
      MATCHES_FILTER,
      ALERTS_FILTER,
      AUDIT_FILTER,
      CHANGES_FILTER,
      DEADLETTER_FILTER,
      RETRY_FILTER,
      LATER_FILTER,
      REPLAYS_FILTER,
    ],
    buckets: [MEMBERS_BUCKET, CONTROL_BUCKET, SOURCES_BUCKET, CATCH_UP_BUCKET],
    purge: [REPLAYS_FILTER, PLANS_FILTER],
  },
  // A replay: reads events and the rules in force, and can write to no subject of the live namespace.
  replay: {
    publish: [REPLAYS_FILTER],
    subscribe: [...EVENTS, REPLAYS_FILTER],
    buckets: [],
    readBuckets: [RULE_SETS_BUCKET, CONTROL_BUCKET],
    purge: [REPLAYS_FILTER],
  },
  // Judges again what rules have missed: its alerts are those of the folds, and it says on MATCHES that it is done.
  catchup: {
    publish: [CATCH_UP_SUBJECT, ALERTS_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, ALERTS_FILTER],
    buckets: [RULE_SETS_BUCKET, RULE_LISTS_BUCKET, CATCH_UP_BUCKET],
  },
  // The retention keeper: removes, and what it removes unread it has written on AUDIT before.
  keep: { publish: [AUDIT_FILTER], subscribe: KEPT, buckets: [MANIFESTS_BUCKET], purge: KEPT },
};
