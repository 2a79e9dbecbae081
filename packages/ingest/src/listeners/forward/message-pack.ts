/**
 * Where MessagePack values end, without reading them (MessagePack specification, "Formats"): cuts a stream into messages and a message into
 * its parts, so that one bad part spoils no other. Reading values is the library's job; here nothing is allocated, whatever a length claims.
 */

/** A walk over one value that may still be coming in. */
export interface ValueScan {
  /** Where the next head is. */
  at: number;
  /** Values still to be passed; 0 when the whole value has been. */
  left: number;
  /** False once something was passed that JSON has no word for: bytes, 64-bit numbers, extensions. */
  isPlain: boolean;
}

/** A scan of the value at `at`. */
export function scanFrom(at: number): ValueScan {
  return { at, left: 1, isPlain: true };
}

/** Goes on as far as the bytes reach; true when the whole value has been passed, its end being `scan.at`. @throws RangeError on a byte that begins nothing */
export function scanOn(scan: ValueScan, bytes: Buffer): boolean {
  while (scan.left > 0) {
    if (scan.at >= bytes.length) return false;
    const head = bytes[scan.at] as number;
    const lengthBytes = LENGTH_BYTES[head] as number;
    if (lengthBytes === UNUSED) throw new RangeError('a byte that begins no MessagePack value');
    if (scan.at + 1 + lengthBytes > bytes.length) return false;
    const count = lengthBytes === 0 ? 0 : bytes.readUIntBE(scan.at + 1, lengthBytes);
    const end = scan.at + 1 + lengthBytes + (FIXED_BYTES[head] as number) + (COUNTS_BYTES[head] === 1 ? count : 0);
    if (end > bytes.length) return false;
    scan.at = end;
    scan.left += childrenOf(head, count) - 1;
    if (SPECIAL[head] === 1) scan.isPlain = false;
  }
  return true;
}

/** End of the whole value at `at`. @throws RangeError where it is none or breaks off */
export function endOfValue(bytes: Buffer, at: number): number {
  const scan = scanFrom(at);
  if (!scanOn(scan, bytes)) throw new RangeError('a value that breaks off');
  return scan.at;
}

/** Values in the array at `at`, and where the first begins; undefined where no array begins there. */
export function openArray(bytes: Buffer, at: number): { length: number; at: number } | undefined {
  const head = bytes[at] ?? NIL;
  if (head >> 4 === 0x9) return { length: head & 15, at: at + 1 };
  if (head === 0xdc && at + 3 <= bytes.length) return { length: bytes.readUInt16BE(at + 1), at: at + 3 };
  return head === 0xdd && at + 5 <= bytes.length ? { length: bytes.readUInt32BE(at + 1), at: at + 5 } : undefined;
}

/** Bytes of the text or binary at `at`; undefined where neither stands there. */
export function bytesAt(bytes: Buffer, at: number): Buffer | undefined {
  const head = bytes[at] ?? NIL;
  if (head >> 5 === 0b101) return bytes.subarray(at + 1, at + 1 + (head & 31));
  if (COUNTS_BYTES[head] !== 1 || (head >= 0xc7 && head <= 0xc9)) return undefined;
  const lengthBytes = LENGTH_BYTES[head] as number;
  const from = at + 1 + lengthBytes;
  return bytes.subarray(from, from + bytes.readUIntBE(at + 1, lengthBytes));
}

/** Head of nil. */
export const NIL = 0xc0;

const UNUSED = 9;
/** By head: bytes of the length that follows it. */
const LENGTH_BYTES = new Uint8Array(256);
/** By head: bytes of the value, beside what a length counts. */
const FIXED_BYTES = new Uint8Array(256);
/** By head: 1 where the length counts bytes. */
const COUNTS_BYTES = new Uint8Array(256);
const SPECIAL = new Uint8Array(256);

function fill(heads: readonly number[], table: Uint8Array, values: readonly number[]): void {
  heads.forEach((head, i) => {
    table[head] = values[i] as number;
  });
}

for (let head = 0xa0; head <= 0xbf; head++) FIXED_BYTES[head] = head & 31;
LENGTH_BYTES[0xc1] = UNUSED;
// bin 8-32, ext 8-32, str 8-32, array 16-32, map 16-32
fill([0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf], LENGTH_BYTES, [1, 2, 4, 1, 2, 4, 1, 2, 4, 2, 4, 2, 4]);
fill([0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xd9, 0xda, 0xdb], COUNTS_BYTES, [1, 1, 1, 1, 1, 1, 1, 1, 1]);
// An extension has a type byte.
fill([0xc7, 0xc8, 0xc9], FIXED_BYTES, [1, 1, 1]);
// float 32-64, uint 8-64, int 8-64, fixext 1-16
fill(
  [0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8],
  FIXED_BYTES,
  [4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17],
);
fill([0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xcf, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8], SPECIAL, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);

/** Values that a head says are within it. */
function childrenOf(head: number, count: number): number {
  if (head < 0x80 || head > 0xdf) return 0;
  if (head < 0x90) return 2 * (head & 15);
  if (head < 0xa0) return head & 15;
  if (head === 0xdc || head === 0xdd) return count;
  return head === 0xde || head === 0xdf ? 2 * count : 0;
}
