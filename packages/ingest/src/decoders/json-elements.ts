/**
 * Where the elements of a JSON array lie in bytes, so that each keeps its original bytes. Only the nesting is read: whether
 * each element is valid JSON is found out when it is parsed.
 */

/** Begin and end (exclusive) of one element. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Spans of the elements of the array whose `[` stands at `open`, in order, without surrounding white space; undefined where
 * the array is malformed, not closed, or holds more than `most`. Elements at UTF-8 text only: every structural byte is ASCII.
 */
export function jsonElements(bytes: Uint8Array, open: number, most: number): ByteSpan[] | undefined {
  const spans: ByteSpan[] = [];
  let at = skipSpace(bytes, open + 1);
  if (bytes[at] === CLOSE_ARRAY) return spans;
  while (at < bytes.length) {
    const end = endOfElement(bytes, at);
    const last = trimEnd(bytes, at, end);
    if (last === at || spans.length >= most) return undefined;
    spans.push({ start: at, end: last });
    if (bytes[end] === CLOSE_ARRAY) return spans;
    if (bytes[end] !== COMMA) return undefined;
    at = skipSpace(bytes, end + 1);
  }
  return undefined;
}

/** First index at or after `from` that is not JSON white space. */
export function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && isSpace(bytes[at])) at++;
  return at;
}

/** Index after the string whose opening quote stands at `from`; the length of the bytes where it does not end. */
export function skipString(bytes: Uint8Array, from: number): number {
  let at = from + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

/** Index of the `,`, `]` or `}` that ends the value begun at `from`. */
export function endOfElement(bytes: Uint8Array, from: number): number {
  let depth = 0;
  let at = from;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = skipString(bytes, at);
      continue;
    }
    if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT)) return at;
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    at++;
  }
  return at;
}

function trimEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && isSpace(bytes[at - 1])) at--;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
