/**
 * A remembered match in some 140 bytes: what an alert needs to name its event and the entities in it. Without excerpt and explanation, which
 * are kept for recent matches only (`evidence-locker.ts`).
 */
import type { Entity, Position } from '@tocsin/core';
import { ByteArena, roundUp } from './byte-arena.ts';
import type { RememberedMatch } from './held-match.ts';

const HEX = '0123456789abcdef';
/** Bytes before the texts: size, index, two times, hash. */
const HEAD_BYTES = 2 + 4 + 8 + 8 + 32;
const MAX_BYTES = 0xffff;

/** Packed matches by where they begin. */
export class PackedMatches {
  readonly #keepsValues: boolean;
  readonly #arena = new ByteArena();
  readonly #numbers = new Float64Array(1);
  readonly #numberBytes = new Uint8Array(this.#numbers.buffer);

  /** `keepsValues`: whether the values that correlations group by are kept too. */
  constructor(keepsValues: boolean) {
    this.#keepsValues = keepsValues;
  }

  /** Where a match is packed; undefined where it has what does not fit the form: letters beyond Latin-1, a hash that is none. */
  pack(match: RememberedMatch): number | undefined {
    const size = this.#sizeFor(match);
    if (size > MAX_BYTES || match.alert !== undefined || match.entities.length > 255) return undefined;
    const start = this.#arena.take(size);
    const { bytes } = this.#arena;
    const { sha256, at: place } = match.evidence;
    bytes[start] = size & 0xff;
    bytes[start + 1] = size >>> 8;
    for (let i = 0; i < 4; i++) bytes[start + 2 + i] = place.index >>> (8 * i);
    this.#putNumber(start + 6, match.timeMs);
    this.#putNumber(start + 14, match.receivedMs);
    const isHash = sha256.length === 64 && putHex(bytes, start + 22, sha256);
    bytes[start + HEAD_BYTES] = match.entities.length;
    const end = isHash ? this.#putTexts(start + HEAD_BYTES + 1, match) : -1;
    if (end >= 0) return start;
    this.#arena.free(start, size);
    return undefined;
  }

  /** A match as it was packed. */
  unpack(start: number): RememberedMatch {
    const { bytes } = this.#arena;
    const timeMs = this.#numberAt(start + 6);
    const end = start + this.#sizeOf(start);
    let at = start + HEAD_BYTES + 1;
    const text = (): string => {
      const from = at + 2;
      at = from + (bytes[at] as number) + 256 * (bytes[at + 1] as number);
      return String.fromCharCode(...bytes.subarray(from, at));
    };
    const [source, eventId, position] = [text(), text(), text() as Position];
    const entities = Array.from({ length: bytes[start + HEAD_BYTES] as number }, () => ({ kind: text(), value: text() }) as Entity);
    const group: [string, string][] = [];
    while (at < end) group.push([text(), text()]);
    let sha256 = '';
    for (let i = 0; i < 32; i++) {
      const byte = bytes[start + 22 + i] as number;
      sha256 += `${HEX[byte >>> 4]}${HEX[byte & 15]}`;
    }
    let index = 0;
    for (let i = 3; i >= 0; i--) index = index * 256 + (bytes[start + 2 + i] as number);
    return {
      timeMs,
      receivedMs: this.#numberAt(start + 14),
      evidence: { source, eventId, timeMs, sha256, at: { position, index } },
      group: Object.fromEntries(group),
      entities,
      explanation: [],
    };
  }

  /** Bytes that a packed match takes. */
  weigh(start: number): number {
    return roundUp(this.#sizeOf(start));
  }

  free(start: number): void {
    this.#arena.free(start, this.#sizeOf(start));
  }

  #sizeFor({ evidence, entities, group }: RememberedMatch): number {
    const { source, eventId, at } = evidence;
    let size = HEAD_BYTES + 1 + 6 + source.length + eventId.length + at.position.length;
    for (const { kind, value } of entities) size += 4 + kind.length + value.length;
    if (this.#keepsValues) for (const name of Object.keys(group)) size += 4 + name.length + (group[name] ?? '').length;
    return size;
  }

  /** Behind what was put; negative where a letter does not fit into a byte. */
  #putTexts(start: number, { evidence, entities, group }: RememberedMatch): number {
    const { bytes } = this.#arena;
    let at = putText(bytes, start, evidence.source);
    at = putText(bytes, at, evidence.eventId);
    at = putText(bytes, at, evidence.at.position);
    for (const { kind, value } of entities) at = putText(bytes, putText(bytes, at, kind), value);
    if (this.#keepsValues) for (const name of Object.keys(group)) at = putText(bytes, putText(bytes, at, name), group[name] ?? '');
    return at;
  }

  #sizeOf(start: number): number {
    const { bytes } = this.#arena;
    return (bytes[start] as number) + 256 * (bytes[start + 1] as number);
  }

  #putNumber(at: number, number: number): void {
    const { bytes } = this.#arena;
    this.#numbers[0] = number;
    for (let i = 0; i < 8; i++) bytes[at + i] = this.#numberBytes[i] as number;
  }

  #numberAt(at: number): number {
    for (let i = 0; i < 8; i++) this.#numberBytes[i] = this.#arena.bytes[at + i] as number;
    return this.#numbers[0] as number;
  }
}

/** Writes a text behind its length; where the next begins, negative where a letter does not fit into a byte or one did not before. */
function putText(bytes: Uint8Array, at: number, text: string): number {
  if (at < 0) return at;
  bytes[at] = text.length & 0xff;
  bytes[at + 1] = text.length >>> 8;
  let seen = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    seen |= unit;
    bytes[at + 2 + i] = unit;
  }
  return seen > 0xff ? -1 : at + 2 + text.length;
}

/** Writes a hash given in hex digits; whether it is one. */
function putHex(bytes: Uint8Array, at: number, hex: string): boolean {
  let wrong = 0;
  for (let i = 0; i < 32; i++) {
    const high = digit(hex.charCodeAt(2 * i));
    const low = digit(hex.charCodeAt(2 * i + 1));
    wrong |= high | low;
    bytes[at + i] = 16 * high + low;
  }
  return wrong >= 0;
}

/** Value of a hex digit in lower case; negative for anything else. */
function digit(unit: number): number {
  if (unit >= 48 && unit < 58) return unit - 48;
  return unit >= 97 && unit < 103 ? unit - 87 : -1;
}
