/** Cutting a body into raw records by its content type. Elements and lines stay views into the body; none is parsed here. */
import { createLineSplitter, type SplitFailure, splitJsonArray, TocsinError } from '@tocsin/core';
import type { RawRecord } from '../source.ts';
import { rawRecordOfCloudEvent } from './cloud-event.ts';
import { PRODUCER_BATCH_TYPE, readProducerBatch } from './producer-batch.ts';

/** What a body is made of. */
export type BodyKind = 'json' | 'lines' | 'cloudevent' | 'cloudevents' | 'batch';

/** Bounds of a cut. */
export interface CutLimits {
  readonly maxRecords: number;
}

const KINDS: ReadonlyMap<string, BodyKind> = new Map([
  ['application/json', 'json'],
  ['application/x-ndjson', 'lines'],
  ['application/ndjson', 'lines'],
  ['application/jsonl', 'lines'],
  ['text/plain', 'lines'],
  ['application/cloudevents+json', 'cloudevent'],
  ['application/cloudevents-batch+json', 'cloudevents'],
  [PRODUCER_BATCH_TYPE, 'batch'],
]);

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];
const OPEN_ARRAY = 0x5b;

/** What a `content-type` header says of the body; text is UTF-8. @throws ingest.unsupported_type */
export function kindOf(header: string | undefined): BodyKind {
  const plain = KINDS.get(header ?? '');
  if (plain !== undefined) return plain;
  const [type = '', ...parameters] = (header ?? '').split(';').map((part) => part.trim().toLowerCase());
  const kind = KINDS.get(type);
  const charset = parameters
    .find((parameter) => parameter.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '');
  if (kind === undefined || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii')) {
    throw unsupportedType(header);
  }
  return kind;
}

/** The refusal of a `content-type` header. */
export function unsupportedType(header: string | undefined): TocsinError {
  return new TocsinError('ingest.unsupported_type', {
    header: 'Content-Type',
    value: JSON.stringify((header ?? '').slice(0, 100)),
    known: [...KINDS.keys()].join(', '),
  });
}

/** The records of a body, at least one. @throws ingest.bad_body, ingest.body_too_large (too many records) */
export function cutBody(kind: BodyKind, body: Uint8Array, limits: CutLimits): RawRecord[] {
  const bytes = kind !== 'batch' && BYTE_ORDER_MARK.every((byte, i) => body[i] === byte) ? body.subarray(3) : body;
  const records = cut(kind, bytes, limits);
  if (records.length === 0) throw new TocsinError('ingest.bad_body', { reason: 'it holds no record' });
  return records;
}

function cut(kind: BodyKind, bytes: Uint8Array, limits: CutLimits): RawRecord[] {
  switch (kind) {
    case 'json':
      return firstByte(bytes) === OPEN_ARRAY ? cutArray(bytes, limits).map((element) => ({ bytes: element })) : whole(bytes);
    case 'lines':
      return cutLines(bytes, limits);
    case 'cloudevent':
      return whole(bytes).map((record) => rawRecordOfCloudEvent(record.bytes));
    case 'cloudevents':
      return cutArray(bytes, limits).map(rawRecordOfCloudEvent);
    case 'batch':
      return readProducerBatch(bytes, limits);
  }
}

function whole(bytes: Uint8Array): RawRecord[] {
  return firstByte(bytes) === undefined ? [] : [{ bytes }];
}

/** The first byte that is not white space. */
function firstByte(bytes: Uint8Array): number | undefined {
  return bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09);
}

function cutArray(bytes: Uint8Array, { maxRecords }: CutLimits): Uint8Array[] {
  // Depth costs the cutter nothing and is judged per record by its decoder.
  const split = splitJsonArray(bytes, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: maxRecords });
  if (split.failure !== undefined) throw cutFailure(split.failure, maxRecords);
  const elements: Uint8Array[] = [];
  for (let i = 0; i < split.ranges.length; i += 2) elements.push(bytes.subarray(split.ranges[i], split.ranges[i + 1]));
  return elements;
}

function cutLines(bytes: Uint8Array, { maxRecords }: CutLimits): RawRecord[] {
  const splitter = createLineSplitter({ maxLineBytes: bytes.length, maxLines: maxRecords });
  const records: RawRecord[] = [];
  for (const lines of [splitter.push(bytes), splitter.end()]) {
    for (const line of lines) if (line.tooLong === undefined) records.push({ bytes: line.bytes });
  }
  if (splitter.isFull) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  return records;
}

const REASONS: Readonly<Record<SplitFailure['reason'], string>> = {
  not_json: 'it is no JSON array',
  truncated: 'it ends before its array does',
  too_deep: 'it is nested too deep',
  too_many: 'it holds too many records',
  trailing_bytes: 'something follows its array',
  no_such_member: 'a member is missing',
};

function cutFailure({ reason, at }: SplitFailure, maxRecords: number): TocsinError {
  if (reason === 'too_many') return new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  return new TocsinError('ingest.bad_body', { reason: `${REASONS[reason]} (byte ${at})` });
}
