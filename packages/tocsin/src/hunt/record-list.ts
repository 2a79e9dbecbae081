/** Records as they are found in a block, and the batch they make: views into the block, unless some had to be written anew. */
import type { Fields, RecordBatch } from '@tocsin/core';
import type { Unread } from './hunt-block.ts';

/** A record that was found. */
export interface FoundRecord {
  /** Where it stands in the block's buffer. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** Name of its log source. */
  readonly source: string;
  readonly format: string;
  /** Its fields, where it was decoded already. */
  readonly fields?: Fields | undefined;
  /** The JSON object to be judged in its place, where it stands there otherwise. */
  readonly bytes?: Uint8Array | undefined;
}

/** Records of one block, in order. */
export class RecordList {
  readonly buffer: Uint8Array;
  readonly unread: Unread[] = [];
  readonly #found: FoundRecord[] = [];
  readonly #disowned = new Set<number>();
  #rewrittenBytes = 0;

  constructor(buffer: Uint8Array) {
    this.buffer = buffer;
  }

  add(record: FoundRecord): void {
    this.#found.push(record);
    if (record.bytes !== undefined) this.#rewrittenBytes += record.bytes.length;
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
    return this.#found[index]?.line ?? 0;
  }

  source(index: number): string {
    return this.#found[index]?.source ?? '';
  }

  format(index: number): string {
    return this.#found[index]?.format ?? '';
  }

  known(index: number): Fields | undefined {
    return this.#found[index]?.fields;
  }

  /** All records side by side. */
  batch(): RecordBatch {
    const count = this.#found.length;
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    if (this.#rewrittenBytes > 0) return { count, bytes: this.#rewrite(starts, ends), starts, ends };
    this.#found.forEach(({ start, end }, i) => {
      starts[i] = start;
      ends[i] = end;
    });
    return { count, bytes: this.buffer, starts, ends };
  }

  #rewrite(starts: Uint32Array, ends: Uint32Array): Uint8Array {
    let size = 0;
    for (const { start, end, bytes } of this.#found) size += bytes?.length ?? end - start;
    const written = new Uint8Array(size);
    let at = 0;
    this.#found.forEach(({ start, end, bytes }, i) => {
      starts[i] = at;
      written.set(bytes ?? this.buffer.subarray(start, end), at);
      at += bytes?.length ?? end - start;
      ends[i] = at;
    });
    return written;
  }
}
