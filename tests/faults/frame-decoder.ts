/**
 * A minimal decoder of frames, written from docs/reference/wire.md alone: what the independent reader needs to say which events a
 * frame holds. Shares no code with the packages, so that a mistake there cannot hide itself here.
 */
import { zstdDecompressSync } from 'node:zlib';

/** One event of a frame. */
export type DecodedEvent = { readonly id: string; readonly source: string; readonly isProducerId: boolean; readonly record: Uint8Array };

/** A frame as far as the checker cares. */
export type DecodedFrame = {
  readonly tenant: string;
  readonly lane: string;
  readonly partition: number;
  readonly epoch: string;
  readonly ordinal: number;
  readonly events: readonly DecodedEvent[];
};

const PRELUDE_BYTES = 64;
const COLUMN = { ends: 1, id: 2, source: 3, isProducerId: 8 } as const;

/** @throws when the bytes break the page's rules. */
export function decodeFrame(frame: Buffer): DecodedFrame {
  if (frame.toString('latin1', 0, 4) !== 'TOCF' || frame.readUInt32LE(4) !== 1) throw new Error('no frame of version 1');
  if (frame.readUInt32LE(8) !== crc32c(frame.subarray(12))) throw new Error('wrong checksum');
  const [flags, metadataBytes, columnsBytes, recordsBytes, bodyBytes, count] = [12, 16, 20, 24, 28, 32].map((at) => frame.readUInt32LE(at));
  if (flags === undefined || metadataBytes === undefined || columnsBytes === undefined) throw new Error('short prelude');
  if (recordsBytes === undefined || bodyBytes === undefined || count === undefined) throw new Error('short prelude');
  if (frame.length !== PRELUDE_BYTES + metadataBytes + bodyBytes) throw new Error('wrong length');
  const metadata = JSON.parse(frame.toString('utf8', PRELUDE_BYTES, PRELUDE_BYTES + metadataBytes)) as Omit<DecodedFrame, 'events'>;
  const raw = frame.subarray(PRELUDE_BYTES + metadataBytes);
  const body = (flags & 1) === 1 ? zstdDecompressSync(raw, { maxOutputLength: columnsBytes + recordsBytes }) : raw;
  if (body.length !== columnsBytes + recordsBytes) throw new Error('wrong length of the body');
  const columns = readColumns(body.subarray(0, columnsBytes));
  const { tenant, lane, partition, epoch } = metadata;
  const ordinal = Number(frame.readBigInt64LE(56));
  return { tenant, lane, partition, epoch, ordinal, events: readEvents(columns, body.subarray(columnsBytes), count) };
}

function readColumns(bytes: Buffer): Map<number, Buffer> {
  const columns = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 4);
    columns.set(bytes.readUInt16LE(at), bytes.subarray(at + 8, at + 8 + length));
    at += 8 + length;
  }
  return columns;
}

function readEvents(columns: ReadonlyMap<number, Buffer>, records: Buffer, count: number): DecodedEvent[] {
  const ends = columns.get(COLUMN.ends);
  const ids = columns.get(COLUMN.id);
  if (ends === undefined || ids === undefined) throw new Error('a required column is missing');
  const texts = readTexts(ids, count);
  const sources = readDictionary(columns.get(COLUMN.source), count);
  const bits = columns.get(COLUMN.isProducerId);
  return Array.from({ length: count }, (_, i) => ({
    id: texts[i] ?? '',
    source: sources[i] ?? '',
    isProducerId: ((bits?.[i >> 3] ?? 0) & (1 << (i & 7))) !== 0,
    record: records.subarray(i === 0 ? 0 : ends.readUInt32LE(4 * (i - 1)), ends.readUInt32LE(4 * i)),
  }));
}

function readTexts(bytes: Buffer, count: number): string[] {
  const start = 4 * count;
  return Array.from({ length: count }, (_, i) =>
    bytes.toString('utf8', start + (i === 0 ? 0 : bytes.readUInt32LE(4 * (i - 1))), start + bytes.readUInt32LE(4 * i)),
  );
}

function readDictionary(bytes: Buffer | undefined, count: number): string[] {
  if (bytes === undefined) return Array.from({ length: count }, () => '');
  const words = readTexts(bytes.subarray(4 + 2 * count), bytes.readUInt32LE(0));
  return Array.from({ length: count }, (_, i) => words[bytes.readUInt16LE(4 + 2 * i) - 1] ?? '');
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Castagnoli, reflected (RFC 3720 appendix B.4). */
function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
