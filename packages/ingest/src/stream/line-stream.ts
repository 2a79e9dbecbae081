/** Streams of one record per line. */
import { createLineSplitter, type Line } from '@tocsin/core';
import { decoders, type FormatName } from '../decoders/decoders.ts';
import { type DecodedRecord, type DecodeLimits, ENVELOPE_FACTOR, rejectRecord } from '../decoders/record-decoder.ts';
import type { RecordStream } from './record-stream.ts';

/** A stream of lines that a decoder reads one by one. */
export function createLineStream(format: FormatName, limits: DecodeLimits): RecordStream {
  // A line may be an envelope.
  return cutLines(limits.maxRecordBytes * ENVELOPE_FACTOR, limits, (bytes) => decoders[format].decode(bytes, limits));
}

/** A stream of lines, each read by a function; lines that are too long are rejected. */
export function cutLines(maxLineBytes: number, limits: DecodeLimits, read: (line: Uint8Array) => DecodedRecord[]): RecordStream {
  const splitter = createLineSplitter({ maxLineBytes });
  const readAll = (lines: readonly Line[]): DecodedRecord[] =>
    lines.flatMap((line) => (line.tooLong === undefined ? read(line.bytes) : [tooLong(line.tooLong, limits)]));
  return { push: (bytes) => readAll(splitter.push(bytes.slice())), end: () => readAll(splitter.end()) };
}

/** The answer to a record that was longer than may be held: its bytes are gone. */
export function tooLong(bytes: number, limits: DecodeLimits): DecodedRecord {
  return rejectRecord(NO_BYTES, 'decode.too_large', { bytes, maxBytes: limits.maxRecordBytes });
}

const NO_BYTES = new Uint8Array(0);
