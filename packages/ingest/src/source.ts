/**
 * What passes between the parts of ingest: a configured source, records as they arrive, and the answer
 * per record. Listeners make raw records, the intake answers; what lies between are decoders, mappings and the framer.
 */
import type { ErrorCode, EventPosition, FrameRecord, Lane, LogSourceName } from '@tocsin/core';
import type { FormatName } from './decoders/decoders.ts';
import type { RecordPrivacy } from './privacy/record-privacy.ts';
import type { SchemaMode } from './schemas/schema-check.ts';

/** A configured producer with a credential. Everything in it comes from the credential, nothing from a request. */
export interface Source {
  readonly tenant: string;
  readonly name: string;
  /** Name of the decoder that reads its records, such as `windows-json`; `auto` where its looks tell. */
  readonly format: FormatName;
  readonly lane: Lane;
  /** Spreads one busy source over partitions; empty for the usual one. */
  readonly shard: string;
  /** What its events are, where it says so itself rather than leaving it to their mapping. */
  readonly logSource?: LogSourceName | undefined;
  /** What is done with records that do not fit the schema of their type; absent: they are not looked at. */
  readonly schemas?: Exclude<SchemaMode, 'off'> | undefined;
  /** What its records are stripped of before they are stored; absent where of nothing. */
  readonly privacy?: RecordPrivacy | undefined;
  /** Id of the credential it came in by, where it came in by one: an open connection ends with it. */
  readonly credential?: string | undefined;
}

/** Facts about a record that its transport carries beside it: CloudEvents attributes, an idempotency key. All optional. */
export interface Envelope {
  readonly id?: string | undefined;
  /** Id that it gets where neither `id` nor the record itself says one: a resend carries the same. */
  readonly fallbackId?: string | undefined;
  readonly type?: string | undefined;
  readonly timeMs?: number | undefined;
  readonly subject?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly causationId?: string | undefined;
  readonly traceparent?: string | undefined;
  /** The tenant it claims; data only. */
  readonly tenantClaim?: string | undefined;
}

/** One piece of a body as the listener cut it. `bytes` are a view into the body and stay unchanged until the answer. */
export interface RawRecord {
  readonly bytes: Uint8Array;
  readonly envelope?: Envelope | undefined;
  /** When it was taken in, milliseconds since 1970, where that was long before it is given on; else when it is. */
  readonly receivedMs?: number | undefined;
  /** Set where the listener itself refuses this piece: it is answered, not read. */
  readonly refused?: Refusal | undefined;
}

/** Why one record was not taken. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
}

/** The answer to one record. `stored` means fsynced; `duplicate` that a record with this id and content is stored already, `dropped` that a rule of its source leaves it out, `quarantined` that it does not fit its schema and is kept aside. */
export type RecordResult =
  | { readonly status: 'stored' | 'duplicate'; readonly id: string; readonly at: EventPosition }
  | { readonly status: 'dropped'; readonly id?: string | undefined; readonly rule: string }
  | { readonly status: 'quarantined'; readonly id: string; readonly reason: string }
  | { readonly status: 'rejected'; readonly id?: string | undefined; readonly code: ErrorCode; readonly reason: string };

/** An event that is kept aside, and why. */
export interface QuarantinedRecord {
  readonly event: FrameRecord;
  readonly reason: string;
}
