/**
 * A walk over the bytes of one JSON object that stops at the members a key tree names and passes over the rest. It gives up, rather than
 * guess, on whatever it does not read with full confidence: then the record is to be decoded as ever.
 */
import type { KeyNode, KeyTable } from './key-tree.ts';

/** Told of a member that is asked for: its value is `bytes[start … end)`. Returns false to give up. */
export type OnMember = (node: KeyNode, start: number, end: number) => boolean;

/** Bounds of a walk: deeper records, and those of more members, are given up. */
export interface WalkLimits {
  readonly maxDepth: number;
  readonly maxKeys: number;
}

/** Reads records of one buffer after another. Holds no record between calls. */
export class RecordWalk {
  readonly #limits: WalkLimits;
  readonly #onMember: OnMember;
  /** Walk in which each node was last met. */
  readonly #met: Int32Array;
  #walk = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #keys = 0;

  constructor(nodeCount: number, limits: WalkLimits, onMember: OnMember) {
    this.#limits = limits;
    this.#onMember = onMember;
    this.#met = new Int32Array(nodeCount + 1);
  }

  /** Whether `bytes[start … end)` is one object, read in full confidence; every asked member was then told. */
  walk(root: KeyTable, bytes: Uint8Array, { start, end }: { start: number; end: number }): boolean {
    this.#walk = (this.#walk + 1) | 0;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#keys = 0;
    this.#skipSpace();
    if (bytes[this.#at] !== OPEN_OBJECT || this.#at >= end) return false;
    if (!this.#object(root, 1)) return false;
    this.#skipSpace();
    return this.#at === end;
  }

  #object(table: KeyTable, depth: number): boolean {
    if (depth > this.#limits.maxDepth) return false;
    const bytes = this.#bytes;
    this.#at += 1;
    this.#skipSpace();
    if (bytes[this.#at] === CLOSE_OBJECT) {
      this.#at += 1;
      return this.#at <= this.#end;
    }
    for (;;) {
      if (bytes[this.#at] !== QUOTE) return false;
      const nameStart = this.#at + 1;
      if (!this.#string()) return false;
      const nameEnd = this.#at - 1;
      // A name with escapes may be any name.
      if (this.#hasEscapes) return false;
      this.#skipSpace();
      if (bytes[this.#at] !== COLON) return false;
      this.#at += 1;
      this.#skipSpace();
      if (++this.#keys > this.#limits.maxKeys) return false;
      if (!this.#member(table.find(bytes, nameStart, nameEnd), depth)) return false;
      this.#skipSpace();
      const next = bytes[this.#at];
      this.#at += 1;
      if (this.#at > this.#end) return false;
      if (next === CLOSE_OBJECT) return true;
      if (next !== COMMA) return false;
      this.#skipSpace();
    }
  }

  #member(node: KeyNode | undefined, depth: number): boolean {
    if (node === undefined) return this.#value(depth);
    // The last of two members of one name counts: too rare to be clever about.
    if (this.#met[node.id] === this.#walk) return false;
    this.#met[node.id] = this.#walk;
    const start = this.#at;
    const isWithin = node.within.size > 0 && this.#bytes[start] === OPEN_OBJECT;
    if (!(isWithin ? this.#object(node.within, depth + 1) : this.#value(depth))) return false;
    return !node.isAsked || this.#onMember(node, start, this.#at);
  }

  /** Passes over a value. */
  #value(depth: number): boolean {
    const first = this.#bytes[this.#at];
    if (first === QUOTE) return this.#string();
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return this.#container(depth);
    return this.#scalar();
  }

  #hasEscapes = false;

  /** Passes over a string that begins here. */
  #string(): boolean {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at + 1;
    this.#hasEscapes = false;
    const near = Math.min(end, at + NEAR_BYTES);
    for (; at < near; at++) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.#at = at + 1;
        return true;
      }
      if (byte === BACKSLASH) {
        this.#hasEscapes = true;
        at += 1;
      } else if (byte < 0x20) return false;
    }
    return this.#longString(at);
  }

  #longString(from: number): boolean {
    const bytes = this.#bytes;
    let at = from;
    for (;;) {
      const found = bytes.indexOf(QUOTE, at);
      if (found === -1 || found >= this.#end) return false;
      let before = found - 1;
      while (before >= from && bytes[before] === BACKSLASH) before--;
      if (((found - before) & 1) === 1) {
        this.#at = found + 1;
        return true;
      }
      at = found + 1;
    }
  }

  /** Passes over an object or array by its brackets and quotes. */
  #container(depth: number): boolean {
    const bytes = this.#bytes;
    let open = 0;
    while (this.#at < this.#end) {
      const byte = bytes[this.#at];
      if (byte === QUOTE) {
        if (!this.#string()) return false;
        continue;
      }
      this.#at += 1;
      if (byte === COLON) {
        if (++this.#keys > this.#limits.maxKeys) return false;
      } else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
        open += 1;
        if (depth + open > this.#limits.maxDepth) return false;
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        open -= 1;
        if (open === 0) return true;
      }
    }
    return false;
  }

  /** Passes over a number, `true`, `false` or `null`. */
  #scalar(): boolean {
    const start = this.#at;
    let at = start;
    for (; at < this.#end; at++) {
      const byte = this.#bytes[at] as number;
      if (byte === COMMA || byte === CLOSE_OBJECT || byte <= 0x20) break;
    }
    this.#at = at;
    return isScalar(this.#bytes, start, at);
  }

  #skipSpace(): void {
    const bytes = this.#bytes;
    while (this.#at < this.#end) {
      const byte = bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09 && byte !== 0x0a) return;
      this.#at += 1;
    }
  }
}

function isScalar(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  const first = bytes[start];
  if (length === 1) return isDigit(first);
  if (first === 0x74) return length === 4 && bytes[start + 1] === 0x72 && bytes[start + 2] === 0x75 && bytes[start + 3] === 0x65;
  if (first === 0x6e) return length === 4 && bytes[start + 1] === 0x75 && bytes[start + 2] === 0x6c && bytes[start + 3] === 0x6c;
  if (first === 0x66)
    return length === 5 && bytes[start + 1] === 0x61 && bytes[start + 2] === 0x6c && bytes[start + 3] === 0x73 && bytes[start + 4] === 0x65;
  return length > 0 && isNumber(bytes, start, end);
}

/** Digits alone are told at once; whatever else a number may be is left to the grammar (RFC 8259, section 6). */
function isNumber(bytes: Uint8Array, start: number, end: number): boolean {
  let at = bytes[start] === MINUS ? start + 1 : start;
  const isPlain = bytes[at] !== DIGIT_0;
  while (at < end && isDigit(bytes[at])) at++;
  if (at === end && isPlain && end > start + (bytes[start] === MINUS ? 1 : 0)) return true;
  let text = '';
  for (let i = start; i < end && i < start + 64; i++) text += String.fromCharCode(bytes[i] as number);
  return end - start <= 64 && /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= DIGIT_0 && byte <= 0x39;
}

/** How far a string's end is sought byte by byte before the search is left to the runtime. */
const NEAR_BYTES = 48;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const MINUS = 0x2d;
const DIGIT_0 = 0x30;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
