/**
 * Writing the columns section of a frame: every column is tag, length, bytes, so that a reader may skip it (docs/reference/wire.md). All are
 * filled in one pass over the records; columns of text are in `text-columns.ts`.
 */
import type { FrameRecord, HotAttribute } from '@tocsin/core';
import { ATTRIBUTE_TAGS, FLAG_BITS, TAG } from './frame-layout.ts';
import { writeInt64, writeUint32 } from './int64.ts';
import { DictionaryColumn, encodeTexts } from './text-columns.ts';

/** Bytes of the columns of these records. A column in which every value is its default is left out. */
export function encodeColumns(records: readonly FrameRecord[]): Uint8Array {
  const facts = new FactColumns(records.length);
  const texts = new RecordTexts(records.length);
  for (let i = 0; i < records.length; i++) {
    const record = records[i] as FrameRecord;
    facts.put(i, record);
    texts.put(i, record);
  }
  return join([...facts.always(), ...texts.columns(), ...facts.unlessDefault()]);
}

interface Column {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

/** Everything of records but their texts, and their ids. */
class FactColumns {
  readonly #ends: Uint8Array;
  #end = 0;
  readonly #ids: string[] = [];
  readonly #times: Uint8Array;
  readonly #receivedTimes: Uint8Array;
  readonly #producerBits: Uint8Array;
  readonly #flags: Uint8Array;
  readonly #severities: Uint8Array;
  readonly #classes: Uint8Array;
  readonly #activities: Uint8Array;
  readonly #schemaVersions: Uint8Array;

  constructor(records: number) {
    this.#ends = new Uint8Array(records * 4);
    this.#times = new Uint8Array(records * 8);
    this.#receivedTimes = new Uint8Array(records * 8);
    this.#producerBits = new Uint8Array((records + 7) >>> 3);
    this.#flags = new Uint8Array(records);
    this.#severities = new Uint8Array(records);
    this.#classes = new Uint8Array(records * 4);
    this.#activities = new Uint8Array(records * 4);
    this.#schemaVersions = new Uint8Array(records * 4);
  }

  put(i: number, record: FrameRecord): void {
    this.#end += record.record.length;
    writeUint32(this.#ends, i * 4, this.#end);
    this.#ids.push(record.id);
    writeInt64(this.#times, i * 8, Math.floor(record.timeMs));
    writeInt64(this.#receivedTimes, i * 8, Math.floor(record.receivedMs));
    if (record.producerId) this.#producerBits[i >>> 3] = (this.#producerBits[i >>> 3] as number) | (1 << (i & 7));
    if (record.flags.length > 0) this.#flags[i] = flagBits(record);
    this.#severities[i] = record.severity;
    writeUint32(this.#classes, i * 4, record.classUid);
    writeUint32(this.#activities, i * 4, record.activityId);
    // Stored less one, so that the usual version 1 is the default that is left out.
    writeUint32(this.#schemaVersions, i * 4, record.schemaVersion - 1);
  }

  /** Columns that stand in every frame, before those of text. */
  always(): Column[] {
    return [
      { tag: TAG.recordEnds, bytes: this.#ends },
      { tag: TAG.id, bytes: encodeTexts(this.#ids) },
      { tag: TAG.timeMs, bytes: this.#times },
      { tag: TAG.receivedMs, bytes: this.#receivedTimes },
    ];
  }

  /** Columns that stand behind those of text, where they say anything. */
  unlessDefault(): Column[] {
    return [
      { tag: TAG.producerId, bytes: this.#producerBits },
      { tag: TAG.flags, bytes: this.#flags },
      { tag: TAG.severity, bytes: this.#severities },
      { tag: TAG.classUid, bytes: this.#classes },
      { tag: TAG.activityId, bytes: this.#activities },
      { tag: TAG.schemaVersion, bytes: this.#schemaVersions },
    ].filter(({ bytes }) => bytes.some((byte) => byte !== 0));
  }
}

/** Texts of records that have columns of their own, in the order in which they are written. */
class RecordTexts {
  readonly #source: DictionaryColumn;
  readonly #mapping: DictionaryColumn;
  readonly #type: DictionaryColumn;
  readonly #subject: DictionaryColumn;
  readonly #correlationId: DictionaryColumn;
  readonly #causationId: DictionaryColumn;
  readonly #traceparent: DictionaryColumn;
  readonly #attributes: readonly DictionaryColumn[];

  constructor(records: number) {
    this.#source = new DictionaryColumn(TAG.source, records);
    this.#mapping = new DictionaryColumn(TAG.mapping, records);
    this.#type = new DictionaryColumn(TAG.type, records);
    this.#subject = new DictionaryColumn(TAG.subject, records);
    this.#correlationId = new DictionaryColumn(TAG.correlationId, records);
    this.#causationId = new DictionaryColumn(TAG.causationId, records);
    this.#traceparent = new DictionaryColumn(TAG.traceparent, records);
    this.#attributes = ATTRIBUTE_TAGS.map(([, tag]) => new DictionaryColumn(tag, records));
  }

  put(i: number, record: FrameRecord): void {
    this.#source.put(i, record.source);
    this.#mapping.put(i, record.mapping);
    this.#type.put(i, record.type);
    this.#subject.put(i, record.subject);
    this.#correlationId.put(i, record.correlationId);
    this.#causationId.put(i, record.causationId);
    this.#traceparent.put(i, record.traceparent);
    const { attributes } = record;
    for (let at = 0; at < ATTRIBUTES.length; at++) this.#attributes[at]?.put(i, attributes[ATTRIBUTES[at] as HotAttribute]);
  }

  columns(): Column[] {
    const all = [this.#source, this.#mapping, this.#type, this.#subject, this.#correlationId, this.#causationId, this.#traceparent];
    return [...all, ...this.#attributes].flatMap((column) => {
      const bytes = column.bytes();
      return bytes === undefined ? [] : [{ tag: column.tag, bytes }];
    });
  }
}

const ATTRIBUTES = ATTRIBUTE_TAGS.map(([attribute]) => attribute);

function flagBits(record: FrameRecord): number {
  let bits = 0;
  for (const flag of record.flags) bits |= 1 << FLAG_BITS.indexOf(flag);
  return bits;
}

/** Each column: tag (16 bits), 16 bits of zero, length (32 bits), bytes. */
function join(columns: readonly Column[]): Uint8Array {
  const size = columns.reduce((sum, column) => sum + 8 + column.bytes.length, 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const column of columns) {
    writeUint32(bytes, at, column.tag);
    writeUint32(bytes, at + 4, column.bytes.length);
    bytes.set(column.bytes, at + 8);
    at += 8 + column.bytes.length;
  }
  return bytes;
}
