/**
 * Envelopes: JSON objects that carry records in a list. CloudTrail's files and Firehose's (`Records`), Azure's diagnostic exports (`records`),
 * Kubernetes' audit webhook (`items` of an `EventList`), Microsoft Graph's answers (`value` beside `@odata.context`).
 */
import { type Fields, splitMemberArray } from '@tocsin/core';
import { decodeObject } from './json.ts';
import { type DecodedRecord, type DecodeLimits, ENVELOPE_FACTOR, rejectRecord } from './record-decoder.ts';

/** Members that tell an envelope. */
export const ENVELOPE_MEMBERS = ['Records', 'records', 'items', 'kind', 'value', '@odata.context'] as const;

/** The members that carry records. */
const CARRIERS = ['Records', 'records', 'items', 'value'] as const;

/** Whether a parsed object may be an envelope: records are many and envelopes few, so this is asked before the bytes are searched. */
export function mayBeEnvelope(fields: Fields): boolean {
  if (Object.hasOwn(fields, 'Records')) return true;
  if (Array.isArray(fields['records'])) return true;
  if (Array.isArray(fields['items']) && typeof fields['kind'] === 'string' && fields['kind'].endsWith('List')) return true;
  return Array.isArray(fields['value']) && typeof fields['@odata.context'] === 'string';
}

/** Records of an envelope; undefined where bytes are none: then they are one record, or no JSON. */
export function decodeEnvelope(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[] | undefined {
  for (const member of CARRIERS) {
    const decoded = asBuffer(bytes).indexOf(`"${member}"`) === -1 ? undefined : splitEnvelope(bytes, member, limits);
    if (decoded !== undefined) return decoded;
  }
  return undefined;
}

function splitEnvelope(bytes: Uint8Array, member: string, limits: DecodeLimits): DecodedRecord[] | undefined {
  const maxBytes = limits.maxRecordBytes * ENVELOPE_FACTOR;
  if (bytes.length > maxBytes) return [rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes })];
  // Depth is judged record by record, so that one that is too deep does not take its neighbours with it.
  const split = splitMemberArray(bytes, member, { maxDepth: Number.MAX_SAFE_INTEGER, maxPieces: limits.maxRecords });
  if (split.failure !== undefined) {
    return split.failure.reason === 'too_many'
      ? [rejectRecord(bytes, 'decode.too_many_records', { maxRecords: limits.maxRecords })]
      : undefined;
  }
  const { ranges } = split;
  const format = member === 'Records' ? 'cloudtrail' : 'json';
  if (ranges.length === 0) return [rejectRecord(bytes, 'decode.bad_json', { format, reason: `its ${member} are empty` })];
  const decoded: DecodedRecord[] = [];
  for (let at = 0; at < ranges.length; at += 2) decoded.push(decodeObject(bytes.subarray(ranges[at], ranges[at + 1]), format, limits));
  return decoded;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
