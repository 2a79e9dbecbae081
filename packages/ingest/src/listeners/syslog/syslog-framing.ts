/**
 * Cutting a stream into syslog messages (RFC 6587): octet counting (`MSGLEN SP MSG`) or lines, told by how the connection begins. A count
 * that leads nowhere is counted and left behind: reading goes on at the next thing that looks like a message's beginning. Holds at most one
 * message's bytes, whatever comes.
 */
import { Buffer } from 'node:buffer';
import { StreamBuffer } from '../stream-buffer.ts';

/** What is told of the stream. */
export interface FramingEvents {
  /** A message without its frame. A view into the bytes given, or a copy: it does not change. */
  onMessage(message: Uint8Array): void;
  /** Bytes that no message could be made of: a wrong count, or a message longer than allowed. Once for each run of them. */
  onBad(code: 'listener.bad_frame' | 'decode.too_large'): void;
}

/** Digits of a count at most: a message of ten million bytes is none. */
const MAX_DIGITS = 7;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const LESS = 0x3c;
const NOTHING = Buffer.alloc(0);

/** The framing of one connection. */
export class SyslogFraming {
  readonly #maxBytes: number;
  readonly #events: FramingEvents;
  readonly #stream = new StreamBuffer();
  /** What is left of the stream. */
  #rest: Buffer = NOTHING;
  /** Bytes of `#rest` in which no line end was found. */
  #searched = 0;
  #mode: 'unknown' | 'counted' | 'lines' = 'unknown';
  /** Bytes of an overlong message still to come. */
  #skip = 0;
  /** Whether what comes is left out up to the end of a line, or the next message. */
  #isLost = false;

  constructor(maxBytes: number, events: FramingEvents) {
    this.#maxBytes = maxBytes;
    this.#events = events;
  }

  /** Whether part of a message has been read. */
  get isMidway(): boolean {
    return this.#rest.length > 0 || this.#skip > 0 || this.#isLost;
  }

  /** Bytes held of a message that is not complete. */
  get partialBytes(): number {
    return this.#rest.length;
  }

  /** Reads on. */
  push(chunk: Uint8Array): void {
    this.#rest = this.#stream.append(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    let at = 0;
    for (;;) {
      const next = this.#step(at);
      if (next === undefined) break;
      at = next;
    }
    this.#keep(at);
  }

  /** The stream has ended: what is left is a last line, or a message that broke off. */
  end(): void {
    const rest = trimmed(this.#rest);
    const isCut = this.#skip > 0 || this.#isLost;
    if (rest.length > 0 && !isCut) {
      if (this.#mode === 'counted' && beginsCount(rest)) this.#events.onBad('listener.bad_frame');
      else this.#events.onMessage(rest);
    }
    this.#rest = NOTHING;
  }

  /** Reads one thing at `at`; undefined where more bytes are needed. */
  #step(at: number): number | undefined {
    const rest = this.#rest;
    if (at >= rest.length) return undefined;
    if (this.#skip > 0) return this.#skipOn(at);
    if (this.#isLost) return this.#findNext(at);
    if (this.#mode !== 'lines' && isBlank(rest[at] as number)) return at + 1;
    if (this.#mode === 'unknown') return this.#decide(at);
    return this.#mode === 'counted' ? this.#readCounted(at) : this.#readLine(at);
  }

  #decide(at: number): number | undefined {
    const head = readCount(this.#rest, at);
    if (head === undefined) return undefined;
    this.#mode = head === 'none' ? 'lines' : 'counted';
    return at;
  }

  #readCounted(at: number): number | undefined {
    const head = readCount(this.#rest, at);
    if (head === undefined) return undefined;
    if (head === 'none') return this.#lose(at);
    const end = head.from + head.count;
    if (head.count > this.#maxBytes) {
      this.#events.onBad('decode.too_large');
      this.#skip = head.count;
      return head.from;
    }
    if (end > this.#rest.length) return undefined;
    this.#take(head.from, end);
    return end;
  }

  #readLine(at: number): number | undefined {
    const end = this.#rest.indexOf(LINE_FEED, Math.max(at, this.#searched));
    this.#searched = end === -1 ? this.#rest.length : 0;
    if (end === -1 && this.#rest.length - at <= this.#maxBytes) return undefined;
    if (end === -1 || end - at > this.#maxBytes) {
      this.#events.onBad('decode.too_large');
      if (end !== -1) return end + 1;
      this.#isLost = true;
      return this.#rest.length;
    }
    this.#take(at, end);
    return end + 1;
  }

  #take(from: number, end: number): void {
    const message = trimmed(this.#rest.subarray(from, end));
    if (message.length > 0) this.#events.onMessage(message);
  }

  #skipOn(at: number): number {
    const end = Math.min(this.#rest.length, at + this.#skip);
    this.#skip -= end - at;
    return end;
  }

  #lose(at: number): number {
    this.#events.onBad('listener.bad_frame');
    this.#isLost = true;
    return at;
  }

  /** After bytes that were no message: the next line in a stream of lines, the next counted message in one of those. */
  #findNext(at: number): number | undefined {
    if (this.#mode === 'lines') {
      const end = this.#rest.indexOf(LINE_FEED, at);
      if (end === -1) return this.#rest.length;
      this.#isLost = false;
      return end + 1;
    }
    const found = findCounted(this.#rest, at);
    if (found.isWhole) this.#isLost = false;
    // What may still become a count is kept until more is known.
    return found.isWhole || found.at > at ? found.at : undefined;
  }

  #keep(at: number): void {
    this.#searched = Math.max(0, this.#searched - at);
    this.#rest = this.#stream.drop(at);
  }
}

interface Count {
  /** Bytes of the message. */
  readonly count: number;
  /** Where it begins. */
  readonly from: number;
}

/** `MSGLEN SP` before a `<`; `none` where something else stands there, undefined where that cannot be told yet. */
function readCount(bytes: Buffer, at: number): Count | 'none' | undefined {
  let end = at;
  let count = 0;
  while (end < bytes.length && end - at <= MAX_DIGITS && isDigit(bytes[end] as number))
    count = count * 10 + (bytes[end++] as number) - 0x30;
  if (end === at || end - at > MAX_DIGITS || bytes[at] === 0x30) return 'none';
  if (end + 1 >= bytes.length && (end >= bytes.length || bytes[end] === SPACE)) return undefined;
  return bytes[end] === SPACE && bytes[end + 1] === LESS ? { count, from: end + 1 } : 'none';
}

/** The next place where a counted message may begin, or where the bytes end before that can be told. */
function findCounted(bytes: Buffer, from: number): { at: number; isWhole: boolean } {
  for (let open = bytes.indexOf(LESS, from); open !== -1; open = bytes.indexOf(LESS, open + 1)) {
    if (open <= from || bytes[open - 1] !== SPACE) continue;
    const at = startOfDigits(bytes, open - 1, from);
    const head = readCount(bytes, at);
    if (typeof head === 'object') return { at, isWhole: true };
  }
  const end = bytes.length - (bytes.at(-1) === SPACE ? 1 : 0);
  return { at: startOfDigits(bytes, Math.max(from, end), from), isWhole: false };
}

/** Where the digits before `end` begin: of a long number one more than a count may have, so that it stays one. */
function startOfDigits(bytes: Buffer, end: number, from: number): number {
  let start = end;
  while (start > from && end - start <= MAX_DIGITS && isDigit(bytes[start - 1] as number)) start--;
  return start;
}

function beginsCount(bytes: Buffer): boolean {
  return isDigit(bytes[0] as number);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** Line ends, NUL and spaces between counted messages: some senders count without them. */
function isBlank(byte: number): boolean {
  return byte === LINE_FEED || byte === CARRIAGE_RETURN || byte === 0 || byte === SPACE;
}

/** Without line ends and NUL at its end. */
function trimmed(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === LINE_FEED || bytes[end - 1] === CARRIAGE_RETURN || bytes[end - 1] === 0)) end--;
  return end === bytes.length ? bytes : bytes.subarray(0, end);
}
