/**
 * The format `auto`: picks the format of each record by its looks. What it picks depends on the record alone, so that the
 * stored bytes read the same later; it answers with the format picked, never with `auto`.
 */
import type { Fields } from '@tocsin/core';
import { CLOUDTRAIL_MEMBERS, decodeEnvelope, looksLikeCloudtrail, mayBeEnvelope } from './cloudtrail.ts';
import { parseJsonRecord } from './json-record.ts';
import { fieldsOfWrappedLine } from './linux-auth.ts';
import { type AcceptedRecord, type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';
import { decodeHeaded } from './syslog/syslog.ts';
import { looksLikeWindows, WINDOWS_MEMBERS } from './windows-json.ts';

/** Decoder that picks by looks: JSON objects by their members, text by a syslog header. */
export const autoDecoder: RecordDecoder = {
  decode: decodeByLooks,
  byMembers: {
    members: [...WINDOWS_MEMBERS, ...CLOUDTRAIL_MEMBERS, '_path', 'message'],
    read: (record, fields) => (mayBeEnvelope(fields) ? undefined : byMembers(record, fields)),
  },
};

function decodeByLooks(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[] {
  const first = firstByte(bytes);
  if (first !== OPEN_OBJECT) return [first === OPEN_ARRAY || first === undefined ? unknownFormat(bytes) : decodeText(bytes, limits)];
  const parsed = parseJsonRecord(bytes, 'json', limits);
  if (!('refusal' in parsed) && !mayBeEnvelope(parsed.fields)) return [byMembers(bytes, parsed.fields)];
  return decodeEnvelope(bytes, limits) ?? ['refusal' in parsed ? parsed.refusal : byMembers(bytes, parsed.fields)];
}

/** First byte after a byte order mark and white space. */
function firstByte(bytes: Uint8Array): number | undefined {
  let at = bytes[0] === BYTE_ORDER_MARK ? 3 : 0;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return bytes[at];
}

/** Whether an object's format hangs on the text of its `message`: it may be a line of syslog. */
export function isToldByMessage(fields: Fields): boolean {
  // Zeek's own syslog log also carries lines as `message`; it is a Zeek record all the same.
  return (
    typeof fields['message'] === 'string' && fields['_path'] === undefined && !looksLikeWindows(fields) && !looksLikeCloudtrail(fields)
  );
}

function byMembers(record: Uint8Array, fields: Fields): AcceptedRecord {
  if (looksLikeWindows(fields)) return { record, format: 'windows-json', fields };
  if (looksLikeCloudtrail(fields)) return { record, format: 'cloudtrail', fields };
  const wrapped = isToldByMessage(fields) ? fieldsOfWrappedLine(fields) : undefined;
  return wrapped === undefined ? { record, format: 'json', fields } : { record, format: 'linux-auth', fields: wrapped };
}

function decodeText(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  return decodeHeaded(bytes, limits) ?? unknownFormat(bytes);
}

function unknownFormat(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.unknown_format', { known: 'a JSON object, a CloudTrail file, a syslog line' });
}

const BYTE_ORDER_MARK = 0xef;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
