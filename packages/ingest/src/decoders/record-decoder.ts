/**
 * The seam of the decoders: bytes of one record in, records with their fields out. A decoder holds no state and reads no
 * clock, so that decoding stored bytes again gives the same fields. The decoders stand in files beside this one.
 */
import { type ErrorCode, type ErrorDetails, errorTable, type Fields } from '@tocsin/core';

/** What a record may be at most. */
export interface DecodeLimits {
  /** Bytes of one record. */
  readonly maxRecordBytes: number;
  /** Levels of nested objects and arrays; a flat object has one. */
  readonly maxDepth: number;
  /** Object members in one record, nested ones included. */
  readonly maxKeys: number;
  /** Records in one envelope such as CloudTrail's `Records`. */
  readonly maxRecords: number;
}

/** The limits where nothing else is configured: 1 MiB of one event; an envelope may be sixteen times that. */
export const defaultDecodeLimits: DecodeLimits = { maxRecordBytes: 1 << 20, maxDepth: 64, maxKeys: 10_000, maxRecords: 20_000 };

/** An envelope may have this many times the bytes of one record. */
export const ENVELOPE_FACTOR = 16;

/** A record that was understood. `record` is a view into the bytes given: copy to keep. */
export interface AcceptedRecord {
  readonly record: Uint8Array;
  /** Format it was read as: never `auto`. */
  readonly format: string;
  readonly fields: Fields;
}

/** A record that was not, and why. */
export interface RejectedRecord {
  readonly rejected: ErrorCode;
  /** The error's text, for the sender. */
  readonly reason: string;
  readonly record: Uint8Array;
}

/** One record of what was decoded. */
export type DecodedRecord = AcceptedRecord | RejectedRecord;

/**
 * Reads one record, or one envelope of several, in one format. Never throws on input, whatever its bytes; takes time
 * linear in them. Not your job: framing (lines, arrays of a request body), compression, time and identity of events.
 */
export interface RecordDecoder {
  /** In the order of the input; at least one. */
  decode(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[];
  /** For formats that are JSON objects: how a record reads of which only some members are known. */
  readonly byMembers?: MemberReading | undefined;
  /** Present where a record is one JSON object and its members are the fields, but for records with one of the members in `unless`. */
  readonly jsonObjects?: { readonly unless: readonly string[] };
}

/** Reading a JSON object of which only wanted members are known: the ones named here, and whatever its fields are asked for later. */
export interface MemberReading {
  /** Members of the first level that decide how a record reads. */
  readonly members: readonly string[];
  /** The same as `decode`, with no more fields than are given; undefined where the bytes are needed. */
  read(record: Uint8Array, fields: Fields): AcceptedRecord | undefined;
}

/** A rejection with its code's text. */
export function rejectRecord<C extends ErrorCode>(record: Uint8Array, code: C, details: ErrorDetails<C>): RejectedRecord {
  // The text alone: an error would look at the stack, and rejects come in floods.
  const say = errorTable[code].say as (details: ErrorDetails<C>) => string;
  return { rejected: code, reason: say(details), record };
}
