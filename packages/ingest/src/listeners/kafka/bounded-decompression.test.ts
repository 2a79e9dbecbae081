/** Batches unpack to what was packed, and to no more than the bound. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import { expect, test } from 'vitest';
import { boundDecompression } from './bounded-decompression.ts';
import { STAND_IN_HEADER } from './stand-in-records.ts';

const ALGORITHMS = ['gzip', 'zstd', 'snappy', 'lz4'] as const;
const pack = (name: (typeof ALGORITHMS)[number], bytes: Buffer): Buffer => {
  if (name === 'gzip') return gzipSync(bytes);
  if (name === 'zstd') return zstdCompressSync(bytes);
  return Buffer.from(compressionsAlgorithms[name].compressSync(bytes) as Uint8Array);
};

test.each(ALGORITHMS)('%s: a batch comes back as it was, a bomb does not', (name) => {
  boundDecompression(8 << 20);
  const { decompressSync } = compressionsAlgorithms[name];
  const honest = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 7919) & 255));
  expect(Buffer.compare(Buffer.from(decompressSync(pack(name, honest)) as Uint8Array), honest)).toBe(0);
  const bomb = pack(name, Buffer.alloc(40 << 20));
  const before = process.memoryUsage().rss;
  const standIns = Buffer.from(decompressSync(bomb) as Uint8Array);
  expect(standIns.indexOf(STAND_IN_HEADER)).toBeGreaterThan(0);
  expect(standIns.length).toBeLessThan(30 << 20);
  expect(process.memoryUsage().rss - before).toBeLessThan(80 << 20);
});

test('what is malformed is refused, and nothing hangs', () => {
  boundDecompression(8 << 20);
  for (const name of ALGORITHMS) {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(100, 255), pack(name, Buffer.from('x'.repeat(1000))).subarray(0, 15)]) {
      try {
        const plain = Buffer.from(compressionsAlgorithms[name].decompressSync(bytes) as Uint8Array);
        expect(plain.includes(STAND_IN_HEADER) || plain.length <= 8 << 20).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }
  }
});
