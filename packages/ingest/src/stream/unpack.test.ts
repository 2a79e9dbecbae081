/** Packed bytes that are damaged: unpacking ends, wherever the damage is, with what stood before it and the error. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unpacked } from './unpack.ts';

const plain = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `line ${i} ${(i * 7919) % 1000}\n`).join(''));

async function unpack(bytes: Uint8Array, pieceBytes: number): Promise<{ text: string; error: string | undefined }> {
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
  };
  const out: Uint8Array[] = [];
  try {
    for await (const piece of unpacked(pieces())) out.push(piece);
    return { text: Buffer.concat(out).toString(), error: undefined };
  } catch (error) {
    return { text: Buffer.concat(out).toString(), error: (error as NodeJS.ErrnoException).code };
  }
}

test.each([
  ['gzip', gzipSync(plain), 7],
  ['zstd', zstdCompressSync(plain), 255],
] as const)('%s', async (_, packed, filler) => {
  expect((await unpack(packed, 10_000)).text).toBe(plain.toString());
  // After the mark at the beginning, in the middle of a piece, at the end of one, in what comes last.
  for (const at of [20, 5000, 16_384, packed.length - 600])
    for (const pieceBytes of [1000, 16 * 1024, packed.length]) {
      const { text, error } = await unpack(Buffer.concat([packed.subarray(0, at), Buffer.alloc(500, filler)]), pieceBytes);
      expect(error).toMatch(/^Z/);
      expect(plain.toString().startsWith(text) || text.length > at).toBe(true);
    }
});

test.each([
  ['UTF-16LE', [0xff, 0xfe], (text: string) => Buffer.from(text, 'utf16le')],
  ['UTF-16BE', [0xfe, 0xff], (text: string) => Buffer.from(text, 'utf16le').swap16()],
] as const)('%s with its mark is read as UTF-8, however it is cut and also packed', async (_, mark, encode) => {
  const text = 'user=änn event=login\r\nuser=\u{1f600} event=login\n';
  const wide = Buffer.concat([Buffer.from(mark), encode(text)]);
  for (const bytes of [wide, gzipSync(wide)])
    for (const pieceBytes of [1, 3, 1000]) expect((await unpack(bytes, pieceBytes < 4 && bytes !== wide ? 4 : pieceBytes)).text).toBe(text);
  expect((await unpack(wide.subarray(0, -1), 5)).text).toBe(`${text.slice(0, -1)}\ufffd`);
});

test.each([[[]], [[0xff]], [[0xff, 0xfd, 0x0a]], [[0x61]]])('bytes %j have no mark and stay as they are', async (bytes) => {
  expect(Buffer.from(await collect(Buffer.from(bytes)))).toEqual(Buffer.from(bytes));
});

async function collect(bytes: Uint8Array): Promise<Uint8Array> {
  const out: Uint8Array[] = [];
  for await (const piece of unpacked(
    (async function* () {
      yield bytes;
    })(),
  ))
    out.push(piece);
  return Buffer.concat(out);
}
