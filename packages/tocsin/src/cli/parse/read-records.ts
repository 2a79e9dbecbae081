/** Records of a file named on the command line, each with its event: what a door would make of it, without storing it. */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Clock, FrameRecord } from '@tocsin/core';
import {
  type AcceptedRecord,
  defaultDecodeLimits,
  type FormatName,
  type MappingSet,
  normaliseRecord,
  openRecordStream,
  type RejectedRecord,
} from '@tocsin/ingest';
import { openInput } from '../playback/open-input.ts';

/** One record of a file, in order; `number` counts from 1. */
export type ReadRecord = { readonly number: number } & (
  | { readonly event: FrameRecord; readonly decoded: AcceptedRecord }
  | { readonly rejected: RejectedRecord }
);

/** How files are read. */
export interface ReadRecordsOptions {
  readonly format: FormatName;
  readonly mappings: MappingSet;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly clock: Clock;
  /** Plain bytes after which reading ends, though not before the first record; all where absent. */
  readonly maxBytes?: number | undefined;
  /** Told of the first bytes, as they are once unpacked. */
  readonly onHead?: ((head: Uint8Array) => void) | undefined;
}

/** Records of one file, or of standard input for `-`, a batch at a time. @throws cli.unreadable */
export async function* readRecords(path: string, options: ReadRecordsOptions): AsyncGenerator<ReadRecord[]> {
  const input = await openInput(path, options.stdin);
  const receivedMs = options.clock.nowMs();
  const writtenMs = path === '-' ? receivedMs : await lastWritten(path, receivedMs);
  const name = path === '-' ? 'stdin' : basename(path);
  const stream = openRecordStream(options.format, defaultDecodeLimits);
  const source = { tenant: 'default', name, format: options.format, lane: 'live' as const, shard: '' };
  let number = 0;
  let bytes = 0;
  const read = (decoded: ReturnType<typeof stream.push>): ReadRecord[] =>
    decoded.map((one) => {
      number += 1;
      if ('rejected' in one) return { number, rejected: one };
      const event = normaliseRecord(options.mappings, one, { source, receivedMs, writtenMs, fallbackId: `${name}#${number}` });
      return { number, event, decoded: one };
    });
  for await (const part of input.bytes) {
    if (bytes === 0) options.onHead?.(part);
    bytes += part.length;
    yield read(stream.push(part));
    if (options.maxBytes !== undefined && bytes >= options.maxBytes && number > 0) return;
  }
  yield read(stream.end());
}

/** Before it no file was written: archives that keep no times unpack to the beginning of theirs. */
const FIRST_TIME_MS = Date.UTC(1980, 0, 2);

async function lastWritten(path: string, nowMs: number): Promise<number> {
  const { mtimeMs } = await stat(path);
  return mtimeMs < FIRST_TIME_MS ? nowMs : Math.min(nowMs, Math.floor(mtimeMs));
}
