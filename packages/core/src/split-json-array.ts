/**
 * Cutting bytes into records without parsing them: elements of a JSON array, members of a JSON object, lines. Linear in
 * the bytes, bounded in depth and in the number of pieces; says where the pieces lie and leaves judging them to whoever parses them.
 * Only the outermost structure is checked: a piece may still be no JSON.
 */

/** Bounds of a cut. Whatever exceeds one is refused, nothing is cut short. */
export interface SplitLimits {
  /** Deepest nesting of arrays and objects, the outermost being 1. */
  readonly maxDepth: number;
  /** Most pieces. */
  readonly maxPieces: number;
}

/** Why bytes could not be cut, and at which byte. */
export interface SplitFailure {
  readonly reason: 'not_json' | 'truncated' | 'too_deep' | 'too_many' | 'trailing_bytes' | 'no_such_member';
  readonly at: number;
}

/** Pieces as pairs of start (included) and end (excluded), in the order of the bytes. */
export type Split = { readonly ranges: readonly number[]; readonly failure?: undefined } | { readonly failure: SplitFailure };

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** What a byte means to the scanner outside strings: 0 nothing, 1 quote, 2 opening, 3 closing, 4 white space, 5 comma, colon. */
const KIND = byteKinds();

/** Elements of the array that is the whole of `bytes`, white space around it apart. */
export function splitJsonArray(bytes: Uint8Array, limits: SplitLimits): Split {
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== OPEN_ARRAY) return fail('not_json', start);
  const split = splitElements(bytes, start, limits);
  return split.failure === undefined ? closed(bytes, split.end, split.ranges) : split;
}

/** Elements of the array under the member `name` of the object that is the whole of `bytes`, such as CloudTrail's `Records`. The last of several counts. */
export function splitMemberArray(bytes: Uint8Array, name: string, limits: SplitLimits): Split {
  const members = splitJsonObject(bytes, limits);
  if (members.failure !== undefined) return members;
  const range = memberRange(bytes, members.ranges, name);
  if (range === undefined) return fail('no_such_member', 0);
  if (bytes[range[0]] !== OPEN_ARRAY) return fail('not_json', range[0]);
  return splitElements(bytes, range[0], limits);
}

/** Members of the object that is the whole of `bytes`: four numbers each, name with its quotes and value, as start and end. */
export function splitJsonObject(bytes: Uint8Array, limits: SplitLimits): Split {
  const split = readJsonObject(bytes, 0, limits);
  return split.failure === undefined ? closed(bytes, split.end - 1, split.ranges) : split;
}

/** As `splitJsonObject`, of the object that begins at `from` or after white space there; `end` is one past its brace. For objects one after another. */
export function readJsonObject(bytes: Uint8Array, from: number, limits: SplitLimits): ElementSplit {
  const start = skipSpace(bytes, from);
  if (bytes[start] !== OPEN_OBJECT) return fail('not_json', start);
  const ranges: number[] = [];
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_OBJECT) return { ranges, end: at + 1 };
  for (;;) {
    if (ranges.length >= limits.maxPieces * 4) return fail('too_many', at);
    const member = scanMember(bytes, at, limits.maxDepth - 1);
    if (!Array.isArray(member)) return { failure: member };
    ranges.push(...member);
    at = skipSpace(bytes, member[3]);
    if (bytes[at] === CLOSE_OBJECT) return { ranges, end: at + 1 };
    if (bytes[at] !== COMMA) return fail(at >= bytes.length ? 'truncated' : 'not_json', at);
    at = skipSpace(bytes, at + 1);
  }
}

/** Start and end of the value of member `name` (plain ASCII) among the members that `splitJsonObject` found; the last one counts, as in JSON.parse. */
export function memberRange(bytes: Uint8Array, members: readonly number[], name: string): readonly [number, number] | undefined {
  for (let i = members.length - 4; i >= 0; i -= 4) {
    const start = members[i] as number;
    if ((members[i + 1] as number) - start === name.length + 2 && isName(bytes, start + 1, name))
      return [members[i + 2] as number, members[i + 3] as number];
  }
  return undefined;
}

/** Pieces, and where what holds them ends. */
export type ElementSplit =
  | { readonly ranges: readonly number[]; readonly end: number; readonly failure?: undefined }
  | { readonly failure: SplitFailure };

/** Elements of the array that opens at `start`, and where its `]` is. */
function splitElements(bytes: Uint8Array, start: number, limits: SplitLimits): ElementSplit {
  const ranges: number[] = [];
  let at = skipSpace(bytes, start + 1);
  if (bytes[at] === CLOSE_ARRAY) return { ranges, end: at };
  for (;;) {
    if (ranges.length >= limits.maxPieces * 2) return fail('too_many', at);
    const end = endOfValue(bytes, at, limits.maxDepth - 1);
    if (typeof end !== 'number') return { failure: end };
    ranges.push(at, end);
    at = skipSpace(bytes, end);
    if (bytes[at] === CLOSE_ARRAY) return { ranges, end: at };
    if (bytes[at] !== COMMA) return fail(at >= bytes.length ? 'truncated' : 'not_json', at);
    at = skipSpace(bytes, at + 1);
  }
}

/** Name and value of the member that begins at `at`. */
function scanMember(bytes: Uint8Array, at: number, maxDepth: number): [number, number, number, number] | SplitFailure {
  if (bytes[at] !== QUOTE) return { reason: at >= bytes.length ? 'truncated' : 'not_json', at };
  const nameEnd = stringEnd(bytes, at);
  const colon = skipSpace(bytes, nameEnd);
  if (bytes[colon] !== COLON) return { reason: colon >= bytes.length ? 'truncated' : 'not_json', at: colon };
  const valueStart = skipSpace(bytes, colon + 1);
  const valueEnd = endOfValue(bytes, valueStart, maxDepth);
  return typeof valueEnd === 'number' ? [at, nameEnd, valueStart, valueEnd] : valueEnd;
}

/** End of the value that begins at `start`: of its string, its matching bracket, or its last byte before a separator. */
function endOfValue(bytes: Uint8Array, start: number, maxDepth: number): number | SplitFailure {
  const first = KIND[bytes[start] ?? 0] as number;
  if (start >= bytes.length) return { reason: 'truncated', at: start };
  if (first === 1) {
    const end = stringEnd(bytes, start);
    return isClosedString(bytes, start, end) ? end : { reason: 'truncated', at: end };
  }
  if (first === 2) return endOfNested(bytes, start, maxDepth);
  let at = start;
  while (at < bytes.length && KIND[bytes[at] as number] === 0) at++;
  return at === start ? { reason: 'not_json', at } : at;
}

function endOfNested(bytes: Uint8Array, start: number, maxDepth: number): number | SplitFailure {
  let depth = 0;
  for (let at = start; at < bytes.length; at++) {
    const kind = KIND[bytes[at] as number] as number;
    if (kind === 1) at = stringEnd(bytes, at) - 1;
    else if (kind === 2 && ++depth > maxDepth) return { reason: 'too_deep', at };
    else if (kind === 3 && --depth === 0) return at + 1;
  }
  return { reason: 'truncated', at: bytes.length };
}

/** One past the closing quote of the string that opens at `start`; the end of the bytes where it never closes. */
function stringEnd(bytes: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return Math.min(at + 1, bytes.length);
}

function isClosedString(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start < 2 || bytes[end - 1] !== QUOTE) return false;
  let backslashes = 0;
  for (let i = end - 2; i > start && bytes[i] === BACKSLASH; i--) backslashes++;
  return backslashes % 2 === 0;
}

function closed(bytes: Uint8Array, at: number, ranges: readonly number[]): Split {
  const rest = skipSpace(bytes, at + 1);
  return rest < bytes.length ? fail('trailing_bytes', rest) : { ranges };
}

function isName(bytes: Uint8Array, from: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[from + i] !== name.charCodeAt(i)) return false;
  return true;
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length && KIND[bytes[at] as number] === 4) at++;
  return at;
}

function fail(reason: SplitFailure['reason'], at: number): { failure: SplitFailure } {
  return { failure: { reason, at } };
}

function byteKinds(): Uint8Array {
  const kinds = new Uint8Array(256);
  kinds[QUOTE] = 1;
  kinds[OPEN_ARRAY] = kinds[OPEN_OBJECT] = 2;
  kinds[CLOSE_ARRAY] = kinds[CLOSE_OBJECT] = 3;
  for (const space of [0x20, 0x09, 0x0a, 0x0d]) kinds[space] = 4;
  kinds[COMMA] = kinds[COLON] = 5;
  return kinds;
}
