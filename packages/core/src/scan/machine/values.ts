/**
 * Turns the raw values of a record into the text that needles are sought in: which of a field's paths counts, strings unescaped and
 * ASCII letters in lower case, one after the other in the buffer of the field's group with a zero byte between.
 */
import {
  BUFFER_BYTES,
  CASED,
  CHUNK_VALUES,
  COMPOSITE,
  DASH,
  F_FIRST_PATH,
  F_GROUP,
  F_PATHS,
  FIELD_BYTES,
  FLAGS,
  G_BUFFER,
  G_COUNT,
  G_LENGTH,
  G_VALUES,
  GROUP_BYTES,
  GROUP_VALUES,
  NULL,
  OPAQUE,
  P_FIELD_PATHS,
  P_FIELDS,
  P_GROUPS,
  P_PATH_FIELDS,
  P_PATHS,
  P_WALK,
  PATH_BYTES,
  RAW,
  RAW_BYTES,
  RAW_COUNT,
  T_COUNT,
  T_FIRST,
  T_WALK,
  TEXTLESS,
  V_END,
  V_FIELD,
  V_FLAGS,
  V_START,
  VALUE_BYTES,
  WIDE,
} from './layout.data.ts';
import { findWide, foldAll, foldUntilBackslash, type i32, i32At, type Memory, setI32, setU8, u8At } from './memory.ts';
import { RAW_COMPOSITE, RAW_STRING } from './walk.ts';

/** Adds the text of all raw values; false where there is no room or a string is malformed. */
export function addValues(m: Memory, program: i32, ordinal: i32): boolean {
  const count = i32At(m, RAW_COUNT);
  for (let i = 0; i < count; i++) {
    const raw = i32At(m, RAW) + i * RAW_BYTES;
    const path = i32At(m, raw);
    const block = i32At(m, program + P_PATHS) + path * PATH_BYTES;
    const fields = i32At(m, program + P_PATH_FIELDS) + i32At(m, block + T_FIRST) * 4;
    const fieldCount = i32At(m, block + T_COUNT);
    for (let k = 0; k < fieldCount; k++) {
      const field = i32At(m, fields + k * 4);
      if (isInForce(m, program, field, path) && !addValue(m, program, field, ordinal, raw)) return false;
    }
  }
  return true;
}

/** Adds a whole record, as it stands, as the text of a field. */
export function addRecord(m: Memory, program: i32, field: i32, ordinal: i32, from: i32, end: i32): boolean {
  const group = groupOf(m, program, field);
  if (!hasRoom(m, group, end - from)) return false;
  const start = i32At(m, group + G_BUFFER) + i32At(m, group + G_LENGTH);
  setI32(m, FLAGS, 0);
  foldAll(m, start, from, end - from, FLAGS);
  // What is beyond ASCII in a whole record has needles of its own.
  setI32(m, FLAGS, 0);
  return closeValue(m, group, field, ordinal, start, start + end - from, 0);
}

/** Whether no earlier path of the field was found. */
function isInForce(m: Memory, program: i32, field: i32, path: i32): boolean {
  const block = i32At(m, program + P_FIELDS) + field * FIELD_BYTES;
  const count = i32At(m, block + F_PATHS);
  const paths = i32At(m, program + P_FIELD_PATHS) + i32At(m, block + F_FIRST_PATH) * 4;
  const walk = i32At(m, program + P_WALK);
  for (let i = 0; i < count; i++) {
    const other = i32At(m, paths + i * 4);
    if (other === path) return true;
    if (i32At(m, i32At(m, program + P_PATHS) + other * PATH_BYTES + T_WALK) === walk) return false;
  }
  return true;
}

function groupOf(m: Memory, program: i32, field: i32): i32 {
  return i32At(m, program + P_GROUPS) + i32At(m, i32At(m, program + P_FIELDS) + field * FIELD_BYTES + F_GROUP) * GROUP_BYTES;
}

function hasRoom(m: Memory, group: i32, length: i32): boolean {
  return i32At(m, group + G_LENGTH) + length + 64 <= BUFFER_BYTES && i32At(m, group + G_COUNT) < GROUP_VALUES;
}

function addValue(m: Memory, program: i32, field: i32, ordinal: i32, raw: i32): boolean {
  const kind = i32At(m, raw + 4);
  const from = i32At(m, raw + 8);
  const end = i32At(m, raw + 12);
  const group = groupOf(m, program, field);
  if (!hasRoom(m, group, end - from)) return false;
  const start = i32At(m, group + G_BUFFER) + i32At(m, group + G_LENGTH);
  setI32(m, FLAGS, 0);
  if (kind === RAW_COMPOSITE) return closeValue(m, group, field, ordinal, start, start, COMPOSITE);
  if (kind !== RAW_STRING) return addPlain(m, group, field, ordinal, raw, start);
  const close = unescape(m, start, from, end);
  return close >= 0 && closeValue(m, group, field, ordinal, start, close, 0);
}

/** Numbers, true, false, null. */
function addPlain(m: Memory, group: i32, field: i32, ordinal: i32, raw: i32, start: i32): boolean {
  const from = i32At(m, raw + 8);
  const end = i32At(m, raw + 12);
  const first = u8At(m, from);
  if (first === 0x6e) return closeValue(m, group, field, ordinal, start, start, NULL);
  if (first !== 0x74 && first !== 0x66 && !isPlainInteger(m, from, end))
    return closeValue(m, group, field, ordinal, start, start, OPAQUE | TEXTLESS);
  foldAll(m, start, from, end - from, FLAGS);
  return closeValue(m, group, field, ordinal, start, start + end - from, 0);
}

/** Whether a number's text in JavaScript is what is written: at most fifteen digits, no sign before a zero, no fraction, no exponent. */
function isPlainInteger(m: Memory, from: i32, end: i32): boolean {
  const start = u8At(m, from) === 0x2d ? from + 1 : from;
  if (start >= end || end - start > 15) return false;
  if (u8At(m, start) === 0x30) return end - from === 1;
  for (let p = start; p < end; p++) if (u8At(m, p) < 0x30 || u8At(m, p) > 0x39) return false;
  return true;
}

function closeValue(m: Memory, group: i32, field: i32, ordinal: i32, start: i32, end: i32, given: i32): boolean {
  const count = i32At(m, group + G_COUNT);
  const value = i32At(m, group + G_VALUES) + count * VALUE_BYTES;
  const flags = given | ((i32At(m, FLAGS) & WIDE) === 0 ? 0 : wideFlags(m, start, end));
  setU8(m, end, 0);
  setI32(m, value, ordinal);
  setI32(m, value + V_FIELD, field);
  setI32(m, value + V_START, start);
  setI32(m, value + V_END, end);
  setI32(m, value + V_FLAGS, flags);
  setI32(m, group + G_COUNT, count + 1);
  setI32(m, group + G_LENGTH, end + 1 - i32At(m, group + G_BUFFER));
  setI32(m, CHUNK_VALUES, i32At(m, CHUNK_VALUES) + 1);
  return true;
}

/** Flags of text beyond ASCII: whether it holds a dash of `windash`, or one of the letters that fold into ASCII (U+0130, U+017F, U+212A). */
function wideFlags(m: Memory, start: i32, end: i32): i32 {
  let flags = WIDE;
  for (let p = findWide(m, start, end); p < end; p = findWide(m, p + 1, end)) {
    const byte = u8At(m, p);
    const next = u8At(m, p + 1);
    if ((byte === 0xc4 && next === 0xb0) || (byte === 0xc5 && next === 0xbf)) flags |= OPAQUE;
    else if (byte === 0xe2 && next === 0x84 && u8At(m, p + 2) === 0xaa) flags |= OPAQUE;
    else if (byte === 0xe2 && next === 0x80 && isDash(u8At(m, p + 2))) flags |= DASH;
  }
  return flags;
}

function isDash(last: i32): boolean {
  return last >= 0x93 && last <= 0x95;
}

/** Copies a string's inside to `to`; where it ends there, -1 where an escape is malformed. */
function unescape(m: Memory, to: i32, from: i32, end: i32): i32 {
  let p = from;
  let q = to;
  while (p < end) {
    const copied = foldUntilBackslash(m, q, p, end - p, FLAGS);
    p += copied;
    q += copied;
    if (p >= end) return q;
    if (p + 1 >= end) return -1;
    const letter = u8At(m, p + 1);
    if (letter === 0x75) {
      const length = p + 6 <= end ? putUnit(m, q, p, end) : 0;
      if (length === 0) return -1;
      // A pair of surrogates is the one character of four bytes, written with twelve.
      p += length === 4 ? 12 : 6;
      q += length;
    } else {
      const byte = escaped(letter);
      if (byte === 0) return -1;
      putBoth(m, q, byte);
      p += 2;
      q += 1;
    }
  }
  return q;
}

function escaped(letter: i32): i32 {
  if (letter === 0x5c || letter === 0x2f || letter === 0x22) return letter;
  if (letter === 0x6e) return 0x0a;
  if (letter === 0x74) return 0x09;
  if (letter === 0x72) return 0x0d;
  if (letter === 0x62) return 0x08;
  return letter === 0x66 ? 0x0c : 0;
}

/** Writes the character of the `\uXXXX` at `at`, in lower case where it is an ASCII letter; its bytes, 0 where it is malformed. */
function putUnit(m: Memory, to: i32, at: i32, end: i32): i32 {
  const unit = hexUnit(m, at + 2);
  if (unit < 0) return 0;
  if (unit < 0x80) {
    // Zero separates values: in text it becomes a byte that UTF-8 never has.
    setU8(m, to, unit === 0 ? 0xff : unit >= 0x41 && unit <= 0x5a ? unit + 32 : unit);
    setU8(m, to + CASED, unit);
    return 1;
  }
  setI32(m, FLAGS, i32At(m, FLAGS) | WIDE);
  if (unit < 0x800) {
    putBoth(m, to, 0xc0 | (unit >> 6));
    putBoth(m, to + 1, 0x80 | (unit & 63));
    return 2;
  }
  const low = lowSurrogate(m, unit, at + 6, end);
  if (low >= 0) {
    putPair(m, to, 0x10000 + ((unit & 1023) << 10) + low);
    return 4;
  }
  putBoth(m, to, 0xe0 | (unit >> 12));
  putBoth(m, to + 1, 0x80 | ((unit >> 6) & 63));
  putBoth(m, to + 2, 0x80 | (unit & 63));
  return 3;
}

/** Writes a byte that has no case, folded and as it is. */
function putBoth(m: Memory, at: i32, byte: i32): void {
  setU8(m, at, byte);
  setU8(m, at + CASED, byte);
}

/** Ten bits of the low surrogate that must follow a high one, -1 where none does. */
function lowSurrogate(m: Memory, high: i32, at: i32, end: i32): i32 {
  if (high < 0xd800 || high > 0xdbff || at + 6 > end) return -1;
  if (u8At(m, at) !== 0x5c || u8At(m, at + 1) !== 0x75) return -1;
  const unit = hexUnit(m, at + 2);
  return unit >= 0xdc00 && unit <= 0xdfff ? unit & 1023 : -1;
}

function putPair(m: Memory, to: i32, code: i32): void {
  putBoth(m, to, 0xf0 | (code >> 18));
  putBoth(m, to + 1, 0x80 | ((code >> 12) & 63));
  putBoth(m, to + 2, 0x80 | ((code >> 6) & 63));
  putBoth(m, to + 3, 0x80 | (code & 63));
}

/** Number of four hexadecimal digits, -1 where one is none. */
export function hexUnit(m: Memory, at: i32): i32 {
  let unit = 0;
  for (let i = 0; i < 4; i++) {
    const byte = u8At(m, at + i);
    const digit = byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : (byte | 32) >= 0x61 && (byte | 32) <= 0x66 ? (byte | 32) - 0x57 : -1;
    if (digit < 0) return -1;
    unit = (unit << 4) | digit;
  }
  return unit;
}
