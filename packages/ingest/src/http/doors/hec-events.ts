/**
 * Cutting what Splunk's collector is sent: events in JSON one after another, or lines. Facts of the envelope (host, source, sourcetype, index,
 * fields) become members of the record, the time becomes the event's where the record has none of its own.
 */
import { createLineSplitter, TocsinError } from '@tocsin/core';
import type { Envelope, RawRecord } from '../../source.ts';
import { besideFacts, dressLine, dressObject, dressText } from '../beside-facts.ts';
import type { Guest } from '../http-door.ts';
import { RecordArena } from '../record-arena.ts';
import { EVENT, FIELDS, FIRST_FACT, HEC_MEMBERS, HecEnvelopes, TIME } from './hec-envelope.ts';

/** A refusal by one of Splunk's codes. */
export class HecRefusal extends TocsinError<'ingest.bad_body'> {
  readonly hecCode: number;
  /** Number of the event, from 0; undefined where it is not about one. */
  readonly event: number | undefined;

  constructor(hecCode: number, event: number | undefined) {
    super('ingest.bad_body', { reason: REASONS.get(hecCode) ?? 'it is malformed' });
    this.hecCode = hecCode;
    this.event = event;
  }
}

/** Largest `fields` of an event, bytes. */
const MAX_FIELDS_BYTES = 64 * 1024;
const OPEN_ARRAY = 0x5b;
const QUOTE = 0x22;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const OPEN_OBJECT = 0x7b;

const REASONS: ReadonlyMap<number, string> = new Map([
  [5, 'it holds no event'],
  [6, 'it is no JSON event of Splunk’s collector'],
  [10, 'the request names no channel'],
  [11, 'the name of its channel is malformed'],
  [12, 'an event has no member "event"'],
  [13, 'an event is blank'],
  [15, 'the "fields" of an event are no flat JSON object'],
]);

/** Events of a body, at least one. All are refused where one cannot be cut. @throws ingest.bad_body, as a `HecRefusal`; ingest.body_too_large */
export function cutHecEvents(body: Uint8Array, { maxRecords }: { readonly maxRecords: number }): RawRecord[] {
  const events = new EventReader(body);
  try {
    return cutAll(body, events, maxRecords);
  } finally {
    events.close();
  }
}

function cutAll(body: Uint8Array, events: EventReader, maxRecords: number): RawRecord[] {
  const records: RawRecord[] = [];
  // A list of events is read as if its brackets and commas were the white space between them.
  const isList = body[between(body, 0)] === OPEN_ARRAY;
  let at = between(body, isList ? between(body, 0) + 1 : 0);
  while (at < body.length && !(isList && body[at] === CLOSE_ARRAY)) {
    if (records.length >= maxRecords) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
    records.push(events.read(at, records.length));
    at = between(body, events.end);
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

/** Lines of a body, each a record with the facts of the request. @throws ingest.bad_body, as a `HecRefusal`; ingest.body_too_large */
export function cutHecLines(
  body: Uint8Array,
  {
    facts,
    timeMs,
    guest,
  }: { readonly facts: string; readonly timeMs: number | undefined; readonly guest: Pick<Guest, 'maxRecords' | 'charge'> },
): RawRecord[] {
  const { maxRecords } = guest;
  const splitter = createLineSplitter({ maxLineBytes: body.length, maxLines: maxRecords });
  const records: RawRecord[] = [];
  for (const lines of [splitter.push(body), splitter.end()]) {
    for (const line of lines) {
      if (line.tooLong !== undefined) continue;
      const bytes = dressLine(line.bytes, facts);
      guest.charge(bytes.length);
      records.push({ bytes, envelope: { timeMs } });
    }
  }
  if (splitter.isFull) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  if (records.length === 0) throw new HecRefusal(5, undefined);
  return records;
}

/**
 * Makes records of the events of one request. Facts of the envelopes and times are mostly the same in a run of them: they are compared where they
 * stand, and read where they differ from those before.
 */
class EventReader {
  readonly #body: Buffer;
  readonly #envelopes: HecEnvelopes;
  readonly #arena: RecordArena;
  /** Start and end of the plain facts read last, and what they came to. */
  #lastFacts: readonly number[] | undefined;
  #facts = '';
  #head: Uint8Array = Buffer.from('{');
  #lastTime: readonly [number, number] = [-1, -1];
  #envelope: Envelope = { timeMs: undefined };

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.length);
    this.#envelopes = new HecEnvelopes(body);
    this.#arena = new RecordArena(body.length);
  }

  /** One past the event read last. */
  get end(): number {
    return this.#envelopes.end;
  }

  /** Lets go of the body. */
  close(): void {
    this.#envelopes.close();
  }

  /** The event that begins at `at`. @throws HecRefusal */
  read(at: number, number: number): RawRecord {
    const envelopes = this.#envelopes;
    if (!envelopes.read(at)) throw new HecRefusal(6, number);
    const [from, to] = [envelopes.startOf(EVENT), envelopes.endOf(EVENT)];
    if (from < 0) throw new HecRefusal(12, number);
    this.#readTime(number);
    this.#readFacts(number);
    const indexed = this.#indexedFacts(number);
    const facts = indexed === '' || this.#facts === '' ? indexed + this.#facts : `${indexed},${this.#facts}`;
    return { bytes: this.#dress({ from, to }, facts, number), envelope: this.#envelope };
  }

  #dress(event: { from: number; to: number }, facts: string, number: number): Uint8Array {
    const bytes = this.#body.subarray(event.from, event.to);
    if (bytes[0] !== OPEN_OBJECT) return this.#text(bytes, facts, number);
    if (facts === '') return bytes;
    // An object without members is seldom; so are facts of its own.
    if (facts !== this.#facts || between(bytes, 1) + 1 === bytes.length) return dressObject(bytes, facts);
    return this.#arena.join(this.#head, this.#body, { from: event.from + 1, to: event.to });
  }

  #text(event: Uint8Array, facts: string, number: number): Uint8Array {
    const value = valueOf(event, number);
    if (value === '' || value === null) throw new HecRefusal(13, number);
    return dressText(typeof value === 'string' ? value : JSON.stringify(value), facts);
  }

  #readTime(number: number): void {
    const [start, end] = [this.#envelopes.startOf(TIME), this.#envelopes.endOf(TIME)];
    if (this.#isSame(start, end, this.#lastTime[0], this.#lastTime[1])) return;
    this.#envelope = { timeMs: timeOf(this.#valueAt(TIME, number)) };
    this.#lastTime = [start, end];
  }

  #readFacts(number: number): void {
    if (this.#lastFacts !== undefined && PLAIN_FACTS.every((_name, i) => this.#isLastFact(i))) return;
    this.#facts = besideFacts(PLAIN_FACTS.map((name, i) => [name, this.#valueAt(FIRST_FACT + i, number)]));
    this.#head = Buffer.from(`{${this.#facts},`);
    this.#lastFacts = PLAIN_FACTS.flatMap((_name, i) => [this.#envelopes.startOf(FIRST_FACT + i), this.#envelopes.endOf(FIRST_FACT + i)]);
  }

  #isLastFact(i: number): boolean {
    const last = this.#lastFacts as readonly number[];
    const [start, end] = [this.#envelopes.startOf(FIRST_FACT + i), this.#envelopes.endOf(FIRST_FACT + i)];
    return this.#isSame(start, end, last[i * 2] as number, last[i * 2 + 1] as number);
  }

  #indexedFacts(number: number): string {
    const length = this.#envelopes.endOf(FIELDS) - this.#envelopes.startOf(FIELDS);
    if (length <= 2) return '';
    if (length > MAX_FIELDS_BYTES || this.#body[this.#envelopes.startOf(FIELDS)] !== OPEN_OBJECT) throw new HecRefusal(15, number);
    return besideFacts(Object.entries(this.#valueAt(FIELDS, number) as Record<string, unknown>));
  }

  #valueAt(member: number, number: number): unknown {
    const [start, end] = [this.#envelopes.startOf(member), this.#envelopes.endOf(member)];
    return start < 0 ? undefined : valueOf(this.#body.subarray(start, end), number);
  }

  /** Whether two ranges hold the same bytes; or neither any, where both begin before the body. */
  // oxlint-disable-next-line max-params -- R3: two ranges, compared for each fact of each event.
  #isSame(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    if (start < 0 || otherStart < 0 || end - start !== otherEnd - otherStart) return start < 0 && otherStart < 0;
    for (let i = 0; i < end - start; i++) if (this.#body[start + i] !== this.#body[otherStart + i]) return false;
    return true;
  }
}

const PLAIN_FACTS = HEC_MEMBERS.slice(FIRST_FACT);

/** A small JSON value. */
function valueOf(bytes: Uint8Array, number: number): unknown {
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
