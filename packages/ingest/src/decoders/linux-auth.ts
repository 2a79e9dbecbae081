/**
 * The format `linux-auth`: lines of auth.log (and of syslog in general) as raw text, or in JSON as `{"message": line}`. Fields
 * are those of the envelope (`syslog/`) and of the message (`linux/`), with the whole line as `line`; other members of the JSON object are
 * kept beside them and never overwrite them.
 */
import type { Fields } from '@tocsin/core';
import { parseJsonRecord } from './json-record.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';
import { fieldsOfLinux, textOfLine } from './syslog/syslog.ts';

/** Decoder of one syslog line per record. */
export const linuxAuthDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeLine(bytes, limits)] };

/** Fields of a JSON object that carries a line as `message`; undefined where it does not. */
export function fieldsOfWrappedLine(wrapper: Fields): Fields | undefined {
  const line = wrapper['message'];
  const fields = typeof line === 'string' ? fieldsOfLinux(line) : undefined;
  if (fields === undefined) return undefined;
  const merged: Record<string, unknown> = Object.create(null);
  return Object.assign(merged, wrapper, fields);
}

function decodeLine(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const format = 'linux-auth';
  if (bytes.length > limits.maxRecordBytes) {
    return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes });
  }
  const text = textOfLine(bytes);
  if (text.trimStart().startsWith('{')) return decodeWrapped(bytes, limits);
  const fields = fieldsOfLinux(text);
  return fields === undefined ? noHeader(bytes) : { record: bytes, format, fields };
}

function decodeWrapped(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const parsed = parseJsonRecord(bytes, 'linux-auth', limits);
  if ('refusal' in parsed) return parsed.refusal;
  const fields = fieldsOfWrappedLine(parsed.fields);
  return fields === undefined ? noHeader(bytes) : { record: bytes, format: 'linux-auth', fields };
}

function noHeader(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.bad_line', { format: 'linux-auth', reason: 'it has no syslog header (time, host, program)' });
}
