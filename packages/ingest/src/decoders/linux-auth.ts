/**
 * The format `linux-auth`: lines of auth.log (and of syslog in general) as raw text, or in JSON as `{"message": line}`. Fields
 * are those of the header and of the message (`linux/`), with the whole line as `line`; other members of the JSON object are
 * kept beside them and never overwrite them.
 */
import type { Fields } from '@tocsin/core';
import { decodeUtf8, parseJsonText } from './json-record.ts';
import { readAuthMessage } from './linux/auth-message.ts';
import { parseSyslogHeader } from './linux/syslog-header.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';

/** Decoder of one syslog line per record. */
export const linuxAuthDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeLine(bytes, limits)] };

/** Fields of a line; undefined where it has no syslog header. Trailing line ends are no part of it. */
export function fieldsOfLine(line: string): Fields | undefined {
  const bare = withoutLineEnd(line);
  const header = parseSyslogHeader(bare);
  if (header === undefined) return undefined;
  const { timestamp, host, program, pid, facility, severity, message } = header;
  const fields: Record<string, unknown> = { timestamp };
  if (host !== undefined) fields['host'] = host;
  if (program !== undefined) fields['program'] = program;
  if (pid !== undefined) fields['pid'] = pid;
  if (facility !== undefined) fields['facility'] = facility;
  if (severity !== undefined) fields['severity'] = severity;
  fields['message'] = message;
  return Object.assign(fields, readAuthMessage(message), { line: bare });
}

/** Fields of a JSON object that carries a line as `message`; undefined where it does not. */
export function fieldsOfWrappedLine(wrapper: Fields): Fields | undefined {
  const line = wrapper['message'];
  const fields = typeof line === 'string' ? fieldsOfLine(line) : undefined;
  if (fields === undefined) return undefined;
  const merged: Record<string, unknown> = Object.create(null);
  return Object.assign(merged, wrapper, fields);
}

function decodeLine(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const format = 'linux-auth';
  if (bytes.length > limits.maxRecordBytes) {
    return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes });
  }
  const text = decodeUtf8(bytes);
  if (text === undefined) return rejectRecord(bytes, 'decode.bad_utf8', { format });
  if (text.trimStart().startsWith('{')) return decodeWrapped(text, bytes, limits);
  const fields = fieldsOfLine(text);
  return fields === undefined ? noHeader(bytes) : { record: bytes, format, fields };
}

function decodeWrapped(text: string, bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const parsed = parseJsonText(text, bytes, { format: 'linux-auth', limits });
  if ('refusal' in parsed) return parsed.refusal;
  const fields = fieldsOfWrappedLine(parsed.fields);
  return fields === undefined ? noHeader(bytes) : { record: bytes, format: 'linux-auth', fields };
}

function noHeader(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.bad_line', { format: 'linux-auth', reason: 'it has no syslog header (time, host, program)' });
}

function withoutLineEnd(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end--;
  return end === line.length ? line : line.slice(0, end);
}
