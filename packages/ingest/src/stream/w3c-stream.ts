/**
 * Streams of W3C's extended log format (W3C working draft WD-logfile; IIS, CloudFront, Exchange): `#Fields:` names what the lines hold, and may
 * come again with others. A line becomes a JSON object; `date` and `time` together are `timestamp`.
 */
import { decodeUtf8 } from '../decoders/json-record.ts';
import { type DecodedRecord, type DecodeLimits, rejectRecord } from '../decoders/record-decoder.ts';
import { cutLines } from './line-stream.ts';
import type { RecordStream } from './record-stream.ts';
import { recordOfRow, rejectRow } from './row-record.ts';

/** A stream of lines under `#Fields:`; a line of names alone (`version account-id …`, VPC flow logs) is a head as well. */
export function createW3cStream(limits: DecodeLimits): RecordStream {
  let names: readonly string[] = [];
  return cutLines(limits.maxRecordBytes, limits, (bytes): DecodedRecord[] => {
    const line = decodeUtf8(bytes);
    if (line === undefined) return [rejectRecord(bytes, 'decode.bad_utf8', { format: 'w3c' })];
    if (line.startsWith('#') || VPC_HEAD.test(line)) {
      names = namesOf(line) ?? names;
      return [];
    }
    const cells = splitCells(line, names.length + 1);
    if (names.length === 0) return [rejectRow(line, 'w3c', 'no #Fields line stands before it')];
    if (cells.length !== names.length) return [rejectRow(line, 'w3c', `it has ${cells.length} fields and #Fields names ${names.length}`)];
    const pairs = names.flatMap((name, i) => (isGiven(cells[i]) ? [[name, cells[i]] as const] : []));
    const fields = Object.fromEntries(pairs);
    const { date, time } = fields;
    return recordOfRow(date !== undefined && time !== undefined ? { timestamp: `${date}T${time}Z`, ...fields } : fields, limits);
  });
}

/** Whether text begins as a file of this format does. */
export function looksLikeW3c(head: string): boolean {
  return /^(?:#(?:Software|Version|Date|Fields|Start-Date|Remark): )/.test(head) || VPC_HEAD.test(head);
}

/** `version account-id interface-id …`: the head line of a VPC flow log as S3 has it. */
const VPC_HEAD = /^(?=[^\n]{0,400}\b(?:srcaddr|dstaddr)\b)(?:[a-z][a-z-]{1,40} ){4,40}[a-z][a-z-]{1,40}\r?(?:\n|$)/;

function namesOf(line: string): readonly string[] | undefined {
  if (!line.startsWith('#')) return line.trim().split(' ');
  return line.startsWith('#Fields:')
    ? line
        .slice(8)
        .trim()
        .split(/[ \t]+/, 512)
    : undefined;
}

function splitCells(line: string, most: number): string[] {
  if (line.includes('\t')) return line.split('\t', most);
  const cells: string[] = [];
  for (let at = 0; at < line.length && cells.length < most; ) {
    const isQuoted = line[at] === '"';
    const found = isQuoted ? line.indexOf('" ', at + 1) : line.indexOf(' ', at);
    const end = found === -1 ? line.length : isQuoted ? found + 1 : found;
    const cell = line.slice(at, end);
    cells.push(isQuoted && cell.length > 1 && cell.endsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    at = end + 1;
  }
  return cells;
}

function isGiven(cell: string | undefined): cell is string {
  return cell !== undefined && cell !== '' && cell !== '-';
}
