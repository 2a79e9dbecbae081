/** Writing the columns section of a frame: every column is tag, length, bytes, so that a reader may skip it (docs/reference/wire.md). */
import type { FrameRecord, HotAttribute } from '@tocsin/core';
import { ATTRIBUTE_TAGS, FLAG_BITS, TAG } from './frame-layout.ts';
import { writeInt64, writeUint32 } from './int64.ts';

/** Bytes of the columns of these records. A column in which every value is its default is left out. */
export function encodeColumns(records: readonly FrameRecord[]): Uint8Array {
  const columns: Column[] = [
    { tag: TAG.recordEnds, bytes: recordEnds(records) },
    { tag: TAG.id, bytes: texts(records.map((record) => record.id)) },
    { tag: TAG.timeMs, bytes: int64s(records, (record) => record.timeMs) },
    { tag: TAG.receivedMs, bytes: int64s(records, (record) => record.receivedMs) },
  ];
  addDictionary(columns, TAG.source, records, (record) => record.source);
  addDictionary(columns, TAG.mapping, records, (record) => record.mapping);
  addDictionary(columns, TAG.type, records, (record) => record.type);
  addDictionary(columns, TAG.subject, records, (record) => record.subject);
  addDictionary(columns, TAG.correlationId, records, (record) => record.correlationId);
  addDictionary(columns, TAG.causationId, records, (record) => record.causationId);
  addDictionary(columns, TAG.traceparent, records, (record) => record.traceparent);
  for (const [attribute, tag] of ATTRIBUTE_TAGS) addDictionary(columns, tag, records, attributeOf(attribute));
  addBytes(columns, TAG.producerId, producerBits(records), 0);
  addBytes(columns, TAG.flags, Uint8Array.from(records, flagBits), 0);
  addBytes(columns, TAG.severity, Uint8Array.from(records, (record) => record.severity), 0);
  addUint32s(columns, TAG.classUid, records, (record) => record.classUid);
  addUint32s(columns, TAG.activityId, records, (record) => record.activityId);
  // Stored less one, so that the usual version 1 is the default that is left out.
  addUint32s(columns, TAG.schemaVersion, records, (record) => record.schemaVersion - 1);
  return join(columns);
}

interface Column {
  readonly tag: number;
  readonly bytes: Uint8Array;
}

function recordEnds(records: readonly FrameRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.length * 4);
  let end = 0;
  let at = 0;
  for (const { record } of records) {
    end += record.length;
    writeUint32(bytes, at, end);
    at += 4;
  }
  return bytes;
}

/** End offset of each text, then all of them in UTF-8. */
function texts(values: readonly string[]): Uint8Array {
  const joined = values.join('');
  // With one byte per UTF-16 unit throughout, lengths are known without encoding each text.
  if (Buffer.byteLength(joined) !== joined.length) return separateTexts(values);
  const head = values.length * 4;
  const bytes = Buffer.allocUnsafeSlow(head + joined.length);
  let end = 0;
  let at = 0;
  for (const value of values) {
    end += value.length;
    writeUint32(bytes, at, end);
    at += 4;
  }
  bytes.write(joined, head, 'latin1');
  return bytes;
}

/** Text by text: two halves of a surrogate pair in neighbouring texts must not become one character. */
function separateTexts(values: readonly string[]): Uint8Array {
  const encoded = values.map((value) => Buffer.from(value));
  const head = Buffer.alloc(values.length * 4);
  let end = 0;
  encoded.forEach((text, i) => {
    end += text.length;
    writeUint32(head, i * 4, end);
  });
  return Buffer.concat([head, ...encoded]);
}

function int64s(records: readonly FrameRecord[], value: (record: FrameRecord) => number): Uint8Array {
  const bytes = new Uint8Array(records.length * 8);
  let at = 0;
  for (const record of records) {
    writeInt64(bytes, at, Math.floor(value(record)));
    at += 8;
  }
  return bytes;
}

/** Number of distinct texts, index per record (0: absent, else 1 + place), then the texts. */
function addDictionary(columns: Column[], tag: number, records: readonly FrameRecord[], value: (record: FrameRecord) => string | undefined): void {
  const places = new Map<string, number>();
  const indexes = new Uint8Array(records.length * 2);
  let lastText: string | undefined;
  let lastIndex = 0;
  let at = 0;
  for (const record of records) {
    const text = value(record);
    if (text !== lastText) {
      lastIndex = text === undefined ? 0 : placeOf(places, text);
      lastText = text;
    }
    indexes[at] = lastIndex;
    indexes[at + 1] = lastIndex >>> 8;
    at += 2;
  }
  if (places.size === 0) return;
  const list = texts([...places.keys()]);
  const bytes = new Uint8Array(4 + indexes.length + list.length);
  writeUint32(bytes, 0, places.size);
  bytes.set(indexes, 4);
  bytes.set(list, 4 + indexes.length);
  columns.push({ tag, bytes });
}

function placeOf(places: Map<string, number>, text: string): number {
  const known = places.get(text);
  if (known !== undefined) return known;
  places.set(text, places.size + 1);
  return places.size;
}

function attributeOf(attribute: HotAttribute): (record: FrameRecord) => string | undefined {
  return (record) => record.attributes[attribute];
}

function producerBits(records: readonly FrameRecord[]): Uint8Array {
  const bits = new Uint8Array((records.length + 7) >>> 3);
  records.forEach((record, i) => {
    if (record.producerId) bits[i >>> 3] = (bits[i >>> 3] as number) | (1 << (i & 7));
  });
  return bits;
}

function flagBits(record: FrameRecord): number {
  let bits = 0;
  for (const flag of record.flags) bits |= 1 << FLAG_BITS.indexOf(flag);
  return bits;
}

function addBytes(columns: Column[], tag: number, bytes: Uint8Array, standard: number): void {
  if (bytes.some((byte) => byte !== standard)) columns.push({ tag, bytes });
}

function addUint32s(columns: Column[], tag: number, records: readonly FrameRecord[], value: (record: FrameRecord) => number): void {
  const bytes = new Uint8Array(records.length * 4);
  records.forEach((record, i) => {
    writeUint32(bytes, i * 4, value(record));
  });
  addBytes(columns, tag, bytes, 0);
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
