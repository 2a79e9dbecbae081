/** Finds where JSON values begin and end in bytes that come piece by piece, by brackets and quotes alone. */
import type { BlockForm } from './hunt-block.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LF = 0x0a;
const COMMA = 0x2c;
const COLON = 0x3a;

/** Values that lie so many brackets deep. Positions are of the buffer it is given; `rebase` says that its front was taken away. */
export class ValueScan {
  readonly #target: number;
  #depth = 0;
  #inString = false;
  #isEscaped = false;
  #at = 0;
  #line = 0;
  #starts: number[] = [];
  #ends: number[] = [];
  #lines: number[] = [];
  #openStart = -1;
  #openLine = 0;
  #isScalar = false;

  /** 0 for values one after the other, 1 for the elements of a list, 2 for those of a list in an object. */
  constructor(target: number) {
    this.#target = target;
  }

  /** Whole values found and not yet taken. */
  get count(): number {
    return this.#starts.length;
  }

  /** Where the value begins that has not ended; -1 where there is none. */
  get openStart(): number {
    return this.#openStart;
  }

  /** Line on which it begins, from the front of the buffer. */
  get openLine(): number {
    return this.#openLine;
  }

  /** Line of the next byte to be looked at. */
  get line(): number {
    return this.#line;
  }

  /** Whether a bracket is open around the values. */
  get isInside(): boolean {
    return this.#depth > 0;
  }

  /** Looks at what has not been looked at, up to `length`; stops behind the end of a value where `most` are found. */
  advance(bytes: Uint8Array, length: number, most = Number.POSITIVE_INFINITY): void {
    for (; this.#at < length && this.#starts.length < most; this.#at++) {
      const byte = bytes[this.#at] as number;
      if (byte === LF) this.#line += 1;
      if (this.#inString) this.#inside(byte);
      else this.#outside(byte);
    }
  }

  /** Ends the value that is open, where there is one. */
  finish(length: number): void {
    if (this.#openStart !== -1) this.#close(length);
  }

  /** The values found, which are forgotten. */
  take(): BlockForm {
    const form: BlockForm = {
      kind: 'values',
      starts: Uint32Array.from(this.#starts),
      ends: Uint32Array.from(this.#ends),
      lines: Uint32Array.from(this.#lines),
      lineCount: this.#openStart === -1 ? this.#line : this.#openLine,
    };
    this.#starts = [];
    this.#ends = [];
    this.#lines = [];
    return form;
  }

  /** Bytes at the front that are done with. */
  get doneBytes(): number {
    return this.#openStart === -1 ? this.#at : this.#openStart;
  }

  /** Takes note that `bytes` at the front are gone, and with them the lines before what is open. */
  rebase(bytes: number): void {
    const lines = this.#openStart === -1 ? this.#line : this.#openLine;
    this.#at -= bytes;
    this.#line -= lines;
    if (this.#openStart !== -1) {
      this.#openStart -= bytes;
      this.#openLine -= lines;
    }
  }

  /** Takes note that all bytes are gone, those of the open value with them: where it ends is looked for, and it is not told. */
  forgetOpen(): void {
    this.#at = 0;
  }

  #inside(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#inString = false;
  }

  #outside(byte: number): void {
    if (isBetween(byte)) {
      if (this.#isScalar) this.#close(this.#at);
    } else if (byte === 0x7b || byte === 0x5b) {
      if (this.#depth === this.#target) this.#open(false);
      this.#depth += 1;
    } else if (byte === 0x7d || byte === 0x5d) this.#closeBracket();
    else {
      if (this.#depth === this.#target && this.#openStart === -1) this.#open(true);
      if (byte === QUOTE) this.#inString = true;
    }
  }

  #closeBracket(): void {
    if (this.#isScalar) this.#close(this.#at);
    if (this.#depth === 0) return;
    this.#depth -= 1;
    if (this.#depth === this.#target && this.#openStart !== -1) this.#close(this.#at + 1);
  }

  #open(isScalar: boolean): void {
    if (this.#isScalar) this.#close(this.#at);
    this.#openStart = this.#at;
    this.#openLine = this.#line;
    this.#isScalar = isScalar;
  }

  #close(end: number): void {
    this.#starts.push(this.#openStart);
    this.#ends.push(end);
    this.#lines.push(this.#openLine);
    this.#openStart = -1;
    this.#isScalar = false;
  }
}

/** White space, and what separates values and names. */
function isBetween(byte: number): boolean {
  return byte <= 0x20 || byte === COMMA || byte === COLON;
}
