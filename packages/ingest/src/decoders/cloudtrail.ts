/**
 * The format `cloudtrail`: AWS CloudTrail records, one by one or in the envelope `{"Records":[…]}` that AWS delivers, which
 * is taken apart into its elements with their original bytes (AWS CloudTrail User Guide, "CloudTrail log file").
 */
import type { Fields } from '@tocsin/core';
import { decodeObject } from './json.ts';
import { type ByteSpan, endOfElement, jsonElements, skipSpace, skipString } from './json-elements.ts';
import { type DecodedRecord, type DecodeLimits, ENVELOPE_FACTOR, type RecordDecoder, rejectRecord } from './record-decoder.ts';

/** Decoder of one CloudTrail record or one envelope. */
export const cloudtrailDecoder: RecordDecoder = { decode: decodeCloudtrail };

/** Whether an object looks like a CloudTrail record. */
export function looksLikeCloudtrail(fields: Fields): boolean {
  return typeof fields['eventSource'] === 'string' && typeof fields['eventName'] === 'string';
}

/** Index of the `[` where bytes are an object whose first member is `Records` with an array; undefined otherwise. Costs nothing on a record. */
export function recordsArray(bytes: Uint8Array): number | undefined {
  let at = skipSpace(bytes, startAfterMark(bytes));
  if (bytes[at] !== OPEN_OBJECT) return undefined;
  at = skipSpace(bytes, at + 1);
  for (const letter of KEY) if (bytes[at++] !== letter) return undefined;
  at = skipSpace(bytes, at);
  if (bytes[at] !== COLON) return undefined;
  at = skipSpace(bytes, at + 1);
  return bytes[at] === OPEN_ARRAY ? at : undefined;
}

/** Decodes the envelope whose `[` stands at `open`. */
export function decodeEnvelope(bytes: Uint8Array, open: number, limits: DecodeLimits): DecodedRecord[] {
  const maxBytes = limits.maxRecordBytes * ENVELOPE_FACTOR;
  if (bytes.length > maxBytes) return [rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes })];
  const spans = jsonElements(bytes, open, limits.maxRecords + 1);
  if (spans === undefined || !endsAsObject(bytes, closeOf(spans, open))) return [badEnvelope(bytes)];
  if (spans.length > limits.maxRecords) return [rejectRecord(bytes, 'decode.too_many_records', { maxRecords: limits.maxRecords })];
  if (spans.length === 0) return [rejectRecord(bytes, 'decode.bad_json', { format: 'cloudtrail', reason: 'its Records are empty' })];
  return spans.map(({ start, end }) => decodeObject(bytes.subarray(start, end), 'cloudtrail', limits));
}

function decodeCloudtrail(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[] {
  const open = recordsArray(bytes);
  return open === undefined ? [decodeObject(bytes, 'cloudtrail', limits)] : decodeEnvelope(bytes, open, limits);
}

function badEnvelope(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.bad_json', { format: 'cloudtrail', reason: 'its Records are not a closed array' });
}

/** Index after the array's `]`. */
function closeOf(spans: readonly ByteSpan[], open: number): number {
  return spans.at(-1)?.end ?? open + 1;
}

/** Whether after the array only further members, the closing brace and white space follow. */
function endsAsObject(bytes: Uint8Array, afterElements: number): boolean {
  let at = skipSpace(bytes, afterElements);
  if (bytes[at] !== CLOSE_ARRAY) return false;
  at = skipSpace(bytes, at + 1);
  while (bytes[at] === COMMA) {
    at = skipSpace(bytes, at + 1);
    if (bytes[at] !== QUOTE) return false;
    at = skipSpace(bytes, skipString(bytes, at));
    if (bytes[at] !== COLON) return false;
    at = endOfElement(bytes, at + 1);
  }
  return bytes[at] === CLOSE_OBJECT && skipSpace(bytes, at + 1) === bytes.length;
}

function startAfterMark(bytes: Uint8Array): number {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
}

const KEY = [...'"Records"'].map((letter) => letter.charCodeAt(0));
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
