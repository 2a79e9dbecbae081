/**
 * The format `cloudtrail`: AWS CloudTrail records, one by one or in the envelope `{"Records":[…]}` that AWS delivers, which
 * is taken apart into its elements with their original bytes (AWS CloudTrail User Guide, "CloudTrail log file").
 */
import type { Fields } from '@tocsin/core';
import { decodeEnvelope } from './envelope.ts';
import { decodeObject } from './json.ts';
import type { RecordDecoder } from './record-decoder.ts';

/** Decoder of one CloudTrail record or one envelope. */
export const cloudtrailDecoder: RecordDecoder = {
  decode: (bytes, limits) => {
    const decoded = decodeObject(bytes, 'cloudtrail', limits);
    if ('fields' in decoded && !mayBeFile(decoded.fields)) return [decoded];
    return decodeEnvelope(bytes, limits) ?? [decoded];
  },
  byMembers: {
    members: ['Records'],
    read: (record, fields) => (mayBeFile(fields) ? undefined : { record, format: 'cloudtrail', fields }),
  },
  jsonObjects: { unless: ['Records'] },
};

/** Members that tell a record of CloudTrail, and an envelope. */
export const CLOUDTRAIL_MEMBERS = ['Records', 'eventSource', 'eventName'] as const;

/** Whether a parsed object may be a file of CloudTrail. */
function mayBeFile(fields: Fields): boolean {
  return Object.hasOwn(fields, 'Records');
}

/** Whether an object looks like a CloudTrail record. */
export function looksLikeCloudtrail(fields: Fields): boolean {
  return typeof fields['eventSource'] === 'string' && typeof fields['eventName'] === 'string';
}
