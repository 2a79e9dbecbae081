/** Signed 64-bit little-endian integers within ±2^53, as two halves: BigInt would cost an allocation per value. */

const TWO_32 = 4294967296;

/** Writes an integer of at most 53 bits. */
export function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  writeUint32(bytes, at, value - high * TWO_32);
  writeUint32(bytes, at + 4, high);
}

/** Reads what `writeInt64` wrote; beyond 53 bits the result is not exact. */
export function readInt64(bytes: Uint8Array, at: number): number {
  return (readUint32(bytes, at + 4) | 0) * TWO_32 + readUint32(bytes, at);
}

/** Writes the low 32 bits of a number. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Reads an unsigned 32-bit number; `at + 4` must lie within the bytes. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
  );
}
