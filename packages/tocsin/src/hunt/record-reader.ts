/** The records of a block: where each lies, which mapping reads it and, when asked, its fields. */
import type { Fields, RecordBatch } from '@tocsin/core';
import { type DecodedRecord, decoders, defaultDecodeLimits, type Mapped, type MappingSet } from '@tocsin/ingest';
import type { Block, Unread } from './hunt-block.ts';

/** The records of one block. Valid until the next block is opened. */
export interface Records {
  /** Records as JSON objects. */
  readonly batch: RecordBatch;
  /** Lines of the block, the blank ones included. */
  readonly lineCount: number;
  /** What was found to be no record so far. */
  readonly unread: readonly Unread[];
  /** Line a record begins on, from 0. */
  lineOf(index: number): number;
  mappingOf(index: number): string;
  fieldsOf(index: number): Fields | undefined;
  /** Time and attributes of a record whose fields could be read. */
  mappedOf(index: number): Mapped;
}

/** Opens blocks one after the other. */
export interface RecordReader {
  open(block: Block, changedMs: number): Records;
}

interface Decoded {
  readonly format: string;
  readonly fields: Fields;
  readonly line: number;
}

const LF = 0x0a;

/** A reader that decodes each record by its looks. */
export function createRecordReader(mappings: MappingSet): RecordReader {
  return {
    open: (block, changedMs) => {
      const builder = new BatchBuilder();
      const lineCount = readLines(block, builder);
      const { decoded } = builder;
      const mapped = decoded.map((one) => mappings.map(one.format, one.fields, changedMs));
      return {
        batch: builder.batch(),
        lineCount,
        unread: builder.unread,
        lineOf: (index) => decoded[index]?.line ?? 0,
        mappingOf: (index) => mapped[index]?.mapping ?? '',
        fieldsOf: (index) => decoded[index]?.fields,
        mappedOf: (index) => mapped[index] as Mapped,
      };
    },
  };
}

class BatchBuilder {
  readonly decoded: Decoded[] = [];
  readonly unread: Unread[] = [];
  readonly #records: Uint8Array[] = [];

  add(record: DecodedRecord, line: number): void {
    if ('rejected' in record) {
      this.unread.push({ line, reason: record.reason });
      return;
    }
    this.decoded.push({ format: record.format, fields: record.fields, line });
    // What is no JSON object of these very fields is written as one.
    this.#records.push(record.format === 'linux-auth' ? Buffer.from(JSON.stringify(record.fields)) : record.record);
  }

  batch(): RecordBatch {
    const count = this.#records.length;
    const starts = new Uint32Array(count);
    const ends = new Uint32Array(count);
    const bytes = Buffer.concat(this.#records);
    let at = 0;
    this.#records.forEach((record, i) => {
      starts[i] = at;
      at += record.length;
      ends[i] = at;
    });
    return { count, bytes, starts, ends };
  }
}

function readLines({ buffer, length }: Block, builder: BatchBuilder): number {
  let line = 0;
  for (let start = 0; start < length; line++) {
    const found = buffer.indexOf(LF, start);
    const end = found === -1 || found > length ? length : found;
    const bytes = buffer.subarray(start, end);
    if (!isBlank(bytes)) for (const record of decoders.auto.decode(bytes, defaultDecodeLimits)) builder.add(record, line);
    start = end + 1;
  }
  return line;
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
