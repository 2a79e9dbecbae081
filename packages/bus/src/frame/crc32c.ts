/**
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), eight bytes at a step ("slicing by 8"): guards a frame against damage on
 * the way. node:zlib has the IEEE polynomial only. Promises nothing against malice.
 */

const POLYNOMIAL = 0x82f63b78;
const TABLES = makeTables();

/** CRC-32C of bytes as an unsigned 32-bit number; `crc32c('123456789')` is 0xe3069283. */
export function crc32c(bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  const words = bytes.length - (bytes.length % 8);
  let crc = -1;
  let i = 0;
  for (; i < words; i += 8) {
    const low = crc ^ at(bytes, i) ^ (at(bytes, i + 1) << 8) ^ (at(bytes, i + 2) << 16) ^ (at(bytes, i + 3) << 24);
    crc =
      at(t7, low & 255) ^
      at(t6, (low >>> 8) & 255) ^
      at(t5, (low >>> 16) & 255) ^
      at(t4, low >>> 24) ^
      at(t3, at(bytes, i + 4)) ^
      at(t2, at(bytes, i + 5)) ^
      at(t1, at(bytes, i + 6)) ^
      at(t0, at(bytes, i + 7));
  }
  for (; i < bytes.length; i++) crc = at(t0, (crc ^ at(bytes, i)) & 255) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Every index here is within bounds by construction; the compiler cannot know. */
function at(table: Int32Array | Uint8Array, index: number): number {
  return table[index] as number;
}

type Tables = readonly [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

function makeTables(): Tables {
  const first = Int32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    return crc;
  });
  const tables = [first];
  for (let k = 1; k < 8; k++) {
    const before = tables[k - 1] as Int32Array;
    tables.push(before.map((crc) => at(first, crc & 255) ^ (crc >>> 8)));
  }
  return tables as unknown as Tables;
}
