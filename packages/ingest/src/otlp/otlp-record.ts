/**
 * What a log record of OpenTelemetry becomes: a JSON object with the attributes of resource, scope and record as members by their own names,
 * and the body as `message` or, where it is a map or the text of a JSON object, its members at the same level. Where names are the same the nearer one
 * counts: body, record, scope, resource. Shared by OTLP in Protocol Buffers and in JSON. Source: OpenTelemetry Logs Data Model 1.0.
 */
import type { TocsinError } from '@tocsin/core';
import type { RecordArena } from '../http/record-arena.ts';
import type { RawRecord } from '../source.ts';
import type { ObjectText } from './object-text.ts';

/** Bounds of a request. */
export interface OtlpLimits {
  readonly maxRecords: number;
  /** Told of bytes that records are made of, before they are kept; throws what the request is to be refused with. */
  readonly charge: (bytes: number) => void;
}

/** A log record read from the wire. Texts are JSON: members without braces, or a value. */
export interface OtlpLog {
  /** Nanoseconds since 1970 as milliseconds; undefined where it is absent or 0. */
  readonly timeMs: number | undefined;
  readonly observedMs: number | undefined;
  readonly severityNumber: number;
  readonly severityText: string;
  readonly eventName: string;
  /** Hex, or empty where absent or malformed. */
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: number;
  /** `"name":value,…` */
  readonly attributes: string;
  /** The attribute `log.record.uid`, where it is text. */
  readonly uid: string | undefined;
  readonly body: OtlpBody;
}

/** A body: text, the text of a JSON object, the members of a map, any other value as JSON, or none. */
export type OtlpBody =
  | { readonly text: string }
  | { readonly object: ObjectText }
  | { readonly members: string }
  | { readonly json: string }
  | undefined;

/** Name of the attribute that identifies a record (OpenTelemetry semantic conventions, general log identification). */
export const RECORD_UID = 'log.record.uid';

/** The record, with the members of its resource and scope. */
export function otlpRecord(log: OtlpLog, around: string, arena: RecordArena): RawRecord {
  const own = join(around, join(headMembers(log), log.attributes));
  const { body } = log;
  return {
    bytes: body !== undefined && 'object' in body ? withInside(own, body.object, arena) : Buffer.from(`{${join(own, bodyMembers(body))}}`),
    envelope: { id: log.uid, timeMs: log.timeMs ?? log.observedMs, type: log.eventName || undefined, traceparent: traceparentOf(log) },
  };
}

/** A record that is refused by itself. */
export function refusedRecord(error: TocsinError): RawRecord {
  return { bytes: NOTHING, refused: { code: error.code, reason: error.message } };
}

/** Members of a scope, by the names that the specification gives them outside of OTLP ("OpenTelemetry to non-OTLP formats"). */
export function scopeMembers(name: string, version: string, attributes: string): string {
  const named = name === '' ? '' : `"otel.scope.name":${JSON.stringify(name)}`;
  return join(attributes, join(named, version === '' ? '' : `"otel.scope.version":${JSON.stringify(version)}`));
}

/** Two lists of members as one. */
export function join(first: string, second: string): string {
  if (first === '') return second;
  return second === '' ? first : `${first},${second}`;
}

const NOTHING = new Uint8Array(0);

function headMembers({ severityNumber, severityText, eventName, traceId, spanId }: OtlpLog): string {
  let members = '';
  if (severityNumber !== 0) members = `"severity_number":${severityNumber}`;
  if (severityText !== '') members = join(members, `"severity_text":${JSON.stringify(severityText)}`);
  if (eventName !== '') members = join(members, `"event_name":${JSON.stringify(eventName)}`);
  if (traceId !== '') members = join(members, `"trace_id":"${traceId}"`);
  return spanId === '' ? members : join(members, `"span_id":"${spanId}"`);
}

function bodyMembers(body: Exclude<OtlpBody, { readonly object: ObjectText }>): string {
  if (body === undefined) return '';
  if ('members' in body) return body.members;
  return `"message":${'json' in body ? body.json : JSON.stringify(body.text)}`;
}

/** Members as text and, after them, those of the object. */
function withInside(own: string, { bytes, from, to, isBlank }: ObjectText, arena: RecordArena): Buffer {
  return arena.joinText(own === '' || isBlank ? `{${own}` : `{${own},`, bytes, { from: from + 1, to });
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** W3C Trace Context, section 3.2. */
function traceparentOf({ traceId, spanId, flags }: OtlpLog): string | undefined {
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  return `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, '0')}`;
}
