/**
 * Messages of syslog by their envelope. Fields are those of the envelope (`syslog-line.ts`); a
 * message whose words are known becomes a record of its own format (`linux-auth`). A line without any header is taken too, as message:
 * on a door without answers, refusing would lose it. Bytes that are not UTF-8 read as U+FFFD for the same reason, the record keeps them.
 */
import { Buffer } from 'node:buffer';
import { readAuthMessage } from '../linux/auth-message.ts';
import type { AcceptedRecord } from '../record-decoder.ts';
import { hasHeader, type SyslogLine } from './syslog-line.ts';

/** Fields of an envelope and its message, with the names that rules about Linux use; what it does not name is absent. */
export function fieldsOfSyslog(line: SyslogLine): Record<string, unknown> {
  const fields = wordsOfEnvelope(line);
  fields['message'] = line.message;
  return fields;
}

/** The same without the message. */
export function wordsOfEnvelope(line: SyslogLine): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  if (line.timestamp !== undefined) fields['timestamp'] = line.timestamp;
  if (line.host !== undefined) fields['host'] = line.host;
  if (line.program !== undefined) fields['program'] = line.program;
  if (line.process !== undefined) setProcess(fields, line.process);
  if (line.facility !== undefined) fields['facility'] = line.facility;
  if (line.severity !== undefined) fields['severity'] = line.severity;
  if (line.messageId !== undefined) fields['msgid'] = line.messageId;
  if (line.structuredData !== undefined) fields['structured_data'] = line.structuredData;
  if (line.sequence !== undefined) fields['sequence'] = line.sequence;
  if (line.mnemonic !== undefined) fields['mnemonic'] = line.mnemonic;
  return fields;
}

/** Fields of a line of a Linux host: those of its envelope and of its message, with the whole line as `line`; undefined where it is none. */
export function fieldsOfLinux(line: SyslogLine): Record<string, unknown> | undefined {
  return isLinux(line) ? Object.assign(fieldsOfSyslog(line), readAuthMessage(line.message), { line: line.text }) : undefined;
}

/** Text of bytes; what is not UTF-8 reads as U+FFFD. A leading byte order mark is left out. */
export function textOfLine(bytes: Uint8Array): string {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return buffer.toString('utf8', start);
}

/** A message by its envelope alone; one without a header is all message. */
export function readMessage(record: Uint8Array, line: SyslogLine): AcceptedRecord {
  const fields = fieldsOfLinux(line);
  return fields === undefined ? { record, format: 'syslog', fields: fieldsOfSyslog(line) } : { record, format: 'linux-auth', fields };
}

/** A time and a host or, from the wire, a priority and a tag; but no message of a network device. */
function isLinux(line: SyslogLine): boolean {
  if (!hasHeader(line) || line.mnemonic !== undefined) return false;
  return line.program !== undefined || (line.timestamp !== undefined && line.host !== undefined);
}

/** Digits are a process id; anything else is kept as it is. */
function setProcess(fields: Record<string, unknown>, process: string): void {
  if (/^\d{1,10}$/.test(process)) fields['pid'] = Number(process);
  else fields['procid'] = process;
}
