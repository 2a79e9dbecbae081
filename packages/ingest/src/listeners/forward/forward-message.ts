/**
 * One message of the Fluentd forward protocol (Forward Protocol Specification v1.5): which of the four modes it has, its options, and its
 * entries, each cut out on its own. An entry's record becomes JSON text; what cannot be read spoils that entry alone.
 */
import { decode } from '@msgpack/msgpack';
import { bytesAt, endOfValue, NIL, openArray, scanFrom, scanOn } from './message-pack.ts';

/** A message of events. */
export interface ForwardMessage {
  readonly tag: string;
  /** What the sender wants acknowledged; undefined where it does not. */
  readonly chunk: string | undefined;
  /** How `entries` are packed together: `undefined` for not at all. */
  readonly compressed: 'gzip' | 'zstd' | undefined;
  /** Entries one after another; where `compressed`, what gives them. */
  readonly entries: Buffer;
}

/** An entry: its record as JSON text, or why there is none. */
export type ForwardEntry =
  | { readonly timeMs: number | undefined; readonly json: string }
  | { readonly reason: string; readonly bytes: Buffer };

/** Longest chunk id and tag. */
const MAX_NAME_BYTES = 512;

/** Reads a whole message; undefined where it is a keep-alive. @throws RangeError where it is none */
export function readForwardMessage(bytes: Buffer): ForwardMessage | undefined {
  if (bytes[0] === NIL) return undefined;
  const array = openArray(bytes, 0);
  if (array === undefined || array.length < 2 || array.length > 4) throw new RangeError('it is no array of 2 to 4 values');
  const tag = nameAt(bytes, array.at);
  const at = endOfValue(bytes, array.at);
  const body = { bytes, at, end: endOfValue(bytes, at), length: array.length };
  return { tag, ...(readSeveral(body) ?? readOne(body)) };
}

/** What follows the tag: where its first value begins and ends, and how many values the message has. */
interface Body {
  readonly bytes: Buffer;
  readonly at: number;
  readonly end: number;
  readonly length: number;
}

/** Forward and PackedForward: `[tag, entries, option?]`. */
function readSeveral({ bytes, at, end, length }: Body): Omit<ForwardMessage, 'tag'> | undefined {
  const packed = bytesAt(bytes, at);
  const array = openArray(bytes, at);
  if (packed === undefined && array === undefined) return undefined;
  const options = readOptions(bytes, length > 2 ? end : undefined);
  const compressed = packed === undefined ? undefined : options.compressed;
  return { ...options, compressed, entries: packed ?? bytes.subarray(array?.at, end) };
}

/** Message: `[tag, time, record, option?]`. */
function readOne({ bytes, at, end, length }: Body): Omit<ForwardMessage, 'tag'> {
  if (length < 3) throw new RangeError('it has a time and no record');
  const recordEnd = endOfValue(bytes, end);
  const options = readOptions(bytes, length > 3 ? recordEnd : undefined);
  return { ...options, compressed: undefined, entries: Buffer.concat([PAIR, bytes.subarray(at, recordEnd)]) };
}

/** The entries of a message, unpacked. A part that is no value ends them, told as an entry with its reason. */
export function* readEntries(bytes: Buffer): Generator<ForwardEntry> {
  for (let at = 0; at < bytes.length; ) {
    let end: number;
    try {
      end = endOfValue(bytes, at);
    } catch (error) {
      yield { reason: (error as Error).message, bytes: bytes.subarray(at) };
      return;
    }
    yield readEntry(bytes.subarray(at, end));
    at = end;
  }
}

/** `[time, record]`, or `[[time, metadata], record]` as newer Fluent Bit writes. */
function readEntry(bytes: Buffer): ForwardEntry {
  try {
    const pair = openArray(bytes, 0);
    if (pair?.length !== 2) return { reason: 'an entry is a time and a record', bytes };
    const timed = openArray(bytes, pair.at);
    if (timed?.length === 0) return { reason: 'an entry has no time', bytes };
    const scan = scanFrom(endOfValue(bytes, pair.at));
    const from = scan.at;
    scanOn(scan, bytes);
    const head = bytes[from] ?? NIL;
    if (head >> 4 !== 0x8 && head !== 0xde && head !== 0xdf) return { reason: 'a record is a map', bytes };
    return { timeMs: timeAt(bytes, timed?.at ?? pair.at), json: jsonOf(bytes.subarray(from, scan.at), scan.isPlain) };
  } catch (error) {
    return { reason: (error as Error).message, bytes };
  }
}

function jsonOf(record: Buffer, isPlain: boolean): string {
  // A plain array: bytes within a Buffer would be Buffers, which make JSON of themselves.
  const value = decode(new Uint8Array(record.buffer, record.byteOffset, record.length), { useBigInt64: true });
  return isPlain ? JSON.stringify(value) : JSON.stringify(value, (_, each: unknown) => plainOf(each));
}

/** What JSON has no word for: bytes as text, numbers of 64 bits digit for digit. */
function plainOf(value: unknown): unknown {
  if (typeof value === 'bigint') return rawNumber(value);
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  return value;
}

function rawNumber(value: bigint): unknown {
  return Number.isSafeInteger(Number(value))
    ? Number(value)
    : (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(String(value));
}

/** EventTime (extension 0: seconds and nanoseconds), or seconds as a number. */
function timeAt(bytes: Buffer, at: number): number | undefined {
  const isFixed = bytes[at] === 0xd7 && bytes[at + 1] === 0;
  if (isFixed || (bytes[at] === 0xc7 && bytes[at + 1] === 8 && bytes[at + 2] === 0)) {
    const from = isFixed ? at + 2 : at + 3;
    return bytes.readUInt32BE(from) * 1000 + Math.floor(bytes.readUInt32BE(from + 4) / 1e6);
  }
  const value = decode(bytes.subarray(at, endOfValue(bytes, at)), { useBigInt64: true });
  const seconds = typeof value === 'bigint' ? Number(value) : value;
  return typeof seconds === 'number' && seconds > 0 ? Math.floor(seconds * 1000) : undefined;
}

function readOptions(bytes: Buffer, at: number | undefined): Pick<ForwardMessage, 'chunk' | 'compressed'> {
  if (at === undefined || bytes[at] === NIL) return { chunk: undefined, compressed: undefined };
  const options: unknown = decode(bytes.subarray(at, endOfValue(bytes, at)));
  const { chunk, compressed } = typeof options === 'object' && options !== null ? (options as Record<string, unknown>) : {};
  return { chunk: chunkOf(chunk), compressed: compressionOf(compressed) };
}

function chunkOf(given: unknown): string | undefined {
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || given === '' || given.length > MAX_NAME_BYTES) throw new RangeError('its chunk is no short text');
  return given;
}

function compressionOf(given: unknown): ForwardMessage['compressed'] {
  if (given === undefined || given === 'text') return undefined;
  if (given !== 'gzip' && given !== 'zstd') throw new RangeError('its compression is neither gzip nor zstd');
  return given;
}

function nameAt(bytes: Buffer, at: number): string {
  const name = bytesAt(bytes, at);
  if (name === undefined || name.length > MAX_NAME_BYTES) throw new RangeError('its tag is no short text');
  return name.toString('utf8');
}

/** Head of an array of two. */
const PAIR = Buffer.from([0x92]);
