/** The format `json`: any JSON object, its members as fields. */
import { parseJsonRecord } from './json-record.ts';
import type { DecodedRecord, DecodeLimits, RecordDecoder } from './record-decoder.ts';

/** Decoder of one JSON object per record. */
export const jsonDecoder: RecordDecoder = {
  decode: (bytes, limits) => [decodeObject(bytes, 'json', limits)],
  byMembers: { members: [], read: (record, fields) => ({ record, format: 'json', fields }) },
  jsonObjects: { unless: [] },
};

/** Decodes a record of a format that is plain JSON objects. */
export function decodeObject(bytes: Uint8Array, format: string, limits: DecodeLimits): DecodedRecord {
  const parsed = parseJsonRecord(bytes, format, limits);
  return 'refusal' in parsed ? parsed.refusal : { record: bytes, format, fields: parsed.fields };
}
