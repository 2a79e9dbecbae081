/**
 * The format `syslog`: whatever a syslog sender may send, one message per record. A message in a format of its own (CEF, LEEF, auditd, a web
 * server's) is a record of that format; every other one is read by its envelope (`syslog/`).
 */
import { openLine } from './lines/carried-line.ts';
import { readByTelling } from './lines/line-formats.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';
import { readMessage, textOfLine } from './syslog/syslog.ts';
import { parseSyslogLine } from './syslog/syslog-line.ts';

/** Decoder of one syslog message per record. */
export const syslogDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeSyslog(bytes, limits)] };

function decodeSyslog(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const { maxRecordBytes } = limits;
  if (bytes.length > maxRecordBytes) return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: maxRecordBytes });
  const text = textOfLine(bytes);
  const carried = openLine(text);
  const told = readByTelling(carried);
  if (told !== undefined) return { record: bytes, ...told };
  // The words of a container are no header of syslog: the message is what the sender sent.
  const isCarried = Object.keys(carried.carrier).length > 0;
  return readMessage(bytes, isCarried ? parseSyslogLine(text) : carried.envelope);
}
