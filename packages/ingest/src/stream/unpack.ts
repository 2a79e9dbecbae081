/** Bytes that may be packed, as plain bytes: gzip and zstd are told by how they begin, never by a name. Nothing is held but what unpacks. */
import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';

const PIECE_BYTES = 256 * 1024;
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** What unpacks bytes that begin so; undefined where they are plain. */
export function unpackerOf(head: Uint8Array): Transform | undefined {
  if (begins(head, GZIP)) return createGunzip({ chunkSize: PIECE_BYTES });
  return begins(head, ZSTD) ? createZstdDecompress({ chunkSize: PIECE_BYTES }) : undefined;
}

/** Plain bytes of pieces, of which the first holds at least 4 bytes where there are as many. Ends in the error of zlib where they are damaged or cut off. */
export async function* unpacked(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const { value: first, done } = await iterator.next();
  if (done === true || first === undefined) return;
  const whole = Readable.from(prepend(first, { [Symbol.asyncIterator]: () => iterator }), { objectMode: false });
  const unpacker = unpackerOf(first);
  // An error of either end is what the iteration of the last one ends in.
  yield* (unpacker === undefined ? whole : pipeline(whole, unpacker, () => undefined)) as AsyncIterable<Uint8Array>;
}

async function* prepend(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
