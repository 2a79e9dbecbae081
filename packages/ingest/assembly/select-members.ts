/**
 * Checks that a record is one JSON object (RFC 8259) and finds the members of its first level that are wanted, without making anything of the
 * rest. AssemblyScript; the TypeScript side, which knows what the numbers mean, is `src/decoders/member-selector.ts`.
 *
 * Memory, from low to high: the table of wanted names, the output, the input. The caller lays it out and says where each begins. Beyond the
 * input 16 bytes must exist: they are read, and not looked at.
 */

/** Slots of the table of names; each holds 16 bytes: length of the name (0 where free), address of its bytes, its number, unused. */
const TABLE_SLOTS: i32 = 4096;
/** Most members that are given out. */
const MAX_FOUND: i32 = 256;

/** Kinds of values, as `member-selector.ts` reads them. */
const STRING: i32 = 0;
const ESCAPED: i32 = 1;
const NUMBER: i32 = 2;
const TRUE: i32 = 3;
const FALSE: i32 = 4;
const NULL: i32 = 5;
const CONTAINER: i32 = 6;

/** Answers below zero: not to be decided here. */
const UNSURE: i32 = -1;

const QUOTE: i32 = 0x22;
const BACKSLASH: i32 = 0x5c;

let table: usize = 0;
let output: usize = 0;
let at: usize = 0;
let end: usize = 0;
/** Or of all bytes from 0x80 that were seen in strings. */
let sawBeyondAscii: bool = false;
/** Whether the string read last has escapes. */
let sawEscape: bool = false;

/** Says where the table of names and the output begin. */
export function place(tableAt: usize, outputAt: usize): void {
  table = tableAt;
  output = outputAt;
}

/** Whether the record selected from last holds characters beyond ASCII: then its UTF-8 is still to be checked. */
export function beyondAscii(): bool {
  return sawBeyondAscii;
}

/** Slot of a name in the table, or the free slot where it belongs. */
export function slotOf(name: usize, length: usize): usize {
  let slot = hash(name, length) & (TABLE_SLOTS - 1);
  while (true) {
    const entry = table + ((<usize>slot) << 4);
    const known = <usize>load<u32>(entry);
    if (known == 0 || (known == length && memory.compare(<usize>load<u32>(entry, 4), name, length) == 0)) return entry;
    slot = (slot + 1) & (TABLE_SLOTS - 1);
  }
}

/**
 * Reads the record at [from, to). Gives the number of wanted members found, each as 16 bytes of output: number of its name, kind, start and
 * end of its value (strings with their quotes); or UNSURE where it is no valid object, nests deeper than `maxDepth`, has more than `maxKeys`
 * members, or has an escape in a name of the first level.
 */
export function select(from: usize, to: usize, maxDepth: i32, maxKeys: i32): i32 {
  at = from;
  end = to;
  sawBeyondAscii = false;
  skipSpace();
  if (at >= end || load<u8>(at) != 0x7b || maxDepth < 1) return UNSURE;
  at++;
  let keys: i32 = 0;
  let found: i32 = 0;
  skipSpace();
  if (at < end && load<u8>(at) == 0x7d) {
    at++;
  } else {
    while (true) {
      const name = at + 1;
      if (!readString() || sawEscape || ++keys > maxKeys) return UNSURE;
      const length = at - 1 - name;
      skipSpace();
      if (at >= end || load<u8>(at) != 0x3a) return UNSURE;
      at++;
      skipSpace();
      const start = at;
      let kind: i32;
      const first = at < end ? <i32>load<u8>(at) : 0;
      if (first == 0x7b || first == 0x5b) {
        keys = skipContainer(maxDepth, maxKeys, keys);
        if (keys < 0) return UNSURE;
        kind = CONTAINER;
      } else {
        kind = readScalar(first);
        if (kind < 0) return UNSURE;
      }
      const entry = slotOf(name, length);
      if (load<u32>(entry) != 0 && length != 0) {
        if (found == MAX_FOUND) return UNSURE;
        const record = output + ((<usize>found) << 4);
        store<u32>(record, load<u32>(entry, 8));
        store<i32>(record, kind, 4);
        store<u32>(record, <u32>start, 8);
        store<u32>(record, <u32>at, 12);
        found++;
      }
      skipSpace();
      if (at >= end) return UNSURE;
      const next = load<u8>(at++);
      if (next == 0x7d) break;
      if (next != 0x2c) return UNSURE;
      skipSpace();
    }
  }
  skipSpace();
  return at == end ? found : UNSURE;
}

/** Reads over an object or array and all in it; gives the count of members so far, or UNSURE. */
function skipContainer(maxDepth: i32, maxKeys: i32, before: i32): i32 {
  // One bit per level, 1 for objects; the first level, which is the record's, is outside.
  let kinds: u64 = 0;
  let depth: i32 = 1;
  let keys = before;
  // Whether a value may begin here, as opposed to what may follow one.
  let expectsValue = true;
  while (true) {
    skipSpace();
    if (at >= end) return UNSURE;
    const byte = <i32>load<u8>(at);
    if (expectsValue) {
      if (byte == 0x7b || byte == 0x5b) {
        const isObject = byte == 0x7b;
        if (++depth > maxDepth || depth > 64) return UNSURE;
        kinds = (kinds << 1) | (isObject ? 1 : 0);
        at++;
        skipSpace();
        if (at >= end) return UNSURE;
        if (load<u8>(at) == (isObject ? 0x7d : 0x5d)) {
          expectsValue = false;
          continue;
        }
        if (isObject) {
          if (++keys > maxKeys || !readName()) return UNSURE;
        }
        continue;
      }
      if (readScalar(byte) < 0) return UNSURE;
      expectsValue = false;
      continue;
    }
    at++;
    const inObject = (kinds & 1) == 1;
    if (byte == 0x2c) {
      if (inObject) {
        skipSpace();
        if (++keys > maxKeys || !readName()) return UNSURE;
      }
      expectsValue = true;
      continue;
    }
    if (byte != (inObject ? 0x7d : 0x5d)) return UNSURE;
    kinds >>= 1;
    if (--depth == 1) return keys;
  }
}

/** Reads a name and its colon. */
function readName(): bool {
  if (!readString()) return false;
  skipSpace();
  if (at >= end || load<u8>(at) != 0x3a) return false;
  at++;
  return true;
}

/** Reads a value that is no container, by its first byte; gives its kind, or UNSURE. */
function readScalar(first: i32): i32 {
  if (first == QUOTE) return readString() ? (sawEscape ? ESCAPED : STRING) : UNSURE;
  if (first == 0x74) return readWord(0x65757274, 4) ? TRUE : UNSURE; // "true"
  if (first == 0x66) {
    at++;
    return readWord(0x65736c61, 4) ? FALSE : UNSURE; // "alse"
  }
  if (first == 0x6e) return readWord(0x6c6c756e, 4) ? NULL : UNSURE; // "null"
  return readNumber() ? NUMBER : UNSURE;
}

function readWord(word: u32, length: usize): bool {
  if (at + length > end || load<u32>(at) != word) return false;
  at += length;
  return true;
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function readNumber(): bool {
  if (at < end && load<u8>(at) == 0x2d) at++;
  if (at >= end) return false;
  if (load<u8>(at) == 0x30) at++;
  else if (!readDigits()) return false;
  if (at < end && load<u8>(at) == 0x2e) {
    at++;
    if (!readDigits()) return false;
  }
  if (at < end && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < end && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    if (!readDigits()) return false;
  }
  return true;
}

function readDigits(): bool {
  const from = at;
  while (at < end && <u32>load<u8>(at) - 0x30 < 10) at++;
  return at > from;
}

/** Reads a string with its quotes. */
function readString(): bool {
  if (at >= end || load<u8>(at) != QUOTE) return false;
  at++;
  sawEscape = false;
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  const controls = i8x16.splat(0x20);
  while (true) {
    const chunk = v128.load(at);
    const special = v128.or(v128.or(i8x16.eq(chunk, quotes), i8x16.eq(chunk, backslashes)), i8x16.lt_u(chunk, controls));
    const stops = i8x16.bitmask(special);
    const high = i8x16.bitmask(chunk);
    if (stops == 0) {
      if (high != 0) sawBeyondAscii = true;
      at += 16;
      if (at >= end) return false;
      continue;
    }
    const skip = ctz(stops);
    if ((high & ((1 << skip) - 1)) != 0) sawBeyondAscii = true;
    at += skip;
    if (at >= end) return false;
    const byte = <i32>load<u8>(at);
    if (byte == QUOTE) {
      at++;
      return true;
    }
    if (byte != BACKSLASH || !readEscape()) return false;
    sawEscape = true;
  }
}

function readEscape(): bool {
  if (at + 1 >= end) return false;
  const byte = <i32>load<u8>(at + 1);
  at += 2;
  if (byte == 0x75) {
    if (at + 4 > end) return false;
    for (let i: usize = 0; i < 4; i++) if (!isHex(<i32>load<u8>(at + i))) return false;
    at += 4;
    return true;
  }
  return byte == QUOTE || byte == BACKSLASH || byte == 0x2f || byte == 0x62 || byte == 0x66 || byte == 0x6e || byte == 0x72 || byte == 0x74;
}

function isHex(byte: i32): bool {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

function skipSpace(): void {
  while (at < end) {
    const byte = load<u8>(at);
    if (byte > 0x20 || (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09)) return;
    at++;
  }
}

/** Over length, the first and the last eight bytes. */
function hash(name: usize, length: usize): i32 {
  let word: u64 = <u64>length * 0x9e3779b97f4a7c15;
  if (length >= 8) {
    word ^= load<u64>(name) * 0xff51afd7ed558ccd;
    word ^= load<u64>(name + length - 8) * 0xc4ceb9fe1a85ec53;
  } else {
    for (let i: usize = 0; i < length; i++) word = (word ^ <u64>load<u8>(name + i)) * 0x100000001b3;
  }
  return <i32>((word ^ (word >> 32)) & 0x7fffffff);
}
