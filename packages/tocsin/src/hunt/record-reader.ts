/**
 * The records of a block: where each lies, which mapping reads it and, when asked, its fields. Most are never decoded: the router tells
 * their mapping from their bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { Fields, RecordBatch } from '@tocsin/core';
import {
  type AcceptedRecord,
  createRecordRouter,
  decoders,
  defaultDecodeLimits,
  fieldsOf,
  type Mapped,
  type MappingSet,
  type RecordRouter,
} from '@tocsin/ingest';
import type { Block, Unread } from './hunt-block.ts';
import { RecordList } from './record-list.ts';
import type { TaggedSources } from './tagged-sources.ts';

/** The records of one block. Valid until the next block is opened. */
export interface Records {
  /** Records as JSON objects. */
  readonly batch: RecordBatch;
  /** Lines of the block, the blank ones included. */
  readonly lineCount: number;
  /** What was found to be no record; grows while records are decoded. */
  readonly unread: readonly Unread[];
  /** Records that turned out to be none. */
  disowned(): number;
  /** Line a record begins on, from 0. */
  lineOf(index: number): number;
  /** Name of its log source: its mapping's, or one that it names itself. */
  sourceOf(index: number): string;
  /** Fields of a record; undefined where it turns out to be none, which is then among `unread`. */
  fieldsOf(index: number): Fields | undefined;
  /** Time and attributes of a record whose fields could be read. */
  mappedOf(index: number): Mapped;
}

/** Opens blocks one after the other. */
export class RecordReader {
  readonly #mappings: MappingSet;
  readonly #router: RecordRouter;
  readonly #tagged: TaggedSources | undefined;

  /** With `tagged`, JSON objects are taken as they stand, and their own members say what log source they are of. */
  constructor(mappings: MappingSet, tagged?: TaggedSources) {
    this.#mappings = mappings;
    this.#tagged = tagged;
    this.#router = createRecordRouter(mappings, { named: tagged?.members, isPlainJson: tagged !== undefined });
  }

  /** The records of a block of a file that was last written at `changedMs`. */
  open(block: Block, changedMs: number): Records {
    const list = new RecordList(block.buffer);
    const lineCount = this.#readLines(block, list);
    const mappings = this.#mappings;
    let decodedIndex = -1;
    let decoded: Fields | undefined;
    const batch = list.batch();
    const fields = (index: number): Fields | undefined => {
      if (index === decodedIndex) return decoded;
      decodedIndex = index;
      decoded = list.known(index) ?? fieldsOf(list.format(index), batch.bytes.subarray(batch.starts[index], batch.ends[index]));
      if (decoded === undefined) list.disown(index);
      return decoded;
    };
    return {
      batch,
      lineCount,
      unread: list.unread,
      disowned: () => list.disowned,
      lineOf: (index) => list.line(index),
      sourceOf: (index) => list.source(index),
      fieldsOf: fields,
      mappedOf: (index) => mappings.map(list.format(index), fields(index) ?? {}, changedMs),
    };
  }

  #readLines({ buffer, length }: Block, list: RecordList): number {
    // Told once for all: a line ends in no character's middle.
    const isText = isUtf8(buffer.subarray(0, length));
    let line = 0;
    for (let start = 0; start < length; line++) {
      const found = buffer.indexOf(LF, start);
      const end = found === -1 || found > length ? length : found;
      if (!isBlank(buffer, start, end)) this.#readRecord(list, { bytes: buffer, start, end, line, isText });
      start = end + 1;
    }
    return line;
  }

  #readRecord(list: RecordList, { bytes, start, end, line, isText }: Place): void {
    const route = isText ? this.#router.route(bytes, start, end) : undefined;
    if (route !== undefined) {
      const source = this.#tagged?.nameOf(route.mapping, route.named) ?? route.mapping;
      list.add({ start, end, line, source, format: route.format });
      return;
    }
    const decoder = this.#tagged !== undefined && bytes[start] === OPEN_OBJECT ? decoders.json : decoders.auto;
    for (const record of decoder.decode(bytes.subarray(start, end), defaultDecodeLimits)) {
      if ('rejected' in record) list.reject(line, record.reason);
      else this.#addDecoded(list, record, line);
    }
  }

  #addDecoded(list: RecordList, { record, format, fields }: AcceptedRecord, line: number): void {
    const start = record.byteOffset - list.buffer.byteOffset;
    const source = this.#sourceOf(format, fields);
    // What is no JSON object of these very fields is written as one.
    const bytes = format === 'linux-auth' ? Buffer.from(JSON.stringify(fields)) : undefined;
    list.add({ start, end: start + record.length, line, source, format, fields, bytes });
  }

  #sourceOf(format: string, fields: Fields): string {
    const mapping = this.#mappings.mappingOf(format, fields);
    return (
      this.#tagged?.nameOf(
        mapping,
        this.#tagged.members.map((name) => scalarText(fields, name)),
      ) ?? mapping
    );
  }
}

interface Place {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly isText: boolean;
}

const LF = 0x0a;
const OPEN_OBJECT = 0x7b;

function scalarText(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  }
  return true;
}
