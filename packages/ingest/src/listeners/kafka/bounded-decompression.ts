/**
 * Puts a bound on what batches unpack to: the client unpacks them whole, whatever they hold, and one of a megabyte may hold a gigabyte. The client
 * has no setting for it, so the functions in its table of algorithms are replaced, once for the process. What is over the bound unpacks to
 * stand-ins (`stand-in-records.ts`), since an error would hold up its partition for good.
 */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { decompressSnappy } from '../../snappy/snappy-block.ts';
import { standInRecords } from './stand-in-records.ts';

/** Most bytes of a batch, unpacked: brokers take batches of 1 MiB, packed, where nothing else is configured. */
export const MAX_BATCH_BYTES = 64 << 20;

/** How xerial's framing of Snappy begins; its blocks follow at byte 16. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEAD_BYTES = 16;
/** LZ4 frames: magic number, and largest block by the four bits that say it (LZ4 Frame Format 1.6.2). */
const LZ4 = 0x184d2204;
const LZ4_BLOCK_BYTES: ReadonlyMap<number, number> = new Map([
  [4, 64 << 10],
  [5, 256 << 10],
  [6, 1 << 20],
  [7, 4 << 20],
]);

type Packed = Parameters<(typeof compressionsAlgorithms)['gzip']['decompressSync']>[0];

/** Replaces the client's functions. May be called again. */
export function boundDecompression(maxBytes = MAX_BATCH_BYTES): void {
  const { gzip, zstd, snappy, lz4 } = compressionsAlgorithms;
  const replace = (algorithm: object, unpack: (data: Packed) => Buffer): void => {
    Object.assign(algorithm, { decompressSync: (data: Packed) => orStandIns(() => unpack(data)) });
  };
  replace(gzip, (data) => inflate(() => gunzipSync(bytesOf(data), { maxOutputLength: maxBytes }), maxBytes));
  replace(zstd, (data) => inflate(() => zstdDecompressSync(bytesOf(data), { maxOutputLength: maxBytes }), maxBytes));
  replace(snappy, (data) => unpackSnappy(bytesOf(data), maxBytes));
  replace(lz4, (data) => {
    if (mostOfLz4(bytesOf(data)) > maxBytes) throw tooLarge(maxBytes);
    return originals.lz4(data) as Buffer;
  });
}

function orStandIns(unpack: () => Buffer): Buffer {
  try {
    return unpack();
  } catch (error) {
    if (isTocsinError(error, 'ingest.body_too_large')) return standInRecords();
    throw error;
  }
}

/** The one function of the client that is still used. */
const originals = { lz4: compressionsAlgorithms.lz4.decompressSync };

function bytesOf(data: Packed): Buffer {
  return Buffer.isBuffer(data) ? data : (data as { readonly buffer: Buffer }).buffer;
}

function inflate(work: () => Buffer, maxBytes: number): Buffer {
  try {
    return work();
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : error;
  }
}

function unpackSnappy(data: Buffer, maxBytes: number): Buffer {
  if (!data.subarray(0, XERIAL.length).equals(XERIAL)) return decompressSnappy(data, maxBytes);
  const blocks: Buffer[] = [];
  let left = maxBytes;
  for (let at = XERIAL_HEAD_BYTES; at < data.length; ) {
    if (at + 4 > data.length) throw new RangeError('a Snappy block breaks off');
    const end = at + 4 + data.readUInt32BE(at);
    if (end > data.length) throw new RangeError('a Snappy block breaks off');
    const block = decompressSnappy(data.subarray(at + 4, end), left);
    left -= block.length;
    blocks.push(block);
    at = end;
  }
  return Buffer.concat(blocks);
}

/** The most that frames can unpack to: as many full blocks as they have. Infinite where they are malformed in a way that could hide some. */
function mostOfLz4(data: Buffer): number {
  let most = 0;
  for (let at = 0; at + 7 <= data.length; ) {
    const frame = data.readUInt32LE(at) === LZ4 ? frameOf(data, at) : undefined;
    if (frame === undefined) return at === 0 ? Number.POSITIVE_INFINITY : most;
    most += frame.blocks * frame.blockBytes;
    at = frame.end;
  }
  return most;
}

/** Blocks of the frame at a place, and where it ends; undefined where it says no size of blocks. */
function frameOf(data: Buffer, start: number): { blocks: number; blockBytes: number; end: number } | undefined {
  const has = (flag: number): boolean => ((data[start + 4] ?? 0) & flag) !== 0;
  const blockBytes = LZ4_BLOCK_BYTES.get(((data[start + 5] ?? 0) >> 4) & 7);
  if (blockBytes === undefined) return undefined;
  const [contentSize, dictionary, blockSum, contentSum] = [has(0x08), has(0x01), has(0x10), has(0x04)];
  let at = start + 7 + (contentSize ? 8 : 0) + (dictionary ? 4 : 0);
  for (let blocks = 0; ; blocks++) {
    const size = at + 4 > data.length ? 0 : data.readUInt32LE(at) & 0x7fffffff;
    at += 4;
    if (size === 0) return { blocks, blockBytes, end: at + (contentSum ? 4 : 0) };
    at += size + (blockSum ? 4 : 0);
  }
}

function tooLarge(max: number): TocsinError {
  return new TocsinError('ingest.body_too_large', { what: 'bytes of a batch after decompression', max });
}
