/**
 * Checks that a record is one JSON object (RFC 8259) and finds the members of its first level that are wanted, without making anything of the
 * rest; what becomes of them is in `gather-members.ts`, of the same module. AssemblyScript; the TypeScript side, which knows what the numbers mean, is `src/decoders/member-selector.ts`.
 *
 * Memory, from low to high: the table of wanted names, the output, the kept strings, the input. The caller lays it out and says where each begins. Beyond the
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
/** A string whose escapes are all of one letter. */
const LETTERED: i32 = 7;
/** Of `gather`: a string that is kept in the slot named. */
const KNOWN: i32 = 8;

/** Answers below zero: not to be decided here. */
const UNSURE: i32 = -1;

const QUOTE: i32 = 0x22;
const BACKSLASH: i32 = 0x5c;

let table: usize = 0;
let output: usize = 0;
let kept: usize = 0;
/** Whether a string was read that has escapes, since this was last put down. */
let sawEscape: bool = false;
/** Whether one of them was a `\u`. */
let sawUnit: bool = false;

/** Says where the table of names, the output and the kept strings begin. */
export function place(tableAt: usize, outputAt: usize, keptAt: usize): void {
  table = tableAt;
  output = outputAt;
  kept = keptAt;
}

/** Whether [from, to) holds characters beyond ASCII; up to 15 bytes behind it may count as well. */
export function beyondAscii(from: usize, to: usize): bool {
  let seen = i8x16.splat(0);
  for (let at = from; at < to; at += 16) seen = v128.or(seen, v128.load(at));
  return i8x16.bitmask(seen) != 0;
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
  const found = selectFirst(from, to, maxDepth, maxKeys);
  return found == UNSURE || skipSpace(behind, to) != to ? UNSURE : found;
}

/** The place behind the object that was read last. */
let behind: usize = 0;

/** The place behind the object that was read last; of no meaning where the answer was UNSURE. */
export function behindObject(): usize {
  return behind;
}

/** As `select`, of the object that [from, to) begins with, whatever stands behind it. */
export function selectFirst(from: usize, to: usize, maxDepth: i32, maxKeys: i32): i32 {
  let at = skipSpace(from, to);
  if (at >= to || load<u8>(at) != 0x7b || maxDepth < 1) return UNSURE;
  at = skipSpace(at + 1, to);
  let keys: i32 = 0;
  let found: i32 = 0;
  if (at < to && load<u8>(at) == 0x7d) {
    at++;
  } else {
    while (true) {
      const name = at + 1;
      sawEscape = false;
      at = readString(at, to);
      if (at == FAILED || sawEscape || ++keys > maxKeys) return UNSURE;
      const length = at - 1 - name;
      at = skipSpace(at, to);
      if (at >= to || load<u8>(at) != 0x3a) return UNSURE;
      at = skipSpace(at + 1, to);
      const start = at;
      let kind: i32;
      const first = at < to ? <i32>load<u8>(at) : 0;
      sawUnit = false;
      if (first == 0x7b || first == 0x5b) {
        at = skipContainer(at, to, maxDepth, maxKeys - keys);
        keys += keysWithin;
        kind = CONTAINER;
      } else {
        at = readScalar(first, at, to);
        kind = kindOf(first);
      }
      if (at == FAILED) return UNSURE;
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
      at = skipSpace(at, to);
      if (at >= to) return UNSURE;
      const next = load<u8>(at);
      at++;
      if (next == 0x7d) break;
      if (next != 0x2c) return UNSURE;
      at = skipSpace(at, to);
    }
  }
  behind = at;
  return found;
}

/** Kind of a value that was read and is no container, by its first byte. */
function kindOf(first: i32): i32 {
  if (first == QUOTE) return sawUnit ? ESCAPED : sawEscape ? LETTERED : STRING;
  if (first == 0x74) return TRUE;
  if (first == 0x66) return FALSE;
  return first == 0x6e ? NULL : NUMBER;
}

/** Where nothing could be read; else readers give the place behind what they have read. */
const FAILED: usize = 0;

/** Members within the container read last. */
let keysWithin: i32 = 0;

/** Reads over an object or array and all in it, at most `maxKeys` members. */
function skipContainer(from: usize, to: usize, maxDepth: i32, maxKeys: i32): usize {
  let at = from;
  // One bit per level, 1 for objects; the first level, which is the record's, is outside.
  let kinds: u64 = 0;
  let depth: i32 = 1;
  let keys: i32 = 0;
  // Whether a value may begin here, as opposed to what may follow one.
  let expectsValue = true;
  while (true) {
    at = skipSpace(at, to);
    if (at >= to) return FAILED;
    const byte = <i32>load<u8>(at);
    if (expectsValue) {
      if (byte == 0x7b || byte == 0x5b) {
        const isObject = byte == 0x7b;
        if (++depth > maxDepth || depth > 64) return FAILED;
        kinds = (kinds << 1) | (isObject ? 1 : 0);
        at = skipSpace(at + 1, to);
        if (at >= to) return FAILED;
        if (load<u8>(at) == (isObject ? 0x7d : 0x5d)) {
          expectsValue = false;
          continue;
        }
        if (isObject) {
          at = readName(at, to);
          if (at == FAILED || ++keys > maxKeys) return FAILED;
        }
        continue;
      }
      at = readScalar(byte, at, to);
      if (at == FAILED) return FAILED;
      expectsValue = false;
      continue;
    }
    at++;
    const inObject = (kinds & 1) == 1;
    if (byte == 0x2c) {
      if (inObject) {
        at = readName(skipSpace(at, to), to);
        if (at == FAILED || ++keys > maxKeys) return FAILED;
      }
      expectsValue = true;
      continue;
    }
    if (byte != (inObject ? 0x7d : 0x5d)) return FAILED;
    kinds >>= 1;
    if (--depth == 1) {
      keysWithin = keys;
      return at;
    }
  }
}

/** Reads a name and its colon. */
function readName(from: usize, to: usize): usize {
  let at = readString(from, to);
  if (at == FAILED) return FAILED;
  at = skipSpace(at, to);
  return at < to && load<u8>(at) == 0x3a ? at + 1 : FAILED;
}

/** Reads a value that is no container, by its first byte. */
function readScalar(first: i32, at: usize, to: usize): usize {
  if (first == QUOTE) return readString(at, to);
  if (first == 0x74) return readWord(0x65757274, at, to); // "true"
  if (first == 0x66) return readWord(0x65736c61, at + 1, to); // "alse"
  if (first == 0x6e) return readWord(0x6c6c756e, at, to); // "null"
  return readNumber(at, to);
}

function readWord(word: u32, at: usize, to: usize): usize {
  return at + 4 > to || load<u32>(at) != word ? FAILED : at + 4;
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function readNumber(from: usize, to: usize): usize {
  let at = from;
  if (at < to && load<u8>(at) == 0x2d) at++;
  if (at >= to) return FAILED;
  if (load<u8>(at) == 0x30) at++;
  else {
    at = readDigits(at, to);
    if (at == FAILED) return FAILED;
  }
  if (at < to && load<u8>(at) == 0x2e) {
    at = readDigits(at + 1, to);
    if (at == FAILED) return FAILED;
  }
  if (at < to && (load<u8>(at) | 0x20) == 0x65) {
    at++;
    if (at < to && (load<u8>(at) == 0x2b || load<u8>(at) == 0x2d)) at++;
    return readDigits(at, to);
  }
  return at;
}

/** At least one. */
function readDigits(from: usize, to: usize): usize {
  let at = from;
  while (at < to && <u32>load<u8>(at) - 0x30 < 10) at++;
  return at > from ? at : FAILED;
}

/** Reads a string with its quotes; sets `sawEscape` where it has escapes. */
function readString(from: usize, to: usize): usize {
  if (from >= to || load<u8>(from) != QUOTE) return FAILED;
  let at = from + 1;
  const quotes = i8x16.splat(<i8>QUOTE);
  const backslashes = i8x16.splat(<i8>BACKSLASH);
  const controls = i8x16.splat(0x20);
  while (at < to) {
    const chunk = v128.load(at);
    const special = v128.or(v128.or(i8x16.eq(chunk, quotes), i8x16.eq(chunk, backslashes)), i8x16.lt_u(chunk, controls));
    let stops = i8x16.bitmask(special);
    // Text has its escapes close together: all of a chunk are gone through before the next is loaded.
    let next = at + 16;
    while (stops != 0) {
      const stop = at + ctz(stops);
      if (stop >= to) return FAILED;
      const byte = <i32>load<u8>(stop);
      if (byte == QUOTE) return stop + 1;
      if (byte != BACKSLASH) return FAILED;
      sawEscape = true;
      const behindEscape = readEscape(stop, to);
      if (behindEscape == FAILED) return FAILED;
      if (behindEscape >= next) {
        next = behindEscape;
        break;
      }
      stops &= -1 << <i32>(behindEscape - at);
    }
    at = next;
  }
  return FAILED;
}

function readEscape(at: usize, to: usize): usize {
  if (at + 1 >= to) return FAILED;
  const byte = <i32>load<u8>(at + 1);
  if (byte == 0x75) {
    if (at + 6 > to) return FAILED;
    sawUnit = true;
    for (let i: usize = 2; i < 6; i++) if (!isHex(<i32>load<u8>(at + i))) return FAILED;
    return at + 6;
  }
  const isKnown =
    byte == QUOTE || byte == BACKSLASH || byte == 0x2f || byte == 0x62 || byte == 0x66 || byte == 0x6e || byte == 0x72 || byte == 0x74;
  return isKnown ? at + 2 : FAILED;
}

function isHex(byte: i32): bool {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66);
}

/** The first place from `at` on that holds no white space. */
@inline
function skipSpace(at: usize, to: usize): usize {
  // Most records have none between what they are made of.
  return at < to && load<u8>(at) > 0x20 ? at : skipSpaces(at, to);
}

function skipSpaces(from: usize, to: usize): usize {
  let at = from;
  while (at < to) {
    const byte = load<u8>(at);
    if (byte != 0x20 && byte != 0x0a && byte != 0x0d && byte != 0x09) return at;
    at++;
  }
  return at;
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
