/**
 * The security event: a CloudEvents 1.0 envelope around a producer's own record, plus the few normalised
 * attributes (OCSF vocabulary) that routing, folds and storage need. How events travel is in `frame-view.ts`.
 */
import type { SeverityId } from './severity.ts';

/** Which of a tenant's two queues an event takes: `live` (detected at once) or `bulk` (history, imports). */
export type Lane = 'live' | 'bulk';

/**
 * The normalised attributes that travel as hot columns, named by their OCSF 1.x attribute path.
 * Text throughout; an attribute that the record does not give is absent, never empty.
 */
export type HotAttribute =
  | 'device.hostname'
  | 'actor.user.name'
  | 'src_endpoint.ip'
  | 'dst_endpoint.ip'
  | 'process.file.path'
  | 'api.operation'
  | 'status';

/** Values of the hot attributes that a mapping found in a record. */
export type HotAttributes = Readonly<Partial<Record<HotAttribute, string>>>;

/** What ingest noticed about an event and wants everybody downstream to know. */
export type EventFlag =
  | 'time_missing' // the record gave no time: event time is the time of receipt
  | 'time_clamped' // the record's time lay further in the future than the allowed skew
  | 'tenant_claim' // the record names a tenant other than its credential's; kept as data only
  | 'id_conflict' // the same id came with other content; both are kept
  | 'secret_found' // a secret was found in the record; masked where its source's policy says so
  | 'schema_invalid'; // the record does not fit the schema of its type; its source's policy says to warn

/**
 * One security event. Immutable. `record` holds the producer's own bytes, untouched; where the event was read
 * from a frame they are a view into it: copy to keep.
 */
export interface SecurityEvent {
  /** CloudEvents `id`: the producer's own where it gives one, else a ULID. Unique per (tenant, source). */
  readonly id: string;
  /** CloudEvents `source`: name of the configured source the credential belongs to. */
  readonly source: string;
  /** CloudEvents `type`: the producer's own, else the id of the mapping. */
  readonly type: string;
  /** Version of the event type's schema; 1 where the producer gives none. */
  readonly schemaVersion: number;
  /** `tenantid`: from the credential, never from the record. */
  readonly tenant: string;
  /** CloudEvents `time`: when it happened, milliseconds since 1970, clamped to receipt + allowed skew. */
  readonly timeMs: number;
  /** `receivedtime`: when Tocsin took it in, milliseconds since 1970. */
  readonly receivedMs: number;
  /** OCSF `severity_id`. */
  readonly severity: SeverityId;
  /** OCSF `class_uid`; 0 (base event) where no mapping applies. */
  readonly classUid: number;
  /** OCSF `activity_id`; 0 (unknown) where no mapping says. */
  readonly activityId: number;
  /** Id of the mapping that read the record, such as `windows.sysmon.process_creation`: what rules are routed by. */
  readonly mapping: string;
  readonly attributes: HotAttributes;
  readonly flags: readonly EventFlag[];
  /** CloudEvents `subject`. */
  readonly subject?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
  /** W3C Trace Context `traceparent`. */
  readonly traceparent?: string | undefined;
  /** True where the id came from the producer, so that a resend can be recognised. */
  readonly producerId: boolean;
  /** Original bytes of the record. */
  readonly record: Uint8Array;
}
