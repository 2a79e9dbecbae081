/**
 * What was imported before: for each file how many of its records, known by how it begins and by the hash of what those records are, whatever
 * its name and however it is packed. So an import that broke off goes on where it was, a file that has grown brings what is new, and one that was
 * imported brings nothing again. The book lies in the data folder, one for each source.
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { writeDurably } from '../../state/durable-file.ts';

/** How far a file was imported. */
export interface ImportEntry {
  /** Hash of its first line. */
  readonly head: string;
  readonly records: number;
  /** Hash of those records. */
  readonly digest: string;
  /** When, milliseconds since 1970. */
  readonly atMs: number;
}

const VERSION = 1;
/** Entries kept; the oldest are forgotten first, and their files would be sent again. */
const MAX_ENTRIES = 20_000;

/** The book of one source. */
export class ImportBook {
  readonly #path: string;
  readonly #entries = new Map<string, ImportEntry>();

  private constructor(path: string, entries: readonly ImportEntry[]) {
    this.#path = path;
    for (const entry of entries) this.#entries.set(keyOf(entry), entry);
  }

  /** Opens the book, which may be empty. @throws cli.unreadable where it is damaged */
  static async open(dataDir: string, source: string): Promise<ImportBook> {
    const folder = join(dataDir, 'imports');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${encodeURIComponent(source)}.json`);
    return new ImportBook(path, await readEntries(path));
  }

  /** Entries of files that begin so, those with the most records first. */
  of(head: string): ImportEntry[] {
    return [...this.#entries.values()].filter((entry) => entry.head === head).sort((a, b) => b.records - a.records);
  }

  /** Enters how far a file has come, in place of where it began or was before. Resolves when that is on disk. */
  async enter(entry: ImportEntry, before: ImportEntry | undefined): Promise<void> {
    if (before !== undefined) this.#entries.delete(keyOf(before));
    this.#entries.delete(keyOf(entry));
    this.#entries.set(keyOf(entry), entry);
    while (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value as string);
    await writeDurably(this.#path, JSON.stringify({ version: VERSION, files: [...this.#entries.values()] }));
  }
}

function keyOf({ head, digest }: ImportEntry): string {
  return `${head} ${digest}`;
}

async function readEntries(path: string): Promise<ImportEntry[]> {
  try {
    const { version, files } = JSON.parse(await readFile(path, 'utf8')) as { version: number; files: ImportEntry[] };
    if (version === VERSION && Array.isArray(files)) return files;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw damaged(path, cause);
  }
  throw damaged(path);
}

function damaged(path: string, cause?: unknown): TocsinError {
  return new TocsinError(
    'cli.unreadable',
    { path, reason: 'it is damaged; without it files that were imported before are sent again' },
    { cause },
  );
}
