/** The columns section of a frame written column by column, each in a pass of its own: what `encode-columns.ts` must write too. */
import type { FrameRecord, HotAttribute } from '@tocsin/core';
import { ATTRIBUTE_TAGS, FLAG_BITS, TAG } from '../src/frame/frame-layout.ts';
import { writeInt64, writeUint32 } from '../src/frame/int64.ts';

/** Bytes of the columns of these records. A column in which every value is its default is left out. */
export function encodeColumnsNaively(records: readonly FrameRecord[]): Uint8Array {
  const columns: Column[] = [
    { tag: TAG.recordEnds, bytes: recordEnds(records) },
    { tag: TAG.id, bytes: texts(records.map((record) => record.id)) },
    { tag: TAG.timeMs, bytes: int64s(records, (record) => record.timeMs) },
    { tag: TAG.receivedMs, bytes: int64s(records, (record) => record.receivedMs) },
  ];
  const add = (tag: number, bytes: Uint8Array | undefined): void => {
    if (bytes !== undefined) columns.push({ tag, bytes });
  };
  add(
    TAG.source,
    dictionary(records, (record) => record.source),
  );
  add(
    TAG.mapping,
    dictionary(records, (record) => record.mapping),
  );
  add(
    TAG.type,
    dictionary(records, (record) => record.type),
  );
  add(
    TAG.subject,
    dictionary(records, (record) => record.subject),
  );
  add(
    TAG.correlationId,
    dictionary(records, (record) => record.correlationId),
  );
  add(
    TAG.causationId,
    dictionary(records, (record) => record.causationId),
  );
  add(
    TAG.traceparent,
    dictionary(records, (record) => record.traceparent),
  );
  for (const [attribute, tag] of ATTRIBUTE_TAGS) add(tag, dictionary(records, attributeOf(attribute)));
  add(TAG.producerId, unlessZero(producerBits(records)));
  add(TAG.flags, unlessZero(Uint8Array.from(records, flagBits)));
  add(TAG.severity, unlessZero(Uint8Array.from(records, (record) => record.severity)));
  add(
    TAG.classUid,
    uint32s(records, (record) => record.classUid),
  );
  add(
    TAG.activityId,
    uint32s(records, (record) => record.activityId),
  );
  // Stored less one, so that the usual version 1 is the default that is left out.
  add(
    TAG.schemaVersion,
    uint32s(records, (record) => record.schemaVersion - 1),
  );
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

/** Number of distinct texts, index per record (0: absent, else 1 + place), then the texts. Nothing where no record has one. */
function dictionary(records: readonly FrameRecord[], value: (record: FrameRecord) => string | undefined): Uint8Array | undefined {
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
  if (places.size === 0) return undefined;
  const list = texts([...places.keys()]);
  const bytes = new Uint8Array(4 + indexes.length + list.length);
  writeUint32(bytes, 0, places.size);
  bytes.set(indexes, 4);
  bytes.set(list, 4 + indexes.length);
  return bytes;
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

/** Nothing where every byte is the default. */
function unlessZero(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.some((byte) => byte !== 0) ? bytes : undefined;
}

function uint32s(records: readonly FrameRecord[], value: (record: FrameRecord) => number): Uint8Array | undefined {
  const bytes = new Uint8Array(records.length * 4);
  let at = 0;
  for (const record of records) {
    writeUint32(bytes, at, value(record));
    at += 4;
  }
  return unlessZero(bytes);
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
