/** Files that are no lines of records (CSV, Zeek, W3C, Windows event logs) as batches: each record is read here, as `tocsin parse` reads it, and sent as the JSON object that it is. */
import { type DecodedRecord, defaultDecodeLimits, openRecordStream } from '@tocsin/ingest';
import { type Batch, type BatchLimits, JSON_TYPE } from './batch-cutter.ts';

/** Cuts one file; where a batch ends depends on the bytes before it only. */
export async function* rowBatches(bytes: AsyncIterable<Uint8Array>, limits: BatchLimits): AsyncGenerator<Batch> {
  const stream = openRecordStream('auto', defaultDecodeLimits);
  const cutter = new RowCutter(limits);
  for await (const part of bytes) yield* cutter.push(stream.push(part));
  yield* cutter.push(stream.end());
  yield* cutter.end();
}

/** Collects records until a batch is full. Records that were not understood stand in batches of their own, which are not sent. */
class RowCutter {
  readonly #limits: BatchLimits;
  #records: Uint8Array[] = [];
  #unread: NonNullable<Batch['unread']>[number][] = [];
  #size = 0;
  #offset = 0;
  /** Number of the first record that is held, from 1. */
  #first = 1;

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  *push(decoded: readonly DecodedRecord[]): Generator<Batch> {
    for (const one of decoded) {
      const isUnread = 'rejected' in one;
      const held = this.#records.length + this.#unread.length;
      const isOther = isUnread ? this.#records.length > 0 : this.#unread.length > 0;
      if (held > 0 && (isOther || held >= this.#limits.maxRecords || this.#size + one.record.length > this.#limits.maxBytes))
        yield* this.end();
      if (isUnread) this.#unread.push({ index: this.#unread.length, code: one.rejected, reason: one.reason });
      else this.#records.push(one.record);
      this.#size += one.record.length + 1;
    }
  }

  /** What is held, as one batch. */
  *end(): Generator<Batch> {
    const records = this.#records.length + this.#unread.length;
    if (records === 0) return;
    const bytes = Buffer.from(`[${this.#records.map((record) => Buffer.from(record).toString()).join(',')}]`);
    const unread = this.#unread.length === 0 ? {} : { unread: this.#unread };
    yield { bytes, contentType: JSON_TYPE, records, offset: this.#offset, line: this.#first, ...unread };
    this.#first += records;
    this.#offset += this.#size;
    this.#size = 0;
    this.#records = [];
    this.#unread = [];
  }
}
