/**
 * Memory for the records that are made of one request: taken in blocks, as a piece of memory for each record costs more than what is written
 * into it. A block stays as long as any of its records, which is as long as the request.
 */
import { Buffer } from 'node:buffer';

const BLOCK_BYTES = 64 * 1024;
/** A record that is longer than this has memory of its own. */
const MAX_SHARED_BYTES = BLOCK_BYTES / 4;
/** Most bytes of UTF-8 for one UTF-16 unit. */
const UNIT_BYTES = 3;

/** Writes records one behind the other. */
export class RecordArena {
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  /** Bytes of the next block. */
  #next: number;

  /** `expectedBytes` is about what all records together will have: little memory is taken for few. */
  constructor(expectedBytes: number) {
    this.#next = Math.min(BLOCK_BYTES, Math.max(256, expectedBytes));
  }

  /** A record of `head` and behind it bytes[from, to). */
  join(head: Uint8Array, bytes: Buffer, range: { readonly from: number; readonly to: number }): Buffer {
    const length = head.length + range.to - range.from;
    const record = this.#take(length);
    record.set(head, 0);
    bytes.copy(record, head.length, range.from, range.to);
    return record;
  }

  /** A record of a text and behind it bytes[from, to). */
  joinText(head: string, bytes: Buffer, range: { readonly from: number; readonly to: number }): Buffer {
    const most = head.length * UNIT_BYTES + range.to - range.from;
    if (most > MAX_SHARED_BYTES) return this.join(Buffer.from(head), bytes, range);
    this.#require(most);
    const headBytes = this.#block.write(head, this.#used);
    bytes.copy(this.#block, this.#used + headBytes, range.from, range.to);
    return this.#cut(headBytes + range.to - range.from);
  }

  #take(bytes: number): Buffer {
    if (bytes > MAX_SHARED_BYTES) return Buffer.allocUnsafeSlow(bytes);
    this.#require(bytes);
    return this.#cut(bytes);
  }

  #require(bytes: number): void {
    if (this.#used + bytes <= this.#block.length) return;
    this.#block = Buffer.allocUnsafeSlow(Math.max(this.#next, bytes));
    this.#next = BLOCK_BYTES;
    this.#used = 0;
  }

  #cut(bytes: number): Buffer {
    const record = this.#block.subarray(this.#used, this.#used + bytes);
    this.#used += bytes;
    return record;
  }
}
