/**
 * The format `syslog`: whatever a syslog sender may send, one message per record. A message in a format of its own (CEF, LEEF, auditd, a web
 * server's) is a record of that format; every other one is read by its envelope (`syslog/`).
 */
import { openLine } from './lines/carried-line.ts';
import { mayBeTold, readByTelling } from './lines/line-formats.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder } from './record-decoder.ts';
import { decodeEnvelope, decodeMessage, textOfLine } from './syslog/syslog.ts';
import { parseSyslogLine } from './syslog/syslog-line.ts';

/** Decoder of one syslog message per record. */
export const syslogDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeSyslog(bytes, limits)] };

function decodeSyslog(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  if (bytes.length > limits.maxRecordBytes) return decodeMessage(bytes, limits);
  const text = textOfLine(bytes);
  const line = parseSyslogLine(text);
  const told = mayBeTold(text, line.message) ? readByTelling(openLine(text)) : undefined;
  return told === undefined ? decodeEnvelope(bytes, line) : { record: bytes, ...told };
}
