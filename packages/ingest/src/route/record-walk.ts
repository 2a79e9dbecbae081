/**
 * A walk over the bytes of one JSON object, known to be valid, that stops at the members a key tree names and passes over the rest. It gives
 * up, rather than guess, where a name is written with escapes or stands twice: then the record is to be decoded as ever.
 */
import type { KeyNode, KeyTable } from './key-tree.ts';

/** Told of a member that is asked for: its value is `bytes[start … end)`. Returns false to give up. */
export type OnMember = (node: KeyNode, start: number, end: number) => boolean;

/** Reads records of one buffer after another. Holds no record between calls. */
export class RecordWalk {
  readonly #onMember: OnMember;
  /** Walk in which each node was last met. */
  readonly #met: Int32Array;
  #walk = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  constructor(nodeCount: number, onMember: OnMember) {
    this.#onMember = onMember;
    this.#met = new Int32Array(nodeCount + 1);
  }

  /** Whether `bytes[start … end)` is one object, read in full confidence; every asked member was then told. */
  walk(root: KeyTable, bytes: Uint8Array, { start, end }: { start: number; end: number }): boolean {
    this.#walk = (this.#walk + 1) | 0;
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#skipSpace();
    if (bytes[this.#at] !== OPEN_OBJECT || this.#at >= end) return false;
    if (!this.#object(root)) return false;
    this.#skipSpace();
    return this.#at === end;
  }

  #object(table: KeyTable): boolean {
    const bytes = this.#bytes;
    this.#at += 1;
    this.#skipSpace();
    if (bytes[this.#at] === CLOSE_OBJECT) {
      this.#at += 1;
      return this.#at <= this.#end;
    }
    while (this.#name(table)) {
      this.#skipSpace();
      const next = bytes[this.#at];
      this.#at += 1;
      if (next === CLOSE_OBJECT) return true;
      if (next !== COMMA) return false;
      this.#skipSpace();
    }
    return false;
  }

  /** Reads a name and its value. */
  #name(table: KeyTable): boolean {
    const bytes = this.#bytes;
    if (bytes[this.#at] !== QUOTE) return false;
    const nameStart = this.#at + 1;
    // A name with escapes may be any name.
    if (!this.#string() || this.#hasEscapes) return false;
    const nameEnd = this.#at - 1;
    this.#skipSpace();
    if (bytes[this.#at] !== COLON) return false;
    this.#at += 1;
    this.#skipSpace();
    return this.#member(table.find(bytes, nameStart, nameEnd));
  }

  #member(node: KeyNode | undefined): boolean {
    if (node === undefined) return this.#value();
    // The last of two members of one name counts: too rare to be clever about.
    if (this.#met[node.id] === this.#walk) return false;
    this.#met[node.id] = this.#walk;
    const start = this.#at;
    const isWithin = node.within.size > 0 && this.#bytes[start] === OPEN_OBJECT;
    if (!(isWithin ? this.#object(node.within) : this.#value())) return false;
    return !node.isAsked || this.#onMember(node, start, this.#at);
  }

  /** Passes over a value. */
  #value(): boolean {
    const first = this.#bytes[this.#at];
    if (first === QUOTE) return this.#string();
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) return this.#container();
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
      }
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
  #container(): boolean {
    const bytes = this.#bytes;
    let open = 0;
    while (this.#at < this.#end) {
      const byte = bytes[this.#at];
      if (byte === QUOTE) {
        if (!this.#string()) return false;
        continue;
      }
      this.#at += 1;
      if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) open += 1;
      else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        open -= 1;
        if (open === 0) return true;
      }
    }
    return false;
  }

  /** Passes over a number, `true`, `false` or `null`. */
  #scalar(): boolean {
    const start = this.#at;
    while (this.#at < this.#end && !endsScalar(this.#bytes[this.#at] as number)) this.#at += 1;
    return this.#at > start;
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

/** How far a string's end is sought byte by byte before the search is left to the runtime. */
const NEAR_BYTES = 48;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_OBJECT || byte === CLOSE_ARRAY || byte <= 0x20;
}
