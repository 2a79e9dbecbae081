/**
 * AssemblyScript, not TypeScript: stands in the place of `src/scan/machine/memory.ts` when the module is compiled
 * (`scripts/build-wasm.ts`). Same functions, over WebAssembly's memory and with 16-byte vectors. Loads may reach up to 63 bytes behind
 * what is asked for; every stretch of memory has that room behind it.
 */

type Memory = i32;

// @ts-ignore: decorator
@inline
function u8At(m: Memory, at: i32): i32 {
  return load<u8>(at);
}

// @ts-ignore: decorator
@inline
function setU8(m: Memory, at: i32, value: i32): void {
  store<u8>(at, value);
}

// @ts-ignore: decorator
@inline
function u16At(m: Memory, at: i32): i32 {
  return load<u16>(at);
}

// @ts-ignore: decorator
@inline
function i32At(m: Memory, at: i32): i32 {
  return load<i32>(at);
}

// @ts-ignore: decorator
@inline
function setI32(m: Memory, at: i32, value: i32): void {
  store<i32>(at, value);
}

// @ts-ignore: decorator
@inline
function bytesAt(m: Memory, at: i32, count: i32): i32 {
  const word = load<u32>(at);
  return count === 4 ? (word as i32) : ((word & ((1 << (8 * count)) - 1)) as i32);
}

// @ts-ignore: decorator
@inline
function multiply(a: i32, b: i32): i32 {
  return a * b;
}

// @ts-ignore: decorator
@inline
function least32(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

function findQuoteOrBackslash(m: Memory, at: i32, end: i32): i32 {
  const quote = i8x16.splat(0x22);
  const slash = i8x16.splat(0x5c);
  for (let p = at; p < end; p += 16) {
    const block = v128.load(p);
    const mask = i8x16.bitmask(v128.or(i8x16.eq(block, quote), i8x16.eq(block, slash)));
    if (mask !== 0) return least32(p + ctz(mask), end);
  }
  return end;
}

/** Looks for quotes only, and counts the backslashes before one that was found. */
function findStringEnd(m: Memory, at: i32, end: i32): i32 {
  const quote = i8x16.splat(0x22);
  let p = at;
  while (p < end) {
    // Long strings: four vectors at a time, until one holds a quote.
    while (p + 64 <= end) {
      const any = v128.or(
        v128.or(i8x16.eq(v128.load(p), quote), i8x16.eq(v128.load(p, 16), quote)),
        v128.or(i8x16.eq(v128.load(p, 32), quote), i8x16.eq(v128.load(p, 48), quote)),
      );
      if (v128.any_true(any)) break;
      p += 64;
    }
    if (p >= end) return end;
    let mask = i8x16.bitmask(i8x16.eq(v128.load(p), quote));
    while (mask !== 0) {
      const found = p + ctz(mask);
      if (found >= end) return end;
      let q = found;
      while (q > at && load<u8>(q - 1) === 0x5c) q--;
      if (((found - q) & 1) === 0) return found;
      mask &= mask - 1;
    }
    p += 16;
  }
  return end;
}

function findStructure(m: Memory, at: i32, end: i32): i32 {
  const quote = i8x16.splat(0x22);
  const open = i8x16.splat(0x5b);
  const close = i8x16.splat(0x5d);
  const fold = i8x16.splat(0xdf as i8);
  for (let p = at; p < end; p += 16) {
    const block = v128.load(p);
    const folded = v128.and(block, fold);
    const found = v128.or(i8x16.eq(block, quote), v128.or(i8x16.eq(folded, open), i8x16.eq(folded, close)));
    const mask = i8x16.bitmask(found);
    if (mask !== 0) return least32(p + ctz(mask), end);
  }
  return end;
}

// @ts-ignore: decorator
@inline
function lowerCase(block: v128): v128 {
  const isUpper = v128.and(i8x16.gt_s(block, i8x16.splat(0x40)), i8x16.lt_s(block, i8x16.splat(0x5b)));
  return v128.or(block, v128.and(isUpper, i8x16.splat(0x20)));
}

function foldUntilBackslash(m: Memory, to: i32, from: i32, length: i32, flags: i32): i32 {
  const slash = i8x16.splat(0x5c);
  for (let i = 0; i < length; i += 16) {
    const block = v128.load(from + i);
    v128.store(to + i, lowerCase(block));
    v128.store(to + CASED + i, block);
    const left = length - i;
    const within = left >= 16 ? 0xffff : (1 << left) - 1;
    const slashes = i8x16.bitmask(i8x16.eq(block, slash)) & within;
    const wide = i8x16.bitmask(block) & within;
    if ((slashes | wide) !== 0) {
      const stop = slashes === 0 ? 16 : ctz(slashes);
      if ((wide & ((1 << stop) - 1)) !== 0) store<i32>(flags, load<i32>(flags) | 1);
      if (slashes !== 0) return i + stop;
    }
  }
  return length;
}

function foldAll(m: Memory, to: i32, from: i32, length: i32, flags: i32): void {
  let wide = 0;
  for (let i = 0; i < length; i += 16) {
    const block = v128.load(from + i);
    v128.store(to + i, lowerCase(block));
    v128.store(to + CASED + i, block);
    const left = length - i;
    wide |= i8x16.bitmask(block) & (left >= 16 ? 0xffff : (1 << left) - 1);
  }
  if (wide !== 0) store<i32>(flags, load<i32>(flags) | 1);
}

function sameBytes(m: Memory, a: i32, b: i32, length: i32): bool {
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(v128.load(a + i), v128.load(b + i)))) return false;
  }
  if (i === length) return true;
  const within = (1 << (length - i)) - 1;
  return (i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i))) & within) === 0;
}

function findByte(m: Memory, at: i32, end: i32, byte: i32): i32 {
  const wanted = i8x16.splat(byte as i8);
  for (let p = at; p < end; p += 16) {
    const mask = i8x16.bitmask(i8x16.eq(v128.load(p), wanted));
    if (mask !== 0) return least32(p + ctz(mask), end);
  }
  return end;
}

function findWide(m: Memory, at: i32, end: i32): i32 {
  for (let p = at; p < end; p += 16) {
    const mask = i8x16.bitmask(v128.load(p));
    if (mask !== 0) return least32(p + ctz(mask), end);
  }
  return end;
}

// Buckets that one byte of a fingerprint leaves possible, for 16 places.
// @ts-ignore: decorator
@inline
function possible(block: v128, low: v128, high: v128): v128 {
  const nibble = i8x16.splat(15);
  return v128.and(i8x16.relaxed_swizzle(low, v128.and(block, nibble)), i8x16.relaxed_swizzle(high, i8x16.shr_u(block, 4)));
}

function findFingerprint(m: Memory, masks: i32, at: i32, end: i32, buckets: i32): i32 {
  const low0 = v128.load(masks);
  const high0 = v128.load(masks, 16);
  const low1 = v128.load(masks, 32);
  const high1 = v128.load(masks, 48);
  const low2 = v128.load(masks, 64);
  const high2 = v128.load(masks, 80);
  const low3 = v128.load(masks, 96);
  const high3 = v128.load(masks, 112);
  const zero = i8x16.splat(0);
  for (let p = at; p < end; p += 16) {
    const first = v128.and(possible(v128.load(p), low0, high0), possible(v128.load(p, 1), low1, high1));
    const found = v128.and(first, v128.and(possible(v128.load(p, 2), low2, high2), possible(v128.load(p, 3), low3, high3)));
    if (v128.any_true(found)) {
      const place = p + ctz(i8x16.bitmask(i8x16.ne(found, zero)));
      if (place >= end) return end;
      store<i32>(buckets, bucketsAt(place, masks));
      return place;
    }
  }
  return end;
}

function bucketsAt(place: i32, masks: i32): i32 {
  let found = 0xff;
  for (let i = 0; i < 4; i++) {
    const byte = load<u8>(place + i) as i32;
    found &= (load<u8>(masks + i * 32 + (byte & 15)) as i32) & (load<u8>(masks + i * 32 + 16 + (byte >> 4)) as i32);
  }
  return found;
}

function sameFolded(m: Memory, a: i32, b: i32, length: i32): bool {
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    if (v128.any_true(v128.xor(lowerCase(v128.load(a + i)), v128.load(b + i)))) return false;
  }
  if (i === length) return true;
  const within = (1 << (length - i)) - 1;
  return (i8x16.bitmask(i8x16.ne(lowerCase(v128.load(a + i)), v128.load(b + i))) & within) === 0;
}

// @ts-ignore: decorator
@inline
function moveBytes(m: Memory, to: i32, from: i32, length: i32): void {
  if (to !== from) memory.copy(to, from, length);
}
