/**
 * What a spool's files are made of: one frame per batch, whole or not there. A frame is a mark, the length of its body, the CRC-32 of it, and
 * the body: a JSON head with the batch's key, then each record's facts and bytes. All numbers are little-endian and 32 bits wide.
 */
import { crc32 } from 'node:zlib';
import type { Envelope, RawRecord, Refusal } from '../../source.ts';

/** Records that are given together, under one key, now and whenever they are given again. */
export interface SpooledBatch {
  readonly key: string;
  /** When they were taken in, milliseconds since 1970. */
  readonly receivedMs: number;
  /** Sequence number of the first; the others follow. */
  readonly first: number;
  readonly records: readonly RawRecord[];
}

/** Bytes before a frame's body. */
export const FRAME_HEAD_BYTES = 12;
/** Longest body that is believed: the records of one batch and their facts. */
export const MAX_BODY_BYTES = 64 << 20;
const MARK = 0x31505354; // "TSP1"

/** A batch as bytes. */
export function encodeFrame({ key, receivedMs, first, records }: SpooledBatch): Buffer {
  const parts: Uint8Array[] = [withLength(Buffer.from(JSON.stringify({ key, receivedMs, first, count: records.length })))];
  for (const { bytes, envelope, refused } of records) {
    const facts = envelope === undefined && refused === undefined ? '' : JSON.stringify({ envelope, refused });
    parts.push(withLength(Buffer.from(facts)), numbers(bytes.length), bytes);
  }
  const body = Buffer.concat(parts);
  return Buffer.concat([numbers(MARK, body.length, crc32(body)), body]);
}

/** Length of the body after a frame's head; undefined where it is no head. */
export function bodyLength(head: Buffer): number | undefined {
  if (head.length < FRAME_HEAD_BYTES || head.readUInt32LE(0) !== MARK) return undefined;
  const length = head.readUInt32LE(4);
  return length <= MAX_BODY_BYTES ? length : undefined;
}

/**
 * The batch of a frame, or its first `maxRecords` records; undefined where its bytes are not those that were written.
 * @throws RangeError, SyntaxError where whoever wrote it did not keep to the form
 */
export function decodeFrame(head: Buffer, body: Buffer, maxRecords = Number.POSITIVE_INFINITY): SpooledBatch | undefined {
  if (bodyLength(head) !== body.length || head.readUInt32LE(8) !== crc32(body)) return undefined;
  let at = 0;
  const take = (): Buffer => {
    const length = body.readUInt32LE(at);
    at += 4 + length;
    if (at > body.length) throw new RangeError('a part is longer than what holds it');
    return body.subarray(at - length, at);
  };
  const { key, receivedMs, first, count } = JSON.parse(take().toString()) as Omit<SpooledBatch, 'records'> & { count: number };
  const records: RawRecord[] = [];
  for (let i = 0; i < Math.min(count, maxRecords); i++) {
    const facts = take().toString();
    records.push({ ...((facts === '' ? {} : JSON.parse(facts)) as { envelope?: Envelope; refused?: Refusal }), bytes: take(), receivedMs });
  }
  return { key, receivedMs, first, records };
}

function withLength(bytes: Buffer): Buffer {
  return Buffer.concat([numbers(bytes.length), bytes]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32LE(value, 4 * i);
  return bytes;
}
