/**
 * One file of an import: which of its records were imported before, and entering how far it has come. Records are counted and hashed as they are
 * cut, so that neither packing nor the ends of batches matter.
 */
import { createHash, type Hash } from 'node:crypto';
import { sha256Hex, splitJsonArray } from '@tocsin/core';
import { type Batch, JSON_TYPE } from './batch-cutter.ts';
import type { ImportBook, ImportEntry } from './import-book.ts';

/** How often the book is written while a file is sent, milliseconds. */
const ENTER_EVERY_MS = 500;

/** Counts and hashes the records of a file, in order. */
class RecordCount {
  records = 0;
  readonly #hash: Hash = createHash('sha256');

  add(batch: Batch): void {
    this.records += batch.records;
    this.#hash.update(contentOf(batch));
  }

  digest(): string {
    return this.#hash.copy().digest('base64url');
  }
}

/** How many records of a file were imported before: the most of any entry whose records are the first ones of this file. */
export async function importedBefore(batches: AsyncIterable<Batch>, candidates: readonly ImportEntry[]): Promise<ImportEntry | undefined> {
  const waiting = [...candidates].sort((a, b) => a.records - b.records);
  const count = new RecordCount();
  let found: ImportEntry | undefined;
  for await (const whole of batches) {
    let batch: Batch | undefined = whole;
    while (waiting[0] !== undefined && batch !== undefined && waiting[0].records <= count.records + batch.records) {
      const [first, rest] = splitBatch(batch, waiting[0].records - count.records);
      if (first !== undefined) count.add(first);
      batch = rest;
      const entry = waiting.shift();
      if (entry?.digest === count.digest()) found = entry;
    }
    if (waiting.length === 0) break;
    if (batch !== undefined) count.add(batch);
  }
  return found;
}

/** A file that is imported from its first record that was not. */
export class ResumedImport {
  readonly #book: ImportBook;
  readonly #head: string;
  readonly #from: number;
  readonly #count = new RecordCount();
  #entry: ImportEntry | undefined;
  #enteredMs = 0;

  constructor(book: ImportBook, headLine: Uint8Array, before: ImportEntry | undefined) {
    this.#book = book;
    this.#head = headHash(headLine);
    this.#entry = before;
    this.#from = before?.records ?? 0;
  }

  /** Records of the batch that were imported before, and the part of it that was not. */
  take(batch: Batch): { readonly known: number; readonly rest: Batch | undefined } {
    const [known, rest] = splitBatch(batch, this.#from - this.#count.records);
    if (known !== undefined) this.#count.add(known);
    return { known: known?.records ?? 0, rest };
  }

  /** Enters that a part was stored. Now and then only, unless it was the last. */
  async stored(part: Batch, nowMs: number): Promise<void> {
    this.#count.add(part);
    if (nowMs - this.#enteredMs >= ENTER_EVERY_MS) await this.enter(nowMs);
  }

  /** Writes how far it has come. */
  async enter(nowMs: number): Promise<void> {
    if (this.#count.records <= (this.#entry?.records ?? 0)) return;
    this.#enteredMs = nowMs;
    const entry = { head: this.#head, records: this.#count.records, digest: this.#count.digest(), atMs: Date.now() };
    await this.#book.enter(entry, this.#entry);
    this.#entry = entry;
  }
}

/** Hash of a first line, by which entries are found. */
export function headHash(headLine: Uint8Array): string {
  return sha256Hex(headLine);
}

/** A batch as its first `records` records and the rest. */
function splitBatch(batch: Batch, records: number): [first: Batch | undefined, rest: Batch | undefined] {
  if (records <= 0) return [undefined, batch];
  if (records >= batch.records) return [batch, undefined];
  const { unread } = batch;
  if (unread !== undefined)
    return [{ ...batch, unread: unread.slice(0, records), records }, restOf(batch, records, { unread: unread.slice(records) })];
  if (batch.contentType === JSON_TYPE) {
    const ranges = rangesOf(batch.bytes) ?? [];
    const array = (from: number | undefined, to: number | undefined): Uint8Array =>
      Buffer.concat([Buffer.from('['), batch.bytes.subarray(from, to), Buffer.from(']')]);
    const start = ranges[2 * records] ?? 0;
    const first = { ...batch, records, bytes: array(ranges[0], ranges[2 * records - 1]) };
    return [first, restOf(batch, records, { bytes: array(start, ranges.at(-1)), offset: batch.offset + start })];
  }
  const { end, lines } = endOfRecord(batch.bytes, records);
  const first = { ...batch, records, bytes: batch.bytes.subarray(0, end) };
  return [first, { ...restOf(batch, records, { bytes: batch.bytes.subarray(end), offset: batch.offset + end }), line: batch.line + lines }];
}

function restOf(batch: Batch, records: number, rest: Partial<Batch>): Batch {
  return { ...batch, line: batch.line + records, ...rest, records: batch.records - records };
}

/** Where the line of the n-th record ends, and how many lines that takes: blank lines are no records. */
function endOfRecord(bytes: Uint8Array, records: number): { end: number; lines: number } {
  let end = 0;
  let lines = 0;
  for (let left = records; left > 0 && end < bytes.length; lines += 1) {
    const feed = bytes.indexOf(0x0a, end);
    const next = feed === -1 ? bytes.length : feed + 1;
    if (bytes.subarray(end, next).some((byte) => byte > 0x20)) left -= 1;
    end = next;
  }
  return { end, lines };
}

/** What a batch's records are, the same however they are cut into batches: lines without what is blank, elements with a comma behind each. */
function contentOf(batch: Batch): Uint8Array | string {
  if (batch.unread !== undefined) return `!${batch.unread.map(({ code, reason }) => `${code} ${reason}`).join('\n')}\n`;
  if (batch.contentType !== JSON_TYPE)
    return Buffer.from(batch.bytes)
      .toString('latin1')
      .replaceAll(/^[ \t\r]*\n/gm, '')
      .replace(/(?<![\n])$/, '\n');
  const ranges = rangesOf(batch.bytes);
  if (ranges === undefined) return batch.bytes;
  const pieces: Uint8Array[] = [];
  for (let i = 0; i < ranges.length; i += 2) pieces.push(batch.bytes.subarray(ranges[i], ranges[i + 1]), COMMA);
  return Buffer.concat(pieces);
}

/** Where the elements of an array lie; undefined where it is none: one value alone. */
function rangesOf(bytes: Uint8Array): readonly number[] | undefined {
  const split = splitJsonArray(bytes, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: Number.POSITIVE_INFINITY });
  return split.failure === undefined ? split.ranges : undefined;
}

const COMMA = Buffer.from(',');
