/** Cutting events of Splunk’s collector step by step, each envelope by itself: what `hec-events.ts` must come to as well. */
import { memberRange, readJsonObject, TocsinError } from '@tocsin/core';
import { besideFacts, dressObject, dressText, isObjectText } from '../src/http/beside-facts.ts';
import { HecRefusal } from '../src/http/doors/hec-events.ts';
import type { RawRecord } from '../src/source.ts';

/** Members that an envelope may have besides those read here; agents send many. */
const MAX_MEMBERS = 200;
/** Largest `fields` of an event, bytes. */
const MAX_FIELDS_BYTES = 64 * 1024;
const OPEN_ARRAY = 0x5b;
const QUOTE = 0x22;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const LIMITS = { maxDepth: Number.POSITIVE_INFINITY, maxPieces: MAX_MEMBERS };

/** Events of a body, at least one. All are refused where one cannot be cut. @throws ingest.bad_body, as a `HecRefusal`; ingest.body_too_large */
export function cutHecEventsNaively(body: Uint8Array, { maxRecords }: { readonly maxRecords: number }): RawRecord[] {
  const records: RawRecord[] = [];
  const envelopes = new EnvelopeFacts();
  // A list of events is read as if its brackets and commas were the white space between them.
  const isList = body[between(body, 0)] === OPEN_ARRAY;
  let at = between(body, isList ? between(body, 0) + 1 : 0);
  while (at < body.length && !(isList && body[at] === CLOSE_ARRAY)) {
    if (records.length >= maxRecords) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
    const split = readJsonObject(body, at, LIMITS);
    if (split.failure !== undefined) throw new HecRefusal(6, records.length);
    records.push(eventOf(body, split.ranges, { number: records.length, envelopes }));
    at = between(body, split.end);
  }
  if (isList && (at >= body.length || between(body, at + 1) < body.length)) throw new HecRefusal(6, records.length);
  if (records.length === 0) throw new HecRefusal(5, undefined);
  return records;
}

/** Index of the first byte from `from` on that is neither white space nor a comma. */
function between(bytes: Uint8Array, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09 || bytes[at] === COMMA) at++;
  return at;
}

function eventOf(
  bytes: Uint8Array,
  ranges: readonly number[],
  { number, envelopes }: { number: number; envelopes: EnvelopeFacts },
): RawRecord {
  const member = (name: string): Uint8Array | undefined => {
    const range = memberRange(bytes, ranges, name);
    return range === undefined ? undefined : bytes.subarray(range[0], range[1]);
  };
  const event = member('event');
  if (event === undefined) throw new HecRefusal(12, number);
  const timeMs = timeOf(valueOf(member('time'), number));
  const facts = envelopes.of(member, number);
  if (isObjectText(event)) return { bytes: dressObject(event, facts), envelope: { timeMs } };
  const value = valueOf(event, number);
  if (value === '' || value === null) throw new HecRefusal(13, number);
  return { bytes: dressText(typeof value === 'string' ? value : JSON.stringify(value), facts), envelope: { timeMs } };
}

/** Finds a member of an envelope. */
type Member = (name: string) => Uint8Array | undefined;

/** Facts of the envelopes of one request, which are mostly the same in all of them: written once for a run of them. */
class EnvelopeFacts {
  #last: readonly (Uint8Array | undefined)[] | undefined;
  #plain = '';

  /** Facts of one envelope. @throws HecRefusal */
  of(member: Member, number: number): string {
    const plain = this.#plainOf(member, number);
    const fields = member('fields');
    if (fields === undefined || fields.length <= 2) return plain;
    if (fields.length > MAX_FIELDS_BYTES || !isObjectText(fields)) throw new HecRefusal(15, number);
    const indexed = besideFacts(Object.entries(valueOf(fields, number) as Record<string, unknown>));
    return plain === '' || indexed === '' ? plain + indexed : `${indexed},${plain}`;
  }

  #plainOf(member: Member, number: number): string {
    const values = PLAIN_FACTS.map(member);
    const last = this.#last;
    if (last !== undefined && values.every((value, i) => isSame(value, last[i]))) return this.#plain;
    this.#plain = besideFacts(PLAIN_FACTS.map((name, i) => [name, valueOf(values[i], number)]));
    this.#last = values;
    return this.#plain;
  }
}

const PLAIN_FACTS = ['host', 'source', 'sourcetype', 'index'] as const;

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}

/** A small JSON value; undefined where the member is absent. */
function valueOf(bytes: Uint8Array | undefined, number: number): unknown {
  if (bytes === undefined) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  // Most texts have nothing to unescape.
  if (bytes[0] === QUOTE && !text.includes('\\') && isPlain(text)) return text.slice(1, -1);
  try {
    return JSON.parse(text);
  } catch {
    throw new HecRefusal(6, number);
  }
}

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return false;
  return true;
}

/** Seconds since 1970, as a number or as text with a fraction; Splunk takes both. */
function timeOf(value: unknown): number | undefined {
  const seconds = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) ? seconds * 1000 : undefined;
}
