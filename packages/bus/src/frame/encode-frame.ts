/** Writing a frame: prelude, metadata, columns, records (docs/reference/wire.md). Reading is in `open-frame.ts`. */
import { constants, zstdCompressSync } from 'node:zlib';
import { type FrameHeader, type FrameRecord, TocsinError } from '@tocsin/core';
import { crc32c } from './crc32c.ts';
import { encodeColumns } from './encode-columns.ts';
import {
  COMPRESS_FROM_BYTES,
  FLAG_ZSTD,
  MAGIC,
  MAX_COLUMNS_BYTES,
  MAX_EVENT_BYTES,
  MAX_FRAME_BYTES,
  MAX_FRAME_EVENTS,
  PRELUDE,
  VERSION,
} from './frame-layout.ts';
import { freeBytes } from './free-bytes.ts';
import { writeInt64 } from './int64.ts';

/** What the framer says of a frame; count and times come from its records. */
export type FrameFields = Omit<FrameHeader, 'count' | 'minTimeMs' | 'maxTimeMs'> & {
  /** Version of each mapping that read a record of this frame, by mapping id. */
  readonly mappingVersions?: Readonly<Record<string, string>> | undefined;
};

const ZSTD_LEVEL = 1;

/**
 * Bytes of a frame: 1 … 512 records, together at most 256 KiB; or one record of at most 1 MiB. Text that is no well-formed
 * Unicode is written with U+FFFD in place of each lone surrogate. @throws bus.too_large beyond these limits
 */
export function encodeFrame(fields: FrameFields, records: readonly FrameRecord[]): Uint8Array<ArrayBuffer> {
  const recordsBytes = checkedSize(fields, records);
  const columns = encodeColumns(records);
  if (columns.length > MAX_COLUMNS_BYTES) throw tooLarge(fields, columns.length, MAX_COLUMNS_BYTES);
  const plainBytes = columns.length + recordsBytes;
  const compress = plainBytes >= COMPRESS_FROM_BYTES;
  const plain = joinBody(columns, records, plainBytes);
  // One output chunk of the input's size: the default of 16 KiB chunks costs a copy, and what is not written is never touched.
  const capacity = Math.max(plainBytes, 1024);
  const packed = compress
    ? zstdCompressSync(plain, { chunkSize: capacity, params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
    : plain;
  const useful = compress && packed.length < plainBytes;
  const body = useful ? packed : plain;
  const metadata = encodeMetadata(fields, useful);

  const frame = Buffer.allocUnsafeSlow(PRELUDE.size + metadata.length + body.length);
  frame.set(metadata, PRELUDE.size);
  frame.set(body, PRELUDE.size + metadata.length);
  const bodyBytes = body.length;
  if (compress) freeBytes(packed, capacity);
  freeBytes(plain);
  writePrelude(frame, {
    fields,
    records,
    flags: useful ? FLAG_ZSTD : 0,
    metadataBytes: metadata.length,
    columnsBytes: columns.length,
    recordsBytes,
    bodyBytes,
  });
  return frame;
}

function checkedSize(fields: FrameFields, records: readonly FrameRecord[]): number {
  if (records.length === 0) throw new RangeError('a frame holds at least one record');
  if (records.length > MAX_FRAME_EVENTS) throw tooLarge(fields, records.length, MAX_FRAME_EVENTS);
  let bytes = 0;
  for (const record of records) bytes += record.record.length;
  const maxBytes = records.length === 1 ? MAX_EVENT_BYTES : MAX_FRAME_BYTES;
  if (bytes > maxBytes) throw tooLarge(fields, bytes, maxBytes);
  return bytes;
}

function tooLarge(fields: FrameFields, bytes: number, maxBytes: number): TocsinError {
  return new TocsinError('bus.too_large', { subject: `frame ${fields.id}`, bytes, maxBytes });
}

function joinBody(columns: Uint8Array, records: readonly FrameRecord[], bytes: number): Buffer {
  const body = Buffer.allocUnsafeSlow(bytes);
  body.set(columns, 0);
  let at = columns.length;
  for (const { record } of records) {
    body.set(record, at);
    at += record.length;
  }
  return body;
}

function encodeMetadata(fields: FrameFields, compressed: boolean): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: fields.id,
      tenant: fields.tenant,
      lane: fields.lane,
      partition: fields.partition,
      epoch: fields.epoch,
      site: fields.site,
      hops: [],
      mappings: fields.mappingVersions ?? {},
      compression: compressed ? 'zstd' : 'none',
      key: null,
      signature: null,
    }),
  );
}

interface PreludeFacts {
  readonly fields: FrameFields;
  readonly records: readonly FrameRecord[];
  readonly flags: number;
  readonly metadataBytes: number;
  readonly columnsBytes: number;
  readonly recordsBytes: number;
  readonly bodyBytes: number;
}

function writePrelude(frame: Buffer, facts: PreludeFacts): void {
  let minTimeMs = Number.POSITIVE_INFINITY;
  let maxTimeMs = Number.NEGATIVE_INFINITY;
  for (const { timeMs } of facts.records) {
    if (timeMs < minTimeMs) minTimeMs = timeMs;
    if (timeMs > maxTimeMs) maxTimeMs = timeMs;
  }
  frame.writeUInt32LE(MAGIC, PRELUDE.magic);
  frame.writeUInt32LE(VERSION, PRELUDE.version);
  frame.writeUInt32LE(facts.flags, PRELUDE.flags);
  frame.writeUInt32LE(facts.metadataBytes, PRELUDE.metadataBytes);
  frame.writeUInt32LE(facts.columnsBytes, PRELUDE.columnsBytes);
  frame.writeUInt32LE(facts.recordsBytes, PRELUDE.recordsBytes);
  frame.writeUInt32LE(facts.bodyBytes, PRELUDE.bodyBytes);
  frame.writeUInt32LE(facts.records.length, PRELUDE.count);
  frame.writeUInt32LE(0, PRELUDE.reserved);
  writeInt64(frame, PRELUDE.minTimeMs, Math.floor(minTimeMs));
  writeInt64(frame, PRELUDE.maxTimeMs, Math.floor(maxTimeMs));
  writeInt64(frame, PRELUDE.ordinal, facts.fields.ordinal);
  frame.writeUInt32LE(crc32c(frame.subarray(PRELUDE.covered)), PRELUDE.crc);
}
