/** What a file's format and mapping seem to be, by its first records: for those who set up a source. */
import type { FrameRecord } from '@tocsin/core';
import { cutOf, type MappingSet } from '@tocsin/ingest';
import { type ReadRecord, type ReadRecordsOptions, readRecords } from './read-records.ts';

/** One mapping that reads some of a file's records. */
export interface SourceGuess {
  readonly format: string;
  readonly mapping: string;
  readonly records: number;
  /** 0 … 1: how many of the file's records it reads, halved where it says no more than the records' format. */
  readonly confidence: number;
}

/** What was found of a file. */
export interface FileGuess {
  /** Format to register a source with. */
  readonly format: string;
  /** In order of confidence. */
  readonly guesses: readonly SourceGuess[];
  readonly records: number;
  readonly rejected: number;
  readonly firstReason: string | undefined;
  readonly first: readonly FrameRecord[];
}

/** Plain bytes of a file that are looked at. */
const LOOK_BYTES = 1024 * 1024;
const MAX_FIRST = 5;
/** Files of rows under a head: formats of their own, whatever their records become. */
const ROWS: ReadonlySet<string> = new Set(['csv', 'zeek', 'w3c', 'evtx']);

/** Looks at the beginning of a file. @throws cli.unreadable */
export async function guessSource(path: string, options: Omit<ReadRecordsOptions, 'format' | 'maxBytes'>): Promise<FileGuess> {
  const records: ReadRecord[] = [];
  let cut: string = 'lines';
  const onHead = (head: Uint8Array): void => void (cut = cutOf(head, 'auto'));
  for await (const batch of readRecords(path, { ...options, format: 'auto', maxBytes: LOOK_BYTES, onHead })) records.push(...batch);
  const read = records.filter((one) => 'event' in one);
  const rejected = records.find((one) => 'rejected' in one);
  const ranked = rank(read, records.length, options.mappings);
  const guesses = ROWS.has(cut) ? ranked.map((guess) => ({ ...guess, format: cut })) : ranked;
  const formats = new Set(guesses.map(({ format }) => format));
  const [only] = formats;
  return {
    // One source may well send several formats: then looks go on telling them apart.
    format: formats.size === 1 && only !== undefined ? only : 'auto',
    guesses,
    records: records.length,
    rejected: records.length - read.length,
    firstReason: rejected === undefined || !('rejected' in rejected) ? undefined : rejected.rejected.reason,
    first: read.slice(0, MAX_FIRST).map(({ event }) => event),
  };
}

function rank(read: readonly Extract<ReadRecord, { event: unknown }>[], total: number, mappings: MappingSet): SourceGuess[] {
  const counts = new Map<string, { format: string; mapping: string; records: number }>();
  for (const { event, decoded } of read) {
    const key = `${decoded.format} ${event.mapping}`;
    const entry = counts.get(key) ?? { format: decoded.format, mapping: event.mapping, records: 0 };
    entry.records += 1;
    counts.set(key, entry);
  }
  const isGeneral = (id: string): boolean => mappings.specs.find((spec) => spec.id === id)?.when.length === 0;
  return [...counts.values()]
    .map((one) => ({ ...one, confidence: Math.round((one.records / total) * (isGeneral(one.mapping) ? 0.5 : 1) * 100) / 100 }))
    .sort((a, b) => b.confidence - a.confidence || b.records - a.records);
}
