/**
 * The format `syslog`: whatever a syslog sender may send, one message per record. A message in a format of its own (CEF, LEEF, auditd, a web
 * server's) is a record of that format; every other one is read by its envelope (`syslog/`).
 */
import { type CarriedLine, looksLikeJson, openLine } from './lines/carried-line.ts';
import { readByTelling } from './lines/line-formats.ts';
import { fieldsOfCarried } from './linux-auth.ts';
import { type AcceptedRecord, type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from './record-decoder.ts';
import { readMessage, textOfLine } from './syslog/syslog.ts';
import { parseSyslogLine } from './syslog/syslog-line.ts';

/** Decoder of one syslog message per record. */
export const syslogDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeSyslog(bytes, limits)] };

function decodeSyslog(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const { maxRecordBytes } = limits;
  if (bytes.length > maxRecordBytes) return rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: maxRecordBytes });
  const text = textOfLine(bytes);
  if (looksLikeJson(text)) return readMessage(bytes, parseSyslogLine(text));
  const carried = openLine(text);
  const told = readByTelling(carried);
  if (told !== undefined) return { record: bytes, ...told };
  return Object.keys(carried.carrier).length > 0 ? readContainerLine(bytes, carried) : readMessage(bytes, carried.envelope);
}

/** Never a container's time and stream as a header's time and host. */
function readContainerLine(record: Uint8Array, carried: CarriedLine): AcceptedRecord {
  const fields = fieldsOfCarried(carried);
  if (fields !== undefined) return { record, format: 'linux-auth', fields };
  const { time, stream } = carried.carrier;
  return { record, format: 'syslog', fields: { timestamp: time, stream, message: carried.line } };
}
