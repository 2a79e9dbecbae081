/**
 * The records of a block: where each lies, of which log source it is and, when asked, its fields. Most JSON is never decoded: the router
 * tells its mapping from its bytes. What is no JSON is written as JSON, for those who judge bytes.
 */
import { isUtf8 } from 'node:buffer';
import type { Fields, RecordBatch } from '@tocsin/core';
import {
  createRecordRouter,
  decoders,
  defaultDecodeLimits,
  fieldsOf,
  jsonObjectsOf,
  type Mapped,
  type MappingSet,
  type RecordRouter,
} from '@tocsin/ingest/read';
import type { Block, Unread } from './hunt-block.ts';
import { readRows } from './read-rows.ts';
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
    const lineCount = this.#read(block, list);
    const mappings = this.#mappings;
    const batch = list.batch();
    let decodedIndex = -1;
    let decoded: Fields | undefined;
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

  #read(block: Block, list: RecordList): number {
    const { form, buffer, length } = block;
    if (form.kind === 'lines') return this.#readLines(block, list);
    if (form.kind === 'values') {
      const isText = this.#openRouter(buffer, length);
      for (const [i, start] of form.starts.entries())
        this.#readRecord(list, { bytes: buffer, start, end: form.ends[i] ?? start, line: form.lines[i] ?? 0, isText });
      return form.lineCount;
    }
    return readRows(buffer.subarray(0, length), form, {
      onFields: (fields, line) => this.#addWritten(list, { fields, line }),
      onUnread: (unread) => list.reject(unread.line, unread.reason),
    });
  }

  #readLines({ buffer: bytes, length }: Block, list: RecordList): number {
    // As a `Buffer`, whose search is several times faster than that of plain arrays.
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const isText = this.#openRouter(buffer, length);
    let line = 0;
    for (let start = 0; start < length; line++) {
      const found = buffer.indexOf(LF, start);
      const end = found === -1 || found > length ? length : found;
      if (!isBlank(buffer, start, end)) this.#readRecord(list, { bytes: buffer, start, end, line, isText });
      start = end + 1;
    }
    return line;
  }

  /** Whether all of a block is text. Told once for all records: none ends in a character's middle. */
  #openRouter(buffer: Uint8Array, length: number): boolean {
    const bytes = buffer.subarray(0, length);
    this.#router.open(bytes);
    return isUtf8(bytes);
  }

  #readRecord(list: RecordList, { bytes, start, end, line, isText }: Place): void {
    const route = isText ? this.#router.route(start, end) : undefined;
    if (route !== undefined) {
      const source = this.#tagged?.nameOf(route.mapping, route.named) ?? route.mapping;
      list.add({ start, end, line, source, format: route.format });
      return;
    }
    const decoder = this.#tagged !== undefined && bytes[start] === OPEN_OBJECT ? decoders.json : decoders.auto;
    for (const decoded of decoder.decode(bytes.subarray(start, end), defaultDecodeLimits)) {
      if ('rejected' in decoded) list.reject(line, shortReason(decoded.reason));
      else if (jsonObjectsOf(decoded.format) === undefined || !isWithin(decoded.record, bytes))
        this.#addWritten(list, { format: decoded.format, fields: decoded.fields, line });
      else {
        const { format, fields, record } = decoded;
        const at = record.byteOffset - bytes.byteOffset;
        list.add({ start: at, end: at + record.length, line, source: this.#sourceOf(format, fields), format }, { fields });
      }
    }
  }

  /** A record that stands in its file as something else than the JSON object it is judged as. */
  #addWritten(list: RecordList, { fields, line, format }: { fields: Fields; line: number; format?: string }): void {
    const bytes = Buffer.from(JSON.stringify(fields));
    const asWhat = format ?? formatOf(bytes);
    list.add({ start: 0, end: 0, line, source: this.#sourceOf(asWhat, fields), format: asWhat }, { fields, bytes });
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

/** A decoder's reason without what it tells the sender of a record that was to be stored. */
function shortReason(reason: string): string {
  return reason.replace(/\.? (?:It was not|None of it was) stored.*$/s, '');
}

/** Format that an object looks like. */
function formatOf(object: Uint8Array): string {
  const [decoded] = decoders.auto.decode(object, defaultDecodeLimits);
  // A row is its own fields and no envelope of others.
  return decoded !== undefined && 'fields' in decoded && jsonObjectsOf(decoded.format) !== undefined ? decoded.format : 'json';
}

/** Whether a record is a part of the bytes it was read from; what is not was written anew by its decoder. */
function isWithin(record: Uint8Array, bytes: Uint8Array): boolean {
  return record.buffer === bytes.buffer;
}

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
