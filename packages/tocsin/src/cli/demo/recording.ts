/** The recorded attacks of the demo, as they lie in `examples/attacks/`: records, how they are read, and the alerts they must give. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { messageOf, TocsinError } from '@tocsin/core';
import type { ExpectedAlert } from './compare-alerts.ts';
import { createTimeReader } from './event-time.ts';
import { spreadOverSlots } from './timeline.ts';

/** Records that are sent together. */
export interface DemoBatch {
  /** When it is due: a share of the whole demo, 0 to 1. */
  readonly due: number;
  readonly bytes: Uint8Array;
  readonly records: number;
  /** Number of its first record, from 0. */
  readonly first: number;
}

/** One recorded attack. */
export interface Recording {
  readonly name: string;
  readonly title: string;
  readonly format: string;
  readonly contentType: string;
  readonly events: number;
  readonly batches: readonly DemoBatch[];
  readonly expected: readonly ExpectedAlert[];
}

interface RecordingFile {
  readonly name: string;
  readonly title: string;
  readonly format: string;
  readonly contentType: string;
  readonly file: string;
  readonly year?: number;
}

/** Largest recording unpacked, bytes. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Moments at which records are sent: a tenth of a second apart in a demo of 12 s. */
const SLOTS = 120;
/** Longest silence that is kept, milliseconds: hours without an event are cut to this before everything is compressed. */
const MAX_GAP_MS = 60_000;
/** Most records of one request. */
const MAX_RECORDS = 1000;

/** Every recording of a folder, by name. @throws cli.bad_demo */
export async function readRecordings(folder: string): Promise<Recording[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    if (names.length === 0) throw new Error('it holds no recording');
    return await Promise.all(names.sort().map((name) => readRecording(join(folder, name))));
  } catch (cause) {
    throw new TocsinError('cli.bad_demo', { folder, reason: messageOf(cause) }, { cause });
  }
}

async function readRecording(folder: string): Promise<Recording> {
  const about = JSON.parse(await readFile(join(folder, 'recording.json'), 'utf8')) as RecordingFile;
  const expected = JSON.parse(await readFile(join(folder, 'expected.json'), 'utf8')) as ExpectedAlert[];
  const packed = await readFile(join(folder, about.file));
  const bytes = about.file.endsWith('.gz') ? gunzipSync(packed, { maxOutputLength: MAX_BYTES }) : packed;
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const slots = spreadOverSlots(lines.map(createTimeReader(about.format, about.year)), { slots: SLOTS, maxGapMs: MAX_GAP_MS });
  const { name, title, format, contentType } = about;
  return { name, title, format, contentType, events: lines.length, batches: cutBySlot(lines, slots), expected };
}

/** Neighbouring lines of one slot; a batch never depends on how fast the demo is played, so that playing it again gives the same. */
function cutBySlot(lines: readonly string[], slots: readonly number[]): DemoBatch[] {
  const batches: DemoBatch[] = [];
  for (let first = 0; first < lines.length; ) {
    const slot = slots[first] ?? 0;
    let end = first + 1;
    while (end < lines.length && slots[end] === slot && end - first < MAX_RECORDS) end += 1;
    batches.push({ due: slot / SLOTS, bytes: Buffer.from(lines.slice(first, end).join('\n')), records: end - first, first });
    first = end;
  }
  return batches;
}
