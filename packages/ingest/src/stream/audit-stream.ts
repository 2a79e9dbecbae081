/**
 * Streams of audit.log: lines of one event (the same node, time and serial) become one record, joined by line ends in the order in which
 * they came. Events interleave: an event is whole when its end is said (EOE), when it is of a kind that is one line, or when many younger ones have come.
 */
import { decodeUtf8 } from '../decoders/json-record.ts';
import { auditdFormat, auditPartOf, MAX_LINES } from '../decoders/lines/auditd.ts';
import { openLine } from '../decoders/lines/carried-line.ts';
import { createLineDecoder } from '../decoders/lines/line-format.ts';
import { type DecodedRecord, type DecodeLimits, rejectRecord } from '../decoders/record-decoder.ts';
import { cutLines } from './line-stream.ts';
import type { RecordStream } from './record-stream.ts';

interface OpenEvent {
  readonly lines: Uint8Array[];
  bytes: number;
}

/** Events that may be open at a time. */
const MAX_OPEN = 64;

/** A stream of audit events. Lines of other formats are rejected. */
export function createAuditStream(limits: DecodeLimits): RecordStream {
  const open = new Map<string, OpenEvent>();
  const decoder = createLineDecoder(auditdFormat);
  const finish = (event: OpenEvent | undefined): DecodedRecord[] => (event === undefined ? [] : decoder.decode(joinLines(event), limits));
  const close = (key: string): DecodedRecord[] => {
    const event = open.get(key);
    open.delete(key);
    return finish(event);
  };
  const addPart = ({ key }: { key: string }, bytes: Uint8Array): DecodedRecord[] => {
    const event = open.get(key) ?? { lines: [], bytes: 0 };
    const isFull = event.lines.length >= MAX_LINES || event.bytes + bytes.length >= limits.maxRecordBytes;
    const before = isFull ? close(key) : [];
    const into = isFull ? { lines: [], bytes: 0 } : event;
    into.lines.push(bytes);
    into.bytes += bytes.length + 1;
    open.set(key, into);
    const [oldest] = open.keys();
    return open.size > MAX_OPEN && oldest !== undefined ? [...before, ...close(oldest)] : before;
  };
  const lines = cutLines(limits.maxRecordBytes, limits, (bytes): DecodedRecord[] => {
    const text = decodeUtf8(bytes);
    if (text === undefined) return [rejectRecord(bytes, 'decode.bad_utf8', { format: 'auditd' })];
    const part = auditPartOf(openLine(text).line);
    // Behind a syslog header, or of one line: a record of its own.
    if (part === undefined) return decoder.decode(bytes, limits);
    return part.isLast ? close(part.key) : addPart(part, bytes);
  });
  return {
    push: (bytes) => lines.push(bytes),
    end: () => [...lines.end(), ...[...open.keys()].flatMap(close)],
  };
}

function joinLines({ lines }: OpenEvent): Uint8Array {
  const [only, another] = lines;
  if (only !== undefined && another === undefined) return only;
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [LINE_END, line])));
}

const LINE_END = Buffer.from('\n');
