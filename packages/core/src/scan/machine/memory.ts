/**
 * What the machine's sources stand on when they run as TypeScript: the memory and the few primitives that WebAssembly does with vectors.
 * The module is compiled from the same sources with `assembly/primitives.ts` in this file's place; both must agree to the byte.
 */

import { CASED } from './layout.data.ts';

/** A whole number of 32 bits, as AssemblyScript calls it. */
export type i32 = number;

/** The bytes that tables, batches and results lie in. Words are addressed by byte and aligned to four. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Int32Array;
}

const BACKSLASH = 0x5c;
const QUOTE = 0x22;

/** Byte at an address. */
export function u8At(m: Memory, at: i32): i32 {
  return m.bytes[at] as i32;
}

/** Writes a byte. */
export function setU8(m: Memory, at: i32, value: i32): void {
  m.bytes[at] = value;
}

/** Half word at an even address. */
export function u16At(m: Memory, at: i32): i32 {
  return m.halves[at >> 1] as i32;
}

/** Word at an address that four divides. */
export function i32At(m: Memory, at: i32): i32 {
  return m.words[at >> 2] as i32;
}

/** Writes a word. */
export function setI32(m: Memory, at: i32, value: i32): void {
  m.words[at >> 2] = value;
}

/** Up to four bytes from any address as one number, the first lowest. */
export function bytesAt(m: Memory, at: i32, count: i32): i32 {
  let value = 0;
  for (let i = 0; i < count; i++) value |= u8At(m, at + i) << (8 * i);
  return value;
}

/** Product modulo 2^32. */
export function multiply(a: i32, b: i32): i32 {
  return Math.imul(a, b);
}

/** First quote or backslash in [at, end), else end. */
export function findQuoteOrBackslash(m: Memory, at: i32, end: i32): i32 {
  let p = at;
  while (p < end && u8At(m, p) !== QUOTE && u8At(m, p) !== BACKSLASH) p++;
  return p;
}

/** First quote in [at, end) that no backslash escapes, else end; `at` lies behind the opening quote. */
export function findStringEnd(m: Memory, at: i32, end: i32): i32 {
  let p = at;
  while (p < end && u8At(m, p) !== QUOTE) p += u8At(m, p) === BACKSLASH ? 2 : 1;
  return p < end ? p : end;
}

/** First quote or bracket of any kind in [at, end), else end. */
export function findStructure(m: Memory, at: i32, end: i32): i32 {
  let p = at;
  while (p < end && u8At(m, p) !== QUOTE && !isBracket(u8At(m, p))) p++;
  return p;
}

function isBracket(byte: i32): boolean {
  const folded = byte & 0xdf;
  return folded === 0x5b || folded === 0x5d;
}

/** Copies up to the first backslash, ASCII letters in lower case, and `CASED` bytes behind as they are; bytes copied. Bytes from 0x80 on set bit 0 of the word at `flags`. */
export function foldUntilBackslash(m: Memory, to: i32, from: i32, length: i32, flags: i32): i32 {
  let i = 0;
  for (; i < length; i++) {
    const byte = u8At(m, from + i);
    if (byte === BACKSLASH) return i;
    if (byte >= 0x80) setI32(m, flags, i32At(m, flags) | 1);
    setU8(m, to + i, byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
    setU8(m, to + CASED + i, byte);
  }
  return i;
}

/** As above, backslashes copied like any byte. */
export function foldAll(m: Memory, to: i32, from: i32, length: i32, flags: i32): void {
  for (let i = 0; i < length; i++) {
    const byte = u8At(m, from + i);
    if (byte >= 0x80) setI32(m, flags, i32At(m, flags) | 1);
    setU8(m, to + i, byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);
    setU8(m, to + CASED + i, byte);
  }
}

/** Whether two stretches hold the same bytes. */
export function sameBytes(m: Memory, a: i32, b: i32, length: i32): boolean {
  for (let i = 0; i < length; i++) if (u8At(m, a + i) !== u8At(m, b + i)) return false;
  return true;
}

/** First such byte in [at, end), else end. */
export function findByte(m: Memory, at: i32, end: i32, byte: i32): i32 {
  let p = at;
  while (p < end && u8At(m, p) !== byte) p++;
  return p;
}

/** First byte from 0x80 on in [at, end), else end. */
export function findWide(m: Memory, at: i32, end: i32): i32 {
  let p = at;
  while (p < end && u8At(m, p) < 0x80) p++;
  return p;
}

/** First place in [at, end) where four bytes in a row may be a fingerprint, else end; the word at `buckets` says of which buckets. */
export function findFingerprint(m: Memory, masks: i32, at: i32, end: i32, buckets: i32): i32 {
  for (let p = at; p < end; p++) {
    let found = 0xff;
    for (let i = 0; i < 4; i++) {
      const byte = u8At(m, p + i);
      found &= u8At(m, masks + i * 32 + (byte & 15)) & u8At(m, masks + i * 32 + 16 + (byte >> 4));
    }
    if (found !== 0) {
      setI32(m, buckets, found);
      return p;
    }
  }
  return end;
}

/** Whether a stretch, its ASCII letters in lower case, is another. */
export function sameFolded(m: Memory, a: i32, b: i32, length: i32): boolean {
  for (let i = 0; i < length; i++) {
    const byte = u8At(m, a + i);
    if ((byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte) !== u8At(m, b + i)) return false;
  }
  return true;
}

/** Moves bytes; the stretches may overlap. */
export function moveBytes(m: Memory, to: i32, from: i32, length: i32): void {
  m.bytes.copyWithin(to, from, from + length);
}
