/** Bytes of a log file cut into batches at ends of lines. Where a batch begins depends on the bytes before it only, so that sending a file again gives the same batches. */
import { sha256Hex } from '@tocsin/core';
import type { RejectedItem } from './deliver.ts';

/** A piece of input that is sent as one request. */
export interface Batch {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** Records in it as the door counts them: blank lines are none. */
  readonly records: number;
  /** Where it begins in the plain bytes. */
  readonly offset: number;
  /** Number of its first line, from 1; of its first element where the input is an array, of its first record where it is rows. */
  readonly line: number;
  /** Records that could not even be cut out of the input, where it is nothing but those: it is not sent. */
  readonly unread?: readonly RejectedItem[] | undefined;
}

/** Bounds of a batch; a longer line travels alone. */
export interface BatchLimits {
  readonly maxBytes: number;
  readonly maxRecords: number;
}

const LF = 0x0a;

/** Takes bytes as they are read and gives batches of whole lines. */
export class BatchCutter {
  readonly #limits: BatchLimits;
  readonly #contentType: string;
  #rest: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #line = 1;

  constructor(contentType: string, limits: BatchLimits) {
    this.#contentType = contentType;
    this.#limits = limits;
  }

  /** Bytes held back because their batch is not complete. */
  get heldBytes(): number {
    return this.#rest.length;
  }

  /** Number of the line that is being held, from 1. */
  get line(): number {
    return this.#line;
  }

  push(bytes: Uint8Array): Batch[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    return this.#cut(false);
  }

  /** What is left; the last line need not end. */
  end(): Batch[] {
    return this.#cut(true);
  }

  #cut(last: boolean): Batch[] {
    const batches: Batch[] = [];
    for (;;) {
      const cut = measure(this.#rest, this.#limits, last);
      if (cut === undefined) break;
      const bytes = this.#rest.slice(0, cut.end);
      if (cut.records > 0)
        batches.push({ bytes, contentType: this.#contentType, records: cut.records, offset: this.#offset, line: this.#line });
      this.#rest = this.#rest.subarray(cut.end);
      this.#offset += cut.end;
      this.#line += cut.lines;
    }
    return batches;
  }
}

interface Cut {
  readonly end: number;
  readonly lines: number;
  readonly records: number;
}

/** The first whole batch of `bytes`; undefined where more bytes are needed to know its end. */
function measure(bytes: Uint8Array, limits: BatchLimits, last: boolean): Cut | undefined {
  let cut: Cut = { end: 0, lines: 0, records: 0 };
  while (cut.end < bytes.length && cut.records < limits.maxRecords) {
    const feed = bytes.indexOf(LF, cut.end);
    const next = feed === -1 ? bytes.length : feed + 1;
    // The same whether the whole of a long line is there or only its beginning: it belongs to the next batch.
    if (cut.records > 0 && next > limits.maxBytes) return cut;
    if (feed === -1 && !last) return undefined;
    cut = { end: next, lines: cut.lines + 1, records: cut.records + (isBlank(bytes.subarray(cut.end, next)) ? 0 : 1) };
  }
  return cut.records === limits.maxRecords || (last && cut.end > 0) ? cut : undefined;
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}

/** Number of the line that holds a batch's record, both counted as people and the door do: lines from 1, records from 0. */
export function lineOfRecord(batch: Batch, index: number): number {
  if (batch.contentType === JSON_TYPE) return batch.line + index;
  let line = batch.line;
  let start = 0;
  for (let left = index; start < batch.bytes.length; line += 1) {
    const feed = batch.bytes.indexOf(LF, start);
    const next = feed === -1 ? batch.bytes.length : feed + 1;
    if (!isBlank(batch.bytes.subarray(start, next))) {
      if (left === 0) break;
      left -= 1;
    }
    start = next;
  }
  return line;
}

/** Media type of JSON values and arrays. */
export const JSON_TYPE = 'application/json';

/**
 * Key under which a batch is sent, now and whenever it is sent again: made of the input's first line, where the batch begins and its
 * own first line. A file that has grown keeps the keys of what was there; another file's batches have other keys.
 */
export function idempotencyKey(headLine: Uint8Array, batch: Batch): string {
  return sha256Hex(`${sha256Hex(headLine)} ${batch.offset} ${sha256Hex(firstLine(batch.bytes))}`).slice(0, 40);
}

/** The bytes up to the first end of line. */
export function firstLine(bytes: Uint8Array): Uint8Array {
  const feed = bytes.indexOf(LF);
  return feed === -1 ? bytes : bytes.subarray(0, feed);
}
