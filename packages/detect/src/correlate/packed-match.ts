/**
 * A remembered match in some 80 bytes: what an alert needs to name its event and the entities in it. Without excerpt and explanation, which
 * are kept for recent matches only (`evidence-locker.ts`).
 *
 * Layout: bytes in all (two), flags, then numbers of texts that many matches share: source, position up to its last number, kinds of entities (behind their
 * number), names of values (behind theirs). Then the rest of the position, index, times, hash, event id, and the texts of entities and values.
 */
import type { Entity, EntityKind, Position } from '@tocsin/core';
import { ByteArena, roundUp } from './byte-arena.ts';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type { RememberedMatch } from './held-match.ts';
import { SharedTexts } from './shared-texts.ts';

const MAX_BYTES = 0xffff;
/** Flags: times are whole milliseconds near 1970; the event id is a ULID. */
const WHOLE_TIMES = 1;
const ULID = 2;
/** Whole times are kept in 48 bits, around 1970. */
const FIRST_MS = -(2 ** 47);

/** Packed matches by where they begin. */
export class PackedMatches {
  readonly #keepsValues: boolean;
  readonly #arena = new ByteArena();
  readonly #shared = new SharedTexts();
  readonly #writer = new ByteWriter(MAX_BYTES);
  /** Shared texts that the match at hand names so far. */
  readonly #named: number[] = [];

  /** `keepsValues`: whether the values that correlations group by are kept too. */
  constructor(keepsValues: boolean) {
    this.#keepsValues = keepsValues;
  }

  /** Bytes of what packed matches share. */
  get sharedBytes(): number {
    return this.#shared.bytes;
  }

  /** Where a match is packed; undefined where it has what does not fit the form: letters beyond Latin-1, a hash that is none. */
  pack(match: RememberedMatch): number | undefined {
    if (match.alert !== undefined) return undefined;
    this.#named.length = 0;
    const writer = this.#writer;
    writer.begin();
    this.#write(match);
    if (!writer.isWhole) {
      for (const number of this.#named) this.#shared.release(number);
      return undefined;
    }
    const { length, bytes } = writer;
    bytes[0] = length & 0xff;
    bytes[1] = length >>> 8;
    const start = this.#arena.take(length);
    const to = this.#arena.bytes;
    for (let i = 0; i < length; i++) to[start + i] = bytes[i] as number;
    return start;
  }

  /** A match as it was packed. */
  unpack(start: number): RememberedMatch {
    const reader = new ByteReader(this.#arena.bytes, start + 2);
    const flags = reader.byte();
    const shared = (): string => this.#shared.textOf(reader.count());
    const many = (): string[] => Array.from({ length: reader.count() }, shared);
    const source = shared();
    const stem = shared();
    const kinds = many();
    const names = many();
    const tail = reader.count();
    const position = (tail === 0 ? stem : `${stem}${tail}`) as Position;
    const index = reader.count();
    const [timeMs, receivedMs] = readTimes(reader, flags);
    const sha256 = reader.hash();
    const eventId = (flags & ULID) !== 0 ? reader.ulid() : reader.text();
    const entities = kinds.map((kind): Entity => ({ kind: kind as EntityKind, value: reader.text() }));
    const group = Object.fromEntries(names.map((name) => [name, reader.text()]));
    return { timeMs, receivedMs, evidence: { source, eventId, timeMs, sha256, at: { position, index } }, group, entities, explanation: [] };
  }

  /** Bytes that a packed match takes. */
  weigh(start: number): number {
    return roundUp(this.#sizeOf(start));
  }

  free(start: number): void {
    const reader = new ByteReader(this.#arena.bytes, start + 3);
    for (let i = 0; i < 2; i++) this.#shared.release(reader.count());
    for (let list = 0; list < 2; list++) for (let left = reader.count(); left > 0; left--) this.#shared.release(reader.count());
    this.#arena.free(start, this.#sizeOf(start));
  }

  #sizeOf(start: number): number {
    const { bytes } = this.#arena;
    return (bytes[start] as number) + 256 * (bytes[start + 1] as number);
  }

  #write({ timeMs, receivedMs, evidence, entities, group }: RememberedMatch): void {
    const writer = this.#writer;
    const isWhole = isNear(timeMs) && isNear(receivedMs);
    // Bytes in all, and flags: known at the end.
    writer.length = 3;
    this.#name(evidence.source);
    const { position, index } = evidence.at;
    const cut = lastNumberOf(position);
    this.#name(position.slice(0, cut));
    writer.count(entities.length);
    for (const { kind } of entities) this.#name(kind);
    const names = this.#keepsValues ? Object.keys(group) : [];
    writer.count(names.length);
    for (const name of names) this.#name(name);
    writer.count(Number(position.slice(cut)));
    writer.count(index);
    writeTimes(writer, { timeMs, receivedMs, isWhole });
    writer.hash(evidence.sha256);
    const isUlid = writer.ulid(evidence.eventId);
    if (!isUlid) writer.text(evidence.eventId);
    for (const { value } of entities) writer.text(value);
    for (const name of names) writer.text(group[name] ?? '');
    writer.bytes[2] = (isWhole ? WHOLE_TIMES : 0) | (isUlid ? ULID : 0);
  }

  #name(text: string): void {
    const number = this.#shared.name(text);
    this.#named.push(number);
    this.#writer.count(number);
  }
}

/** Whether a time is a whole number of milliseconds that 48 bits hold. */
function isNear(timeMs: number): boolean {
  return Number.isInteger(timeMs) && timeMs >= FIRST_MS && timeMs < -FIRST_MS && !Object.is(timeMs, -0);
}

function writeTimes(writer: ByteWriter, { timeMs, receivedMs, isWhole }: { timeMs: number; receivedMs: number; isWhole: boolean }): void {
  if (!isWhole) {
    writer.double(timeMs);
    writer.double(receivedMs);
    return;
  }
  let rest = timeMs - FIRST_MS;
  for (let i = 0; i < 6; i++) {
    writer.byte(rest % 256);
    rest = Math.floor(rest / 256);
  }
  const later = receivedMs - timeMs;
  writer.count(later >= 0 ? 2 * later : -2 * later - 1);
}

function readTimes(reader: ByteReader, flags: number): [timeMs: number, receivedMs: number] {
  if ((flags & WHOLE_TIMES) === 0) return [reader.double(), reader.double()];
  let sinceMs = 0;
  for (let i = 0, unit = 1; i < 6; i++, unit *= 256) sinceMs += reader.byte() * unit;
  const timeMs = sinceMs + FIRST_MS;
  const later = reader.count();
  return [timeMs, timeMs + (later % 2 === 0 ? later / 2 : -(later + 1) / 2)];
}

/** Where the number that a text ends with begins, at most fifteen digits without a zero before them; its length where it ends with none. */
function lastNumberOf(text: string): number {
  let cut = text.length;
  let from = text.length;
  while (from > 0 && text.length - from < 15) {
    const unit = text.charCodeAt(from - 1);
    if (unit < 48 || unit > 57) break;
    from -= 1;
    if (unit !== 48) cut = from;
  }
  return cut;
}
