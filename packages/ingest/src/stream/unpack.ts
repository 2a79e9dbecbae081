/** Bytes that may be packed, as plain bytes: gzip and zstd are told by how they begin, never by a name. Nothing is held but what unpacks. */
import type { Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { asUtf8 } from './utf8-text.ts';

const PIECE_BYTES = 256 * 1024;
/** Packed bytes unpacked at a time: a thousand times as many come out of them at most. */
const PACKED_BYTES = 16 * 1024;
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

/** What unpacks bytes that begin so; undefined where they are plain. */
export function unpackerOf(head: Uint8Array): Transform | undefined {
  if (begins(head, GZIP)) return createGunzip({ chunkSize: PIECE_BYTES });
  return begins(head, ZSTD) ? createZstdDecompress({ chunkSize: PIECE_BYTES }) : undefined;
}

/** Plain bytes of pieces (UTF-16 as UTF-8), of which the first holds at least 4 bytes where there are as many. Ends in the error of zlib where they are damaged or cut off. */
export async function* unpacked(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const { value: first, done } = await iterator.next();
  if (done === true || first === undefined) return;
  const whole = prepend(first, { [Symbol.asyncIterator]: () => iterator });
  const unpacker = unpackerOf(first);
  yield* asUtf8(unpacker === undefined ? whole : unpackThrough(whole, unpacker));
}

/**
 * What an unpacker makes of pieces, whole up to where they are damaged or cut off, and then its error: a stream would throw away what it
 * has unpacked and not given out yet. Small pieces go in, so that little is held however much comes out of them.
 */
export async function* unpackThrough(pieces: AsyncIterable<Uint8Array>, unpacker: Transform): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = [];
  let failure: { readonly error: unknown } | undefined;
  unpacker.on('data', (chunk: Uint8Array) => out.push(chunk));
  unpacker.on('error', (error) => (failure ??= { error }));
  try {
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length && failure === undefined; at += PACKED_BYTES) {
        await written(unpacker, piece.subarray(at, at + PACKED_BYTES));
        yield* out.splice(0);
      }
      if (failure !== undefined) throw failure.error;
    }
    if (!unpacker.closed) {
      const ended = new Promise<void>((done) => unpacker.once('end', done).once('close', done));
      unpacker.end();
      await ended;
    }
    yield* out.splice(0);
    if (failure !== undefined) throw failure.error;
  } finally {
    unpacker.destroy();
  }
}

/** Resolves once bytes were unpacked, or the unpacker has closed: of bytes at which it breaks, zlib says nothing else. */
async function written(unpacker: Transform, bytes: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (unpacker.closed) return;
  unpacker.once('close', resolve);
  unpacker.write(bytes, () => resolve());
  await promise;
  unpacker.off('close', resolve);
}

async function* prepend(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}

function begins(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}
