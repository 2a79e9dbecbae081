/**
 * What a log record of OpenTelemetry becomes: a JSON object with the attributes of resource, scope and record as members by their own names,
 * and the body as `message` or, where it is a map or the text of a JSON object, its members at the same level. Where names are the same the nearer one
 * counts: body, record, scope, resource. Shared by OTLP in Protocol Buffers and in JSON. Source: OpenTelemetry Logs Data Model 1.0.
 */
import { readJsonObject, type TocsinError } from '@tocsin/core';
import type { RawRecord } from '../source.ts';

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

/** A body: text, the inside of the text of a JSON object, the members of a map, any other value as JSON, or none. */
export type OtlpBody =
  | { readonly text: string }
  | { readonly object: Uint8Array }
  | { readonly members: string }
  | { readonly json: string }
  | undefined;

/** Name of the attribute that identifies a record (OpenTelemetry semantic conventions, general log identification). */
export const RECORD_UID = 'log.record.uid';

/** The record, with the members of its resource and scope. */
export function otlpRecord(log: OtlpLog, around: string): RawRecord {
  const own = join(around, join(headMembers(log), log.attributes));
  const { body } = log;
  return {
    bytes: body !== undefined && 'object' in body ? withInside(own, body.object) : Buffer.from(`{${join(own, bodyMembers(body))}}`),
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

function bodyMembers(body: Exclude<OtlpBody, { readonly object: Uint8Array }>): string {
  if (body === undefined) return '';
  if ('members' in body) return body.members;
  return `"message":${'json' in body ? body.json : JSON.stringify(body.text)}`;
}

/** Members as text and, after them, members as bytes. */
function withInside(own: string, inside: Uint8Array): Buffer {
  const head = Buffer.from(own === '' || isBlank(inside) ? `{${own}` : `{${own},`);
  const record = Buffer.allocUnsafe(head.length + inside.length + 1);
  record.set(head);
  record.set(inside, head.length);
  record[record.length - 1] = CLOSE_OBJECT;
  return record;
}

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

function isBlank(bytes: Uint8Array): boolean {
  return bytes.length < 20 && bytes.every((byte) => byte <= 0x20);
}

/** Most members of an object that is the text of a body. */
const MAX_MEMBERS = 10_000;

/** What is between the braces of text that is a JSON object. Text that only looks like one stays text: its outer structure is checked here, the rest by the decoder. */
export function insideOfObject(text: Uint8Array): Uint8Array | undefined {
  if (text[0] !== OPEN_OBJECT) return undefined;
  const read = readJsonObject(text, 0, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS });
  if (read.failure !== undefined || text.subarray(read.end).some((byte) => byte > 0x20)) return undefined;
  return text.subarray(1, read.end - 1);
}

const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const SPAN_ID = /^(?!0{16})[0-9a-f]{16}$/;

/** W3C Trace Context, section 3.2. */
function traceparentOf({ traceId, spanId, flags }: OtlpLog): string | undefined {
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId)) return undefined;
  return `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, '0')}`;
}
