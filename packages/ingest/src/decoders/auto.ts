/**
 * The format `auto`: picks the format of each record by its looks. What it picks depends on the record alone, so that the
 * stored bytes read the same later; it answers with the format picked, never with `auto`.
 */
import type { Fields } from '@tocsin/core';
import { CLOUDTRAIL_MEMBERS, looksLikeCloudtrail } from './cloudtrail.ts';
import { decodeEnvelope, ENVELOPE_MEMBERS, mayBeEnvelope } from './envelope.ts';
import { parseJsonRecord } from './json-record.ts';
import { type CarriedLine, LINE_MEMBERS, openLine, openMember } from './lines/carried-line.ts';
import { readContainer } from './lines/container.ts';
import { readAsPairs, readByTelling } from './lines/line-formats.ts';
import { fieldsOfCarried, JOURNAL_MEMBERS } from './linux-auth.ts';
import {
  type AcceptedRecord,
  type DecodedRecord,
  type DecodeLimits,
  defaultDecodeLimits,
  type RecordDecoder,
  rejectRecord,
} from './record-decoder.ts';
import { readMessage, textOfLine } from './syslog/syslog.ts';
import { hasHeader } from './syslog/syslog-line.ts';
import { looksLikeWindows, WINDOWS_MEMBERS } from './windows-json.ts';
import { looksLikeEventXml, windowsXmlDecoder } from './windows-xml.ts';

/** Decoder that picks by looks: JSON objects by their members, text by how it is written. */
export const autoDecoder: RecordDecoder = {
  decode: decodeByLooks,
  byMembers: {
    members: [
      ...new Set([...WINDOWS_MEMBERS, ...CLOUDTRAIL_MEMBERS, ...ENVELOPE_MEMBERS, ...LINE_MEMBERS, ...JOURNAL_MEMBERS, '_path', 'stream']),
    ],
    read: (record, fields) => (mayBeEnvelope(fields) ? undefined : byMembers(record, fields, defaultDecodeLimits)),
  },
};

function decodeByLooks(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord[] {
  const first = firstByte(bytes);
  if (first !== OPEN_OBJECT) return [first === undefined ? unknownFormat(bytes) : decodeText(bytes, limits)];
  const parsed = parseJsonRecord(bytes, 'json', limits);
  if (!('refusal' in parsed) && !mayBeEnvelope(parsed.fields)) return [byMembers(bytes, parsed.fields, limits)];
  const pieces = decodeEnvelope(bytes, limits);
  if (pieces === undefined) return ['refusal' in parsed ? parsed.refusal : byMembers(bytes, parsed.fields, limits)];
  // Each piece goes by its own looks, but is no envelope again.
  return pieces.map((piece) => ('fields' in piece && piece.format === 'json' ? byMembers(piece.record, piece.fields, limits) : piece));
}

/** First byte after a byte order mark and white space. */
function firstByte(bytes: Uint8Array): number | undefined {
  let at = bytes[0] === BYTE_ORDER_MARK ? 3 : 0;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at++;
  return bytes[at];
}

/** Whether an object's format hangs on the text of one of its members: it may carry a line of another format. */
export function isToldByMessage(fields: Fields): boolean {
  // Zeek's own syslog log also carries lines as `message`; it is a Zeek record all the same.
  return (
    LINE_MEMBERS.some((name) => typeof fields[name] === 'string') &&
    fields['_path'] === undefined &&
    !looksLikeWindows(fields) &&
    !looksLikeCloudtrail(fields)
  );
}

function byMembers(record: Uint8Array, fields: Fields, limits: DecodeLimits): AcceptedRecord {
  if (looksLikeWindows(fields)) return { record, format: 'windows-json', fields };
  if (looksLikeCloudtrail(fields)) return { record, format: 'cloudtrail', fields };
  const carried = isToldByMessage(fields) ? openMember(fields) : undefined;
  const line = carried === undefined ? undefined : readLine(carried, limits);
  return line === undefined ? { record, format: 'json', fields } : { record, ...line };
}

/** Format and fields of a line; undefined where its looks do not tell. */
function readLine(carried: CarriedLine, limits: DecodeLimits): { format: string; fields: Fields } | undefined {
  const told = readByTelling(carried);
  if (told !== undefined) return told;
  const { log, stream } = carried.carrier;
  if (typeof log === 'string' && typeof stream === 'string') return { format: 'container', fields: readContainer(carried.carrier, limits) };
  const fields = fieldsOfCarried(carried);
  return fields === undefined ? undefined : { format: 'linux-auth', fields };
}

function decodeText(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  if (bytes.length > limits.maxRecordBytes)
    return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes });
  const text = textOfLine(bytes);
  if (looksLikeEventXml(text)) return windowsXmlDecoder.decode(bytes, limits)[0] ?? unknownFormat(bytes);
  const carried = openLine(text);
  const told = readLine(carried, limits);
  if (told !== undefined) return { record: bytes, ...told };
  if (hasHeader(carried.envelope)) return readMessage(bytes, carried.envelope);
  const pairs = readAsPairs(carried);
  return pairs === undefined ? unknownFormat(bytes) : { record: bytes, ...pairs };
}

function unknownFormat(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.unknown_format', {
    known:
      'a JSON object, an envelope of them, a Windows event in XML, a line of syslog, auditd, CEF, LEEF, a web server, a firewall, VPC flow logs, a container, key=value pairs',
  });
}

const BYTE_ORDER_MARK = 0xef;
const OPEN_OBJECT = 0x7b;
