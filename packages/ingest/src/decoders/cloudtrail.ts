/**
 * The format `cloudtrail`: AWS CloudTrail records, one by one or in the envelope `{"Records":[…]}` that AWS delivers, which
 * is taken apart into its elements with their original bytes (AWS CloudTrail User Guide, "CloudTrail log file").
 */
import { type Fields, splitMemberArray } from '@tocsin/core';
import { decodeObject } from './json.ts';
import { type DecodedRecord, type DecodeLimits, ENVELOPE_FACTOR, type RecordDecoder, rejectRecord } from './record-decoder.ts';

/** Decoder of one CloudTrail record or one envelope. */
export const cloudtrailDecoder: RecordDecoder = {
  decode: (bytes, limits) => {
    const decoded = decodeObject(bytes, 'cloudtrail', limits);
    if ('fields' in decoded && !mayBeEnvelope(decoded.fields)) return [decoded];
    return decodeEnvelope(bytes, limits) ?? [decoded];
  },
  byMembers: {
    members: ['Records'],
    read: (record, fields) => (mayBeEnvelope(fields) ? undefined : { record, format: 'cloudtrail', fields }),
  },
  jsonObjects: { unless: ['Records'] },
};

/** Members that tell a record of CloudTrail, and an envelope. */
export const CLOUDTRAIL_MEMBERS = ['Records', 'eventSource', 'eventName'] as const;

/** Whether a parsed object may be an envelope: records are many and envelopes few, so this is asked before the bytes are searched. */
export function mayBeEnvelope(fields: Fields): boolean {
  return Object.hasOwn(fields, 'Records');
}

/** Whether an object looks like a CloudTrail record. */
export function looksLikeCloudtrail(fields: Fields): boolean {
  return typeof fields['eventSource'] === 'string' && typeof fields['eventName'] === 'string';
}

/** Records of an envelope; undefined where bytes are none: then they are one record, or no JSON. */
export function decodeEnvelope(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[] | undefined {
  if (asBuffer(bytes).indexOf(MEMBER) === -1) return undefined;
  const maxBytes = limits.maxRecordBytes * ENVELOPE_FACTOR;
  if (bytes.length > maxBytes) return [rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes })];
  // Depth is judged record by record, so that one that is too deep does not take its neighbours with it.
  const split = splitMemberArray(bytes, 'Records', { maxDepth: Number.MAX_SAFE_INTEGER, maxPieces: limits.maxRecords });
  if (split.failure !== undefined) {
    return split.failure.reason === 'too_many'
      ? [rejectRecord(bytes, 'decode.too_many_records', { maxRecords: limits.maxRecords })]
      : undefined;
  }
  const { ranges } = split;
  if (ranges.length === 0) return [rejectRecord(bytes, 'decode.bad_json', { format: 'cloudtrail', reason: 'its Records are empty' })];
  const decoded: DecodedRecord[] = [];
  for (let at = 0; at < ranges.length; at += 2)
    decoded.push(decodeObject(bytes.subarray(ranges[at], ranges[at + 1]), 'cloudtrail', limits));
  return decoded;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const MEMBER = Buffer.from('"Records"');
