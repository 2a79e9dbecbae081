/**
 * One JSON object out of bytes, within limits: what every JSON format begins with. Depth and members are bounded by a scan
 * of the text before the parser sees it. Which fields mean what is not known here.
 */
import type { Fields } from '@tocsin/core';
import { type DecodeLimits, type RejectedRecord, rejectRecord } from './record-decoder.ts';

/** A parsed object, or the reason why there is none. */
export type ParsedRecord = { readonly fields: Fields } | { readonly refusal: RejectedRecord };

/** Parses a record that must be a JSON object. Duplicate members: the last one counts, as in ECMA-262 `JSON.parse`. */
export function parseJsonRecord(bytes: Uint8Array, format: string, limits: DecodeLimits): ParsedRecord {
  if (bytes.length > limits.maxRecordBytes) {
    return { refusal: rejectRecord(bytes, 'decode.too_large', { bytes: bytes.length, maxBytes: limits.maxRecordBytes }) };
  }
  const text = decodeUtf8(bytes);
  return text === undefined
    ? { refusal: rejectRecord(bytes, 'decode.bad_utf8', { format }) }
    : parseJsonText(text, bytes, { format, limits });
}

/** As `parseJsonRecord`, for text that was decoded already. */
export function parseJsonText(text: string, bytes: Uint8Array, how: { format: string; limits: DecodeLimits }): ParsedRecord {
  const { format, limits } = how;
  const excess = scanJson(text, limits);
  if (excess === 'depth') return { refusal: rejectRecord(bytes, 'decode.too_deep', { maxDepth: limits.maxDepth }) };
  if (excess === 'keys') return { refusal: rejectRecord(bytes, 'decode.too_many_keys', { maxKeys: limits.maxKeys }) };
  let value: unknown;
  try {
    // An error costs as much as twenty records: text that cannot be JSON is not given to the parser.
    if (!MAY_BE_JSON.test(text))
      return { refusal: rejectRecord(bytes, 'decode.bad_json', { format, reason: 'it is not valid JSON (it does not begin as JSON)' }) };
    value = JSON.parse(text);
  } catch (error) {
    return { refusal: rejectRecord(bytes, 'decode.bad_json', { format, reason: `it is not valid JSON (${positionOf(error)})` }) };
  }
  return isObject(value)
    ? { fields: value }
    : { refusal: rejectRecord(bytes, 'decode.bad_json', { format, reason: 'it is not a JSON object' }) };
}

/** Text of bytes, or undefined where they are not UTF-8. A leading byte order mark is left out. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined; // the one thing a fatal decoder throws for
  }
}

/** Which limit a record breaks, if any. Counts exactly only where a cheap bound does not already clear it. */
export function scanJson(text: string, limits: Pick<DecodeLimits, 'maxDepth' | 'maxKeys'>): 'depth' | 'keys' | undefined {
  // A member takes four characters at least, so a short text cannot hold too many; few brackets cannot nest too deep.
  if (text.length < 4 * limits.maxKeys && fewBrackets(text, limits.maxDepth)) return undefined;
  return scanExactly(text, limits);
}

/** Whether a JSON value is an object, not an array. */
export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const MAY_BE_JSON = /^[ \t\r\n]*[[{"\dtfn-]/;
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function fewBrackets(text: string, most: number): boolean {
  return countUpTo(text, '{', most) + countUpTo(text, '[', most) <= most;
}

function countUpTo(text: string, sought: string, most: number): number {
  let count = 0;
  for (let at = text.indexOf(sought); at !== -1 && count <= most; at = text.indexOf(sought, at + 1)) count++;
  return count;
}

function scanExactly(text: string, limits: Pick<DecodeLimits, 'maxDepth' | 'maxKeys'>): 'depth' | 'keys' | undefined {
  let depth = 0;
  let keys = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === COLON && ++keys > limits.maxKeys) return 'keys';
    else if ((unit === OPEN_OBJECT || unit === OPEN_ARRAY) && ++depth > limits.maxDepth) return 'depth';
    else if (unit === CLOSE_OBJECT || unit === CLOSE_ARRAY) depth--;
  }
  return undefined;
}

/** Index of the quote that ends the string begun at `from`; the text's length where there is none. */
function endOfString(text: string, from: number): number {
  let at = from + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at;
}

/** Where the parser stopped, without the excerpt of the record that V8 puts into its message. */
function positionOf(error: unknown): string {
  const at = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined;
  return at === undefined ? 'it ends too early or is malformed' : `at character ${at}`;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
