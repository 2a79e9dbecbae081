/** Records as they are found in a block, and the batch they make: views into the block, unless some had to be written anew. */
import type { Fields, RecordBatch } from '@tocsin/core';
import type { Unread } from './hunt-block.ts';

/** A record that was decoded while it was looked for. */
export interface DecodedRecord {
  readonly fields: Fields;
  /** The JSON object to be judged in its place, where it stands there otherwise. */
  readonly bytes?: Uint8Array | undefined;
}

/** Where a record stands and what it was found to be. */
export interface FoundRecord {
  /** Place in the block's buffer. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Name of its log source. */
  readonly source: string;
  readonly format: string;
}

/** Records of one block, in order: kept in columns, as there are many and most are never looked at again. */
export class RecordList {
  readonly unread: Unread[] = [];
  readonly #buffer: Uint8Array;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #lines: number[] = [];
  readonly #sources: string[] = [];
  readonly #formats: string[] = [];
  readonly #decoded = new Map<number, DecodedRecord>();
  readonly #disowned = new Set<number>();
  #isRewritten = false;

  constructor(buffer: Uint8Array) {
    this.#buffer = buffer;
  }

  add({ start, end, line, source, format }: FoundRecord, decoded?: DecodedRecord): void {
    if (decoded !== undefined) this.#decoded.set(this.#starts.length, decoded);
    if (decoded?.bytes !== undefined) this.#isRewritten = true;
    this.#starts.push(start);
    this.#ends.push(end);
    this.#lines.push(line);
    this.#sources.push(source);
    this.#formats.push(format);
  }

  reject(line: number, reason: string): void {
    this.unread.push({ line, reason });
  }

  /** Takes a record back that turned out to be none. */
  disown(index: number): void {
    if (this.#disowned.has(index)) return;
    this.#disowned.add(index);
    this.reject(this.line(index), 'it cannot be decoded');
  }

  /** Records that were taken back. */
  get disowned(): number {
    return this.#disowned.size;
  }

  line(index: number): number {
    return this.#lines[index] ?? 0;
  }

  source(index: number): string {
    return this.#sources[index] ?? '';
  }

  format(index: number): string {
    return this.#formats[index] ?? '';
  }

  known(index: number): Fields | undefined {
    return this.#decoded.get(index)?.fields;
  }

  /** All records side by side. */
  batch(): RecordBatch {
    const count = this.#starts.length;
    if (this.#isRewritten) return this.#rewrite(count);
    return { count, bytes: this.#buffer, starts: Uint32Array.from(this.#starts), ends: Uint32Array.from(this.#ends) };
  }

  #rewrite(count: number): RecordBatch {
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    const parts = this.#starts.map((start, i) => this.#decoded.get(i)?.bytes ?? this.#buffer.subarray(start, this.#ends[i]));
    let at = 0;
    parts.forEach((part, i) => {
      starts[i] = at;
      at += part.length;
      ends[i] = at;
    });
    return { count, bytes: Buffer.concat(parts), starts, ends };
  }
}
