/** Reads Loki's push request in JSON: `{"streams":[{"stream":{…},"values":[["<ns>","line",{…}],…]}]}`. Cut by its brackets, parsed entry by entry. */
import { memberRange, splitJsonArray, splitJsonObject, TocsinError } from '@tocsin/core';
import { isObject } from '../../decoders/json-record.ts';
import type { RawRecord } from '../../source.ts';
import type { CutLimits } from './loki-record.ts';
import { lokiRecord } from './loki-record.ts';

const MAX_MEMBERS = 100;
/** Streams, entries and labels are this deep at most; a line is text. */
const MAX_DEPTH = 8;
/** Largest labels of a stream and largest entry, bytes. */
const MAX_LABELS_BYTES = 64 * 1024;
const MAX_ENTRY_BYTES = 2 * 1024 * 1024;

/** Every line of a request. @throws ingest.bad_body, ingest.body_too_large */
export function readLokiJson(body: Uint8Array, limits: CutLimits): RawRecord[] {
  const records: RawRecord[] = [];
  for (const stream of elements(memberOf(body, 'streams'), 'streams', limits)) {
    const labels = labelsOf(stream);
    for (const entry of elements(memberOf(stream, 'values'), 'values', limits)) {
      if (records.length >= limits.maxRecords) throw tooMany(limits);
      records.push(recordOf(entry, labels, limits));
    }
  }
  return records;
}

function recordOf(bytes: Uint8Array, labels: readonly (readonly [string, unknown])[], limits: CutLimits): RawRecord {
  if (bytes.length > MAX_ENTRY_BYTES) {
    const { code, message } = new TocsinError('decode.too_large', { bytes: bytes.length, maxBytes: MAX_ENTRY_BYTES });
    return { bytes, refused: { code, reason: message } };
  }
  const entry = parsed(bytes);
  const [time, line, metadata] = Array.isArray(entry) ? (entry as unknown[]) : [];
  if (typeof line !== 'string') throw bad('an entry is no list of time and line');
  const timeMs = typeof time === 'string' && /^\d{1,20}$/.test(time) ? Number(time.slice(0, -6)) : undefined;
  if (timeMs === undefined) throw bad('the time of an entry is no text of nanoseconds');
  const facts = isObject(metadata) ? [...labels, ...Object.entries(metadata)] : labels;
  return lokiRecord({ line: Buffer.from(line), timeMs, facts }, limits);
}

function labelsOf(stream: Uint8Array): readonly (readonly [string, unknown])[] {
  const bytes = memberOf(stream, 'stream');
  const labels = bytes.length > MAX_LABELS_BYTES ? undefined : parsed(bytes);
  if (!isObject(labels) || !Object.values(labels).every((value) => typeof value === 'string'))
    throw bad('the labels of a stream are no texts');
  return Object.entries(labels);
}

function memberOf(bytes: Uint8Array, name: string): Uint8Array {
  const split = splitJsonObject(bytes, { maxDepth: MAX_DEPTH, maxPieces: MAX_MEMBERS });
  if (split.failure !== undefined) throw bad('something that should be a JSON object is none');
  const range = memberRange(bytes, split.ranges, name);
  if (range === undefined) throw bad(`a member ${name} is missing`);
  return bytes.subarray(range[0], range[1]);
}

function elements(list: Uint8Array, name: string, limits: CutLimits): Uint8Array[] {
  const split = splitJsonArray(list, { maxDepth: MAX_DEPTH, maxPieces: limits.maxRecords });
  if (split.failure?.reason === 'too_many') throw tooMany(limits);
  if (split.failure !== undefined) throw bad(`${name} are no list`);
  const found: Uint8Array[] = [];
  for (let at = 0; at < split.ranges.length; at += 2) found.push(list.subarray(split.ranges[at], split.ranges[at + 1]));
  return found;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(strictUtf8.decode(bytes));
  } catch {
    return undefined; // no JSON, or no UTF-8: refused by its caller
  }
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function tooMany({ maxRecords }: CutLimits): TocsinError {
  return new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
}

function bad(reason: string): TocsinError {
  return new TocsinError('ingest.bad_body', { reason: `as a push to Loki, ${reason}` });
}
