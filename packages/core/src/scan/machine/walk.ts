/**
 * Walks one record for the values under the keys of a program's dictionary, in one pass from left to right. What it takes for an object
 * need not be valid JSON: of a record that is not, nothing can match anyway. Whatever is unusual is reported, never guessed at.
 */
import {
  DEPTH,
  FRAME_BYTES,
  K_LENGTH,
  K_NODE,
  K_TEXT,
  KEY_BYTES,
  MAX_DEPTH,
  MAX_RAW_VALUES,
  N_CHILDREN,
  N_PARENT,
  N_PATH,
  N_SERIAL,
  NODE_BYTES,
  P_KEY_MASK,
  P_KEYS,
  P_NODES,
  P_PATHS,
  P_WALK,
  PATH_BYTES,
  RAW,
  RAW_BYTES,
  RAW_COUNT,
  SERIAL,
  STACK,
  T_NODE,
  T_WALK,
  UNUSUAL,
} from './layout.data.ts';
import {
  bytesAt,
  findQuoteOrBackslash,
  findStringEnd,
  findStructure,
  type i32,
  i32At,
  type Memory,
  multiply,
  sameBytes,
  setI32,
  u8At,
} from './memory.ts';

/** Position that stands for "this record is unusual". */
const ODD: i32 = -1;

/** Kind of a raw value: text between quotes. */
export const RAW_STRING: i32 = 0;
/** A number, true, false or null. */
export const RAW_PLAIN: i32 = 1;
/** An object or a list: it is there, and has no text. */
export const RAW_COMPOSITE: i32 = 2;

/** Gathers the wanted values of the record in [from, end) as raw values: path, kind, first byte, end. False where the record is unusual. */
export function walkRecord(m: Memory, program: i32, from: i32, end: i32): boolean {
  setI32(m, RAW_COUNT, 0);
  setI32(m, DEPTH, 0);
  setI32(m, program + P_WALK, i32At(m, program + P_WALK) + 1);
  let p = skipSpace(m, from, end);
  if (p >= end || u8At(m, p) !== 0x7b) return false;
  p = openContainer(m, p + 1, 0, 0);
  while (p >= 0 && i32At(m, DEPTH) > 0) {
    const frame = i32At(m, STACK) + i32At(m, DEPTH) * FRAME_BYTES;
    p = i32At(m, frame) === 0 ? walkMember(m, program, frame, p, end) : walkElement(m, program, frame, p, end);
  }
  return p >= 0;
}

/** One member of the object on top of the stack, or its end. */
function walkMember(m: Memory, program: i32, frame: i32, from: i32, end: i32): i32 {
  let p = skipSpace(m, from, end);
  if (p >= end) return ODD;
  if (u8At(m, p) === 0x7d) return closeContainer(m, p + 1, end);
  if (u8At(m, p) !== 0x22) return ODD;
  const key = p + 1;
  const close = findQuoteOrBackslash(m, key, end);
  if (close >= end || u8At(m, close) === 0x5c) return ODD;
  p = skipSpace(m, close + 1, end);
  if (p >= end || u8At(m, p) !== 0x3a) return ODD;
  p = skipSpace(m, p + 1, end);
  const node = findNode(m, program, i32At(m, frame + 4), key, close - key);
  if (node < 0) return skipValue(m, p, end);
  const serial = i32At(m, frame + 8);
  const block = i32At(m, program + P_NODES) + node * NODE_BYTES;
  // The same key twice in one object: which of them counts is the parser's affair.
  if (i32At(m, block + N_SERIAL) === serial) return ODD;
  setI32(m, block + N_SERIAL, serial);
  return walkValue(m, program, node, p, end);
}

/** One element of the list on top of the stack, or its end. */
function walkElement(m: Memory, program: i32, frame: i32, from: i32, end: i32): i32 {
  const p = skipSpace(m, from, end);
  if (p >= end) return ODD;
  if (u8At(m, p) === 0x5d) return closeContainer(m, p + 1, end);
  return walkValue(m, program, i32At(m, frame + 4), p, end);
}

/** A value under a wanted key, or an element of a list under one. */
function walkValue(m: Memory, program: i32, node: i32, from: i32, end: i32): i32 {
  if (from >= end) return ODD;
  const block = i32At(m, program + P_NODES) + node * NODE_BYTES;
  const path = i32At(m, block + N_PATH);
  const byte = u8At(m, from);
  if (byte === 0x22) {
    const close = findStringEnd(m, from + 1, end);
    if (close >= end || !addRaw(m, program, path, node, RAW_STRING, from + 1, close)) return ODD;
    return afterValue(m, close + 1, end);
  }
  if (byte === 0x7b || byte === 0x5b) {
    if (!addRaw(m, program, path, node, RAW_COMPOSITE, from, from)) return ODD;
    return enterContainer(m, block, node, from, end);
  }
  const close = endOfPlain(m, from, end);
  if (close === from || !addRaw(m, program, path, node, RAW_PLAIN, from, close)) return ODD;
  return afterValue(m, close, end);
}

/** Into an object or a list where something in it may be wanted, else past it. */
function enterContainer(m: Memory, block: i32, node: i32, from: i32, end: i32): i32 {
  const isList = u8At(m, from) === 0x5b;
  if (!isList && i32At(m, block + N_CHILDREN) === 0) return skipContainer(m, from, end);
  return openContainer(m, from + 1, isList ? 1 : 0, node);
}

/** Keeps a value of a path. False where the record has too many, or the path was already found under another spelling. */
function addRaw(m: Memory, program: i32, path: i32, node: i32, kind: i32, from: i32, end: i32): boolean {
  if (path < 0) return path !== UNUSUAL;
  const block = i32At(m, program + P_PATHS) + path * PATH_BYTES;
  const walk = i32At(m, program + P_WALK);
  if (i32At(m, block + T_WALK) === walk && i32At(m, block + T_NODE) !== node) return false;
  setI32(m, block + T_WALK, walk);
  setI32(m, block + T_NODE, node);
  const count = i32At(m, RAW_COUNT);
  if (count >= MAX_RAW_VALUES) return false;
  const raw = i32At(m, RAW) + count * RAW_BYTES;
  setI32(m, raw, path);
  setI32(m, raw + 4, kind);
  setI32(m, raw + 8, from);
  setI32(m, raw + 12, end);
  setI32(m, RAW_COUNT, count + 1);
  return true;
}

/** Frames are kind (0 object, 1 list), node and serial. */
function openContainer(m: Memory, from: i32, kind: i32, node: i32): i32 {
  const depth = i32At(m, DEPTH) + 1;
  if (depth > MAX_DEPTH) return ODD;
  const frame = i32At(m, STACK) + depth * FRAME_BYTES;
  const serial = i32At(m, SERIAL) + 1;
  setI32(m, SERIAL, serial);
  setI32(m, frame, kind);
  setI32(m, frame + 4, node);
  setI32(m, frame + 8, serial);
  setI32(m, DEPTH, depth);
  return from;
}

function closeContainer(m: Memory, from: i32, end: i32): i32 {
  setI32(m, DEPTH, i32At(m, DEPTH) - 1);
  return afterValue(m, from, end);
}

/** Behind a value and the comma that may follow it. */
function afterValue(m: Memory, from: i32, end: i32): i32 {
  const p = skipSpace(m, from, end);
  return p < end && u8At(m, p) === 0x2c ? p + 1 : p;
}

function skipValue(m: Memory, from: i32, end: i32): i32 {
  if (from >= end) return ODD;
  const byte = u8At(m, from);
  if (byte === 0x22) {
    const close = findStringEnd(m, from + 1, end);
    return close >= end ? ODD : afterValue(m, close + 1, end);
  }
  if (byte === 0x7b || byte === 0x5b) return skipContainer(m, from, end);
  const close = endOfPlain(m, from, end);
  return close === from ? ODD : afterValue(m, close, end);
}

/** Behind the object or list that begins at `from`; only quotes and brackets are looked at. */
function skipContainer(m: Memory, from: i32, end: i32): i32 {
  let depth = 0;
  let p = from;
  while (p < end) {
    const byte = u8At(m, p);
    if (byte === 0x22) {
      p = findStringEnd(m, p + 1, end);
      if (p >= end) return ODD;
    } else depth += byte === 0x7b || byte === 0x5b ? 1 : -1;
    p++;
    if (depth === 0) return afterValue(m, p, end);
    p = findStructure(m, p, end);
  }
  return ODD;
}

/** End of a number, true, false or null. */
function endOfPlain(m: Memory, from: i32, end: i32): i32 {
  let p = from;
  while (p < end && isPlain(u8At(m, p))) p++;
  return p;
}

function isPlain(byte: i32): boolean {
  return byte > 0x20 && byte !== 0x2c && byte !== 0x7d && byte !== 0x5d && byte !== 0x22 && byte !== 0x3a && byte !== 0x7b && byte !== 0x5b;
}

function skipSpace(m: Memory, from: i32, end: i32): i32 {
  let p = from;
  while (p < end && isSpace(u8At(m, p))) p++;
  return p;
}

function isSpace(byte: i32): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Node of a key below a parent, -1 where nothing below it is wanted. */
function findNode(m: Memory, program: i32, parent: i32, key: i32, length: i32): i32 {
  const hash = hashKey(m, parent, key, length);
  const mask = i32At(m, program + P_KEY_MASK);
  const table = i32At(m, program + P_KEYS);
  let slot = hash & mask;
  while (true) {
    const entry = table + slot * KEY_BYTES;
    const node = i32At(m, entry + K_NODE);
    if (node < 0) return -1;
    if (i32At(m, entry) === hash && i32At(m, entry + K_LENGTH) === length) {
      const isSibling = i32At(m, i32At(m, program + P_NODES) + node * NODE_BYTES + N_PARENT) === parent;
      if (isSibling && sameBytes(m, i32At(m, entry + K_TEXT), key, length)) return node;
    }
    slot = (slot + 1) & mask;
  }
}

/** Hash of a key below a parent: its length and twelve of its bytes. */
export function hashKey(m: Memory, parent: i32, key: i32, length: i32): i32 {
  let hash = multiply(parent + 1, 0x2c1b3c6d) ^ multiply(length, 0x297a2d39);
  if (length < 4) hash ^= bytesAt(m, key, length);
  else {
    hash = multiply(hash ^ bytesAt(m, key, 4), 0x2c1b3c6d);
    hash ^= hash >>> 13;
    hash = multiply(hash ^ bytesAt(m, key + length - 4, 4), 0x297a2d39);
    hash ^= hash >>> 12;
    hash ^= bytesAt(m, key + (length >> 1) - 2, 4);
  }
  hash = multiply(hash, 0x2c1b3c6d);
  return hash ^ (hash >>> 15);
}
