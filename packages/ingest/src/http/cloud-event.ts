/**
 * CloudEvents 1.0 in JSON (CloudEvents JSON event format 1.0.2): attributes into the envelope, `data` as the record, byte for
 * byte where it is JSON. Its `source` is not the event's: that comes from the credential. Nothing here throws on input.
 */
import { memberRange, splitJsonObject, TocsinError } from '@tocsin/core';
import type { Envelope, RawRecord } from '../source.ts';

/** Most members of the event itself. */
const MAX_MEMBERS = 200;
const QUOTE = 0x22;
/** RFC 3339 section 5.6, as CloudEvents asks of `time`. */
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The record inside a CloudEvent; refused where the event breaks its specification. */
export function rawRecordOfCloudEvent(bytes: Uint8Array): RawRecord {
  const split = splitJsonObject(bytes, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS });
  if (split.failure !== undefined) return refuseCloudEvent(bytes, `it is no JSON object (byte ${split.failure.at})`);
  const member = (name: string): Uint8Array | undefined => {
    const range = memberRange(bytes, split.ranges, name);
    return range === undefined ? undefined : bytes.subarray(range[0], range[1]);
  };
  const text = (name: string): string | undefined => textOf(member(name));
  const reason = attributeBreach(text);
  if (reason !== undefined) return refuseCloudEvent(bytes, reason);
  const record = recordOf(bytes, member);
  return typeof record === 'string' ? refuseCloudEvent(bytes, record) : { bytes: record, envelope: envelopeOfAttributes(text) };
}

/** Value of an attribute, where it is there and text. */
export type AttributeText = (name: string) => string | undefined;

/** Which rule of the specification the attributes break, if any. */
export function attributeBreach(text: AttributeText): string | undefined {
  if (text('specversion') !== '1.0') return 'its specversion is not 1.0';
  for (const name of ['id', 'source', 'type']) if ((text(name) ?? '') === '') return `its ${name} is missing or empty`;
  const time = text('time');
  if (time !== undefined && (!RFC_3339.test(time) || Number.isNaN(Date.parse(time)))) return 'its time is no RFC 3339 time';
  return undefined;
}

/** The envelope out of attributes that break no rule. */
export function envelopeOfAttributes(text: AttributeText): Envelope {
  const time = text('time');
  return {
    id: text('id'),
    type: text('type'),
    timeMs: time === undefined ? undefined : Date.parse(time),
    subject: text('subject'),
    correlationId: text('correlationid'),
    causationId: text('causationid'),
    traceparent: text('traceparent'),
    tenantClaim: text('tenantid'),
  };
}

/** The bytes of the record, or why there are none. An event without data is its own record. */
function recordOf(bytes: Uint8Array, member: (name: string) => Uint8Array | undefined): Uint8Array | string {
  const data = member('data');
  const base64 = member('data_base64');
  if (data !== undefined && base64 !== undefined) return 'it has both data and data_base64';
  if (base64 !== undefined) {
    const text = textOf(base64);
    return text !== undefined && BASE64.test(text) ? Buffer.from(text, 'base64') : 'its data_base64 is no base64 text';
  }
  if (data === undefined) return bytes;
  if (data[0] !== QUOTE) return data;
  const text = textOf(data);
  return text === undefined || !text.isWellFormed() ? 'its data is no well-formed text' : Buffer.from(text);
}

/** Value of a JSON string; undefined where it is none. */
function textOf(value: Uint8Array | undefined): string | undefined {
  if (value === undefined || value[0] !== QUOTE) return undefined;
  try {
    const text: unknown = JSON.parse(Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8'));
    return typeof text === 'string' ? text : undefined;
  } catch {
    return undefined; // the one thing that JSON.parse throws for: no JSON
  }
}

/** The refusal of an event that breaks its specification. */
export function refuseCloudEvent(bytes: Uint8Array, reason: string): RawRecord {
  const error = new TocsinError('ingest.bad_record', { reason: `as a CloudEvent, ${reason}` });
  return { bytes, refused: { code: error.code, reason: error.message } };
}
