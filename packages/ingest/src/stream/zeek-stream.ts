/** Streams of Zeek's own text logs: the head says what the lines that follow hold, and may change on the way. */
import { decodeUtf8 } from '../decoders/json-record.ts';
import type { DecodedRecord, DecodeLimits } from '../decoders/record-decoder.ts';
import { rejectRecord } from '../decoders/record-decoder.ts';
import { NO_ZEEK_HEAD, readZeekHead, readZeekLine } from '../rows/zeek-rows.ts';
import { cutLines } from './line-stream.ts';
import type { RecordStream } from './record-stream.ts';
import { recordOfRow, rejectRow } from './row-record.ts';

/** A stream of lines under heads; each line becomes the JSON object that Zeek's own JSON writer would give. */
export function createZeekStream(limits: DecodeLimits): RecordStream {
  let head = NO_ZEEK_HEAD;
  return cutLines(limits.maxRecordBytes, limits, (bytes): DecodedRecord[] => {
    const line = decodeUtf8(bytes);
    if (line === undefined) return [rejectRecord(bytes, 'decode.bad_utf8', { format: 'zeek' })];
    if (line.startsWith('#')) {
      head = readZeekHead(line, head);
      return [];
    }
    const fields = readZeekLine(line, head);
    return typeof fields === 'string' ? [rejectRow(line, 'zeek', fields)] : recordOfRow(fields, limits);
  });
}
