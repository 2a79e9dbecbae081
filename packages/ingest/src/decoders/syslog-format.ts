/**
 * The format `syslog`: whatever a syslog sender may send, one message per record. A message in a format of its own (CEF, LEEF, auditd, a web
 * server's) is a record of that format; every other one is read by its envelope (`syslog/`).
 */
import { openLine } from './lines/carried-line.ts';
import { readByTelling } from './lines/line-formats.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder } from './record-decoder.ts';
import { decodeMessage, textOfLine } from './syslog/syslog.ts';

/** Decoder of one syslog message per record. */
export const syslogDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeSyslog(bytes, limits)] };

function decodeSyslog(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  if (bytes.length > limits.maxRecordBytes) return decodeMessage(bytes, limits);
  const told = readByTelling(openLine(textOfLine(bytes)));
  return told === undefined ? decodeMessage(bytes, limits) : { record: bytes, ...told };
}
