/**
 * The streams and buckets of an installation, and which duty may touch which: declared here, applied by the bus, drift
 * reported. Sizes of the event streams come from the settings; everything else is part of the design.
 */
import type { StreamSpec, Topology } from '@tocsin/bus';
import { MEMBER_TTL_MS } from './members/member-record.ts';
import { ALERTS_FILTER, AUDIT_FILTER, CHANGES_FILTER, DEADLETTER_FILTER, eventsFilter, MATCHES_FILTER } from './subjects.ts';

const DAY_MS = 86_400_000;
/** How long message ids are remembered: longer than any resend of ours. */
const DEDUP_WINDOW_MS = 300_000;

/** Bucket of fold checkpoints: chunks and the manifest that names them. */
export const MANIFESTS_BUCKET = 'manifests';
/** Bucket of rule sets by content hash: old sets stay loadable until every checkpoint has passed them. */
export const RULE_SETS_BUCKET = 'rule-sets';

/** Bucket of the members: a record each of the processes that share the duties. */
export const MEMBERS_BUCKET = 'members';
/** Bucket of what all members must agree upon: the rule set in force, and what the installation was created with. */
export const CONTROL_BUCKET = 'control';

/** How long match steps and alerts are kept, milliseconds: the retention keeper's business, as every age of what somebody must have read first. */
export const MATCHES_KEPT_MS = 7 * DAY_MS;
export const ALERTS_KEPT_MS = 30 * DAY_MS;

/** What may differ between installations: size limits in bytes. */
export interface TopologyOptions {
  readonly eventsMaxBytes: number;
  readonly matchesMaxBytes: number;
  readonly alertsMaxBytes: number;
  readonly auditMaxBytes: number;
  readonly deadLettersMaxBytes: number;
}

/** Every stream and bucket of an installation. */
export function topology(options: TopologyOptions): Topology {
  // No age: the bus would remove what nobody has read yet.
  const events = { maxBytes: options.eventsMaxBytes };
  return {
    streams: [
      stream('EVENTS_LIVE', eventsFilter('live'), events),
      stream('EVENTS_BULK', eventsFilter('bulk'), events),
      stream('MATCHES', MATCHES_FILTER, { maxBytes: options.matchesMaxBytes }),
      stream('ALERTS', ALERTS_FILTER, { maxBytes: options.alertsMaxBytes }),
      stream('AUDIT', AUDIT_FILTER, { maxAgeMs: 365 * DAY_MS, maxBytes: options.auditMaxBytes }),
      stream('CHANGES', CHANGES_FILTER, { maxAgeMs: 0, maxPerSubject: 1 }),
      stream('DEADLETTER', DEADLETTER_FILTER, { maxAgeMs: 30 * DAY_MS, maxBytes: options.deadLettersMaxBytes }),
    ],
    buckets: [
      { name: MANIFESTS_BUCKET, ttlMs: 0 },
      { name: RULE_SETS_BUCKET, ttlMs: 0 },
      { name: MEMBERS_BUCKET, ttlMs: MEMBER_TTL_MS },
      { name: CONTROL_BUCKET, ttlMs: 0 },
    ],
  };
}

function stream(name: string, filter: string, limits: Partial<StreamSpec>): StreamSpec {
  return { name, subjects: [filter], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: DEDUP_WINDOW_MS, ...limits };
}

/** A duty of a process that speaks to the bus under a key of its own. */
export type Duty = 'ingest' | 'match' | 'correlate' | 'store' | 'api' | 'keep';

/** What a duty may do, in subjects and buckets. Whatever is not listed is refused by the bus itself. */
export interface DutyGrant {
  /** Subjects it may write. */
  readonly publish: readonly string[];
  /** Subjects whose streams it may read. */
  readonly subscribe: readonly string[];
  /** Buckets it may read and write. */
  readonly buckets: readonly string[];
  /** Subjects whose streams it may purge. */
  readonly purge?: readonly string[];
}

const EVENTS: readonly string[] = [eventsFilter('live'), eventsFilter('bulk')];

const KEPT: readonly string[] = [...EVENTS, MATCHES_FILTER, ALERTS_FILTER, AUDIT_FILTER, DEADLETTER_FILTER];

/** Which duty may touch what: ingest cannot publish alerts, the store can write nothing at all. */
export const dutyGrants: Readonly<Record<Duty, DutyGrant>> = {
  ingest: { publish: EVENTS, subscribe: [], buckets: [] },
  match: {
    publish: [MATCHES_FILTER, DEADLETTER_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, CHANGES_FILTER],
    buckets: [RULE_SETS_BUCKET, MANIFESTS_BUCKET, MEMBERS_BUCKET, CONTROL_BUCKET],
  },
  correlate: {
    publish: [ALERTS_FILTER, DEADLETTER_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, ALERTS_FILTER],
    buckets: [MANIFESTS_BUCKET, RULE_SETS_BUCKET, MEMBERS_BUCKET, CONTROL_BUCKET],
  },
  store: { publish: [], subscribe: [...EVENTS, ALERTS_FILTER], buckets: [] },
  api: {
    publish: [ALERTS_FILTER, AUDIT_FILTER, CHANGES_FILTER],
    subscribe: [...EVENTS, MATCHES_FILTER, ALERTS_FILTER, AUDIT_FILTER, CHANGES_FILTER, DEADLETTER_FILTER],
    buckets: [MEMBERS_BUCKET, CONTROL_BUCKET],
  },
  // The retention keeper: removes, and what it removes unread it has written on AUDIT before.
  keep: { publish: [AUDIT_FILTER], subscribe: KEPT, buckets: [MANIFESTS_BUCKET], purge: KEPT },
};
