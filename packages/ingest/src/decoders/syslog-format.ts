/**
 * The format `syslog`: whatever a syslog sender may send, one message per record. A message in a format of its own (CEF, LEEF, auditd, a web
 * server's) is a record of that format; every other one is read by its envelope (`syslog/`).
 */
import { fieldsOfCarried } from './linux-auth.ts';
import { looksLikeJson, openLine } from './lines/carried-line.ts';
import { mayBeTold, readByTelling } from './lines/line-formats.ts';
import { type AcceptedRecord, type DecodedRecord, type DecodeLimits, type RecordDecoder } from './record-decoder.ts';
import { decodeEnvelope, decodeMessage, textOfLine } from './syslog/syslog.ts';
import { parseSyslogLine } from './syslog/syslog-line.ts';

/** Decoder of one syslog message per record. */
export const syslogDecoder: RecordDecoder = { decode: (bytes, limits) => [decodeSyslog(bytes, limits)] };

function decodeSyslog(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  if (bytes.length > limits.maxRecordBytes) return decodeMessage(bytes, limits);
  const text = textOfLine(bytes);
  const line = parseSyslogLine(text);
  const mayBeOther = mayBeTold(text, line.message) && !looksLikeJson(text);
  return (mayBeOther ? readOther(bytes, text) : undefined) ?? decodeEnvelope(bytes, line);
}

/** A line of a format of its own, or of a container; undefined where it is neither. */
function readOther(bytes: Uint8Array, text: string): AcceptedRecord | undefined {
  const carried = openLine(text);
  const told = readByTelling(carried);
  if (told !== undefined) return { record: bytes, ...told };
  if (Object.keys(carried.carrier).length === 0) return undefined;
  // Never its time and stream as a header's time and host.
  const fields = fieldsOfCarried(carried);
  if (fields !== undefined) return { record: bytes, format: 'linux-auth', fields };
  const { time, stream } = carried.carrier;
  return { record: bytes, format: 'syslog', fields: { timestamp: time, stream, message: carried.line } };
}
