/**
 * The body of a frame behind its `FrameView`: columns are found by tag when first asked for, checked as a whole, and kept.
 * Columns with an unknown tag are skipped; a column that is not there reads as its default.
 */
import type { EventFlag, FrameHeader, FrameView, HotAttribute, RecordBatch, SeverityId, TocsinError } from '@tocsin/core';
import { ATTRIBUTE_TAGS, FLAG_BITS, TAG } from './frame-layout.ts';
import { readInt64, readUint32 } from './int64.ts';

/** What `openFrame` hands over: the header, the sizes of both sections, and how to get at them. */
export interface FrameParts {
  readonly header: FrameHeader;
  readonly columnsBytes: number;
  readonly recordsBytes: number;
  /** Columns and records, decompressed; asked for once, and once more after each release. */
  body(): Uint8Array;
  /** What `body` gave is no longer looked at. */
  release(): void;
  refuse(reason: string, cause?: unknown): TocsinError;
}

/** One more than the highest tag that is asked for. */
const TAGS = 1 + Math.max(...Object.values(TAG), ...ATTRIBUTE_TAGS.map(([, tag]) => tag));
const NO_FLAGS: readonly EventFlag[] = Object.freeze([]);

/** A frame that can be put down again. */
export interface OpenedFrame extends FrameView {
  /**
   * Gives back the memory of its body at once, not when garbage is collected. Byte results that were handed out are empty from then on; a
   * later question opens the body anew.
   */
  release(): void;
}

/** A view that opens the body at the first question about it. */
export function createFrameView(parts: FrameParts): OpenedFrame {
  const { header } = parts;
  let read = createColumnReader(parts);
  const view: OpenedFrame = {
    header,
    release() {
      read = createColumnReader(parts);
      parts.release();
    },
    id: (index) => read.text(TAG.id, index),
    source: (index) => read.word(TAG.source, index) ?? '',
    mapping: (index) => read.word(TAG.mapping, index) ?? '',
    type: (index) => read.word(TAG.type, index) ?? '',
    timeMs: (index) => read.int64(TAG.timeMs, index),
    receivedMs: (index) => read.int64(TAG.receivedMs, index),
    producerId: (index) => read.bit(TAG.producerId, index),
    attributes: (index) => read.attributes(index),
    flags: (index) => flagsOf(read.byte(TAG.flags, index)),
    record: (index) => read.record(index),
    records: () => read.records(),
    event: (index) => ({
      id: view.id(index),
      source: view.source(index),
      type: view.type(index),
      schemaVersion: read.uint32(TAG.schemaVersion, index) + 1,
      tenant: header.tenant,
      timeMs: view.timeMs(index),
      receivedMs: view.receivedMs(index),
      severity: Math.min(read.byte(TAG.severity, index), 6) as SeverityId,
      classUid: read.uint32(TAG.classUid, index),
      activityId: read.uint32(TAG.activityId, index),
      mapping: view.mapping(index),
      attributes: view.attributes(index),
      flags: view.flags(index),
      subject: read.word(TAG.subject, index),
      correlationId: read.word(TAG.correlationId, index),
      causationId: read.word(TAG.causationId, index),
      traceparent: read.word(TAG.traceparent, index),
      producerId: view.producerId(index),
      record: view.record(index),
    }),
  };
  return view;
}

/** Values of columns by tag and index, each column checked once. */
interface ColumnReader {
  text(tag: number, index: number): string;
  word(tag: number, index: number): string | undefined;
  attributes(index: number): Partial<Record<HotAttribute, string>>;
  int64(tag: number, index: number): number;
  uint32(tag: number, index: number): number;
  byte(tag: number, index: number): number;
  bit(tag: number, index: number): boolean;
  record(index: number): Uint8Array;
  records(): RecordBatch;
}

function createColumnReader(parts: FrameParts): ColumnReader {
  const { count } = parts.header;
  const sections = once(() => openSections(parts));
  // By tag, `null` for a column that is not there: a look-up per value is what reading costs.
  const columns: (Uint8Array | null | undefined)[] = Array.from({ length: TAGS });
  const column = (tag: number, bytesPerEvent: number): Uint8Array | null => {
    const known = columns[tag];
    if (known !== undefined) return known;
    const found = checkedColumn(parts, sections().columns.get(tag), Math.ceil(count * bytesPerEvent)) ?? null;
    columns[tag] = found;
    return found;
  };
  const dictionaries: (Dictionary | null | undefined)[] = Array.from({ length: TAGS });
  const dictionary = (tag: number): Dictionary | null => {
    const known = dictionaries[tag];
    if (known !== undefined) return known;
    const found = openDictionary(parts, sections().columns.get(tag)) ?? null;
    dictionaries[tag] = found;
    return found;
  };
  const attributes = once(() =>
    ATTRIBUTE_TAGS.map(([attribute, tag]) => ({ attribute, words: dictionary(tag) })).filter(({ words }) => words !== null),
  );
  const ids = once(() => openTexts(parts, sections().columns.get(TAG.id), count));
  const at = (index: number): number => {
    if (index >= 0 && index < count) return index;
    throw new RangeError(`the frame has no event ${index}`);
  };

  return {
    text: (_tag, index) => ids().text(at(index)),
    word: (tag, index) => dictionary(tag)?.word(at(index)),
    attributes: (index) => {
      const found: Partial<Record<HotAttribute, string>> = {};
      for (const { attribute, words } of attributes()) {
        const text = words?.word(at(index));
        if (text !== undefined) found[attribute] = text;
      }
      return found;
    },
    int64: (tag, index) => readInt64(required(parts, column(tag, 8) ?? undefined), at(index) * 8),
    uint32: (tag, index) => {
      const bytes = column(tag, 4);
      return bytes === null ? 0 : readUint32(bytes, at(index) * 4);
    },
    byte: (tag, index) => column(tag, 1)?.[at(index)] ?? 0,
    bit: (tag, index) => (((column(tag, 1 / 8)?.[at(index) >>> 3] ?? 0) >>> (index & 7)) & 1) === 1,
    record: (index) => {
      const { records, ends } = sections();
      return records.subarray(at(index) === 0 ? 0 : readUint32(ends, index * 4 - 4), readUint32(ends, index * 4));
    },
    records: () => recordBatch(count, sections()),
  };
}

interface Sections {
  readonly columns: ReadonlyMap<number, Uint8Array>;
  readonly records: Uint8Array;
  readonly ends: Uint8Array;
}

function recordBatch(count: number, { records, ends: column }: Sections): RecordBatch {
  const ends = Uint32Array.from({ length: count }, (_, index) => readUint32(column, index * 4));
  const starts = new Uint32Array(count);
  starts.set(ends.subarray(0, count - 1), 1);
  return { count, bytes: records, starts, ends };
}

function openSections(parts: FrameParts): Sections {
  const body = parts.body();
  const columns = new Map<number, Uint8Array>();
  for (let at = 0; at < parts.columnsBytes; ) {
    if (at + 8 > parts.columnsBytes) throw parts.refuse('a column has no head');
    const tag = readUint32(body, at) & 0xffff;
    const end = at + 8 + readUint32(body, at + 4);
    if (end > parts.columnsBytes) throw parts.refuse(`column ${tag} is longer than its section`);
    columns.set(tag, body.subarray(at + 8, end));
    at = end;
  }
  const ends = required(parts, checkedColumn(parts, columns.get(TAG.recordEnds), parts.header.count * 4));
  checkEnds(parts, ends, { count: parts.header.count, last: parts.recordsBytes });
  return { columns, records: body.subarray(parts.columnsBytes), ends };
}

function checkedColumn(parts: FrameParts, column: Uint8Array | undefined, bytes: number): Uint8Array | undefined {
  if (column !== undefined && column.length !== bytes) throw parts.refuse(`a column has ${column.length} bytes, not ${bytes}`);
  return column;
}

function required(parts: FrameParts, column: Uint8Array | undefined): Uint8Array {
  if (column === undefined) throw parts.refuse('a column that every frame has is missing');
  return column;
}

/** End offsets must rise and finish at `last`. */
function checkEnds(parts: FrameParts, ends: Uint8Array, want: { count: number; last: number }): void {
  let before = 0;
  for (let i = 0; i < want.count; i++) {
    const end = readUint32(ends, i * 4);
    if (end < before || end > want.last) throw parts.refuse('its offsets do not rise');
    before = end;
  }
  if (before !== want.last) throw parts.refuse('its offsets do not reach the end');
}

interface Texts {
  text(index: number): string;
}

function openTexts(parts: FrameParts, column: Uint8Array | undefined, count: number): Texts {
  const bytes = required(parts, column);
  const head = count * 4;
  if (bytes.length < head) throw parts.refuse('a column of texts is too short');
  checkEnds(parts, bytes, { count, last: bytes.length - head });
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    text: (index) =>
      buffer.toString('utf8', head + (index === 0 ? 0 : readUint32(bytes, index * 4 - 4)), head + readUint32(bytes, index * 4)),
  };
}

interface Dictionary {
  word(index: number): string | undefined;
}

function openDictionary(parts: FrameParts, column: Uint8Array | undefined): Dictionary | undefined {
  if (column === undefined) return undefined;
  const { count } = parts.header;
  const head = 4 + count * 2;
  if (column.length < head) throw parts.refuse('a dictionary is too short');
  const size = readUint32(column, 0);
  if (size > count) throw parts.refuse('a dictionary has more words than events');
  const texts = openTexts(parts, column.subarray(head), size);
  const words: (string | undefined)[] = Array.from({ length: size });
  const place = (index: number): number => (column[4 + index * 2] as number) | ((column[5 + index * 2] as number) << 8);
  for (let i = 0; i < count; i++) if (place(i) > size) throw parts.refuse('a dictionary index points nowhere');
  return {
    word(index) {
      const at = place(index) - 1;
      if (at < 0) return undefined;
      const known = words[at];
      if (known !== undefined) return known;
      const text = texts.text(at);
      words[at] = text;
      return text;
    },
  };
}

function flagsOf(bits: number): readonly EventFlag[] {
  return bits === 0 ? NO_FLAGS : FLAG_BITS.filter((_flag, bit) => (bits & (1 << bit)) !== 0);
}

/** The value, made at the first call. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
