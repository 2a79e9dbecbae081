/**
 * The format `linux-auth`: lines of auth.log (and of syslog in general) as raw text, or in JSON as `{"message": line}`. Fields
 * are those of the envelope (`syslog/`) and of the message (`linux/`), with the whole line as `line`; other members of the JSON object are
 * kept beside them and never overwrite them.
 */
import type { Fields } from '@tocsin/core';
import { type CarriedLine, openCarried } from './lines/carried-line.ts';
import { readAuthMessage } from './linux/auth-message.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';
import { fieldsOfLinux } from './syslog/syslog.ts';

/** Decoder of one syslog line per record. */
export const linuxAuthDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeLine(bytes, limits)] };

/** Fields of a line with those of its carrier beneath; of a record of the journal by its own members. Undefined where neither tells a header. */
export function fieldsOfCarried({ carrier, envelope }: CarriedLine): Fields | undefined {
  const fields = fieldsOfLinux(envelope) ?? fieldsOfJournal(carrier);
  if (fields === undefined || Object.keys(carrier).length === 0) return fields;
  return { ...carrier, ...fields };
}

/** Members of journald's JSON that are read (systemd.journal-fields). */
export const JOURNAL_MEMBERS = [
  'MESSAGE',
  '__REALTIME_TIMESTAMP',
  '_HOSTNAME',
  'SYSLOG_IDENTIFIER',
  '_COMM',
  '_PID',
  'PRIORITY',
  'SYSLOG_FACILITY',
] as const;

function fieldsOfJournal(entry: Fields): Fields | undefined {
  const message = entry['MESSAGE'];
  const micros = Number(entry['__REALTIME_TIMESTAMP']);
  if (typeof message !== 'string' || !(micros > 0 && micros < 1e17)) return undefined;
  const fields: Record<string, unknown> = { timestamp: new Date(Math.floor(micros / 1000)).toISOString() };
  const take = (name: string, value: unknown): void => {
    if (typeof value === 'string' && value !== '') fields[name] = value;
  };
  take('host', entry['_HOSTNAME']);
  take('program', entry['SYSLOG_IDENTIFIER'] ?? entry['_COMM']);
  take('severity', entry['PRIORITY']);
  take('facility', entry['SYSLOG_FACILITY']);
  take('pid', entry['_PID']);
  fields['message'] = message;
  return Object.assign(fields, readAuthMessage(message), { line: message });
}

function decodeLine(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const carried = openCarried(bytes, 'linux-auth', limits);
  if ('rejected' in carried) return carried;
  const fields = fieldsOfCarried(carried);
  return fields === undefined ? noHeader(bytes) : { record: bytes, format: 'linux-auth', fields };
}

function noHeader(bytes: Uint8Array): DecodedRecord {
  return rejectRecord(bytes, 'decode.bad_line', { format: 'linux-auth', reason: 'it has no syslog header (time, host, program)' });
}
