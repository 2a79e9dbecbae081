/** How far each file was read, on disk: written whole, and either the new or the former one is there after a loss of power. */
import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';

/** A place in a file, and what stood before it: by that the file is known again. */
export interface FilePlace {
  readonly at: number;
  /** SHA-256 of the up to `MARK_BYTES` bytes before `at`. */
  readonly mark: string;
}

/** What is remembered of a file. */
export interface FileEntry {
  /** Begins the ids of its events; another one after the file was emptied. */
  readonly id: string;
  readonly path: string;
  /** Its path when it was first seen, which the names of rotation are made from. */
  readonly origin: string;
  readonly dev: number;
  readonly ino: number;
  readonly place: FilePlace;
  readonly isWide: boolean;
  /** How it began when it was first read: by that it is known again while nothing of it is settled. */
  readonly head?: FilePlace | undefined;
  /** Id of the file that this is a copy of; while that one can be read, the copy is not. */
  readonly copyOf?: string | undefined;
}

/** Bytes before a place that a file is known by. */
export const MARK_BYTES = 1024;

/** Mark of the bytes before a place. */
export function markOf(before: Uint8Array): string {
  return createHash('sha256')
    .update(before.subarray(Math.max(0, before.length - MARK_BYTES)))
    .digest('base64url');
}

const VERSION = 1;

/** Reads and writes the entries of a listener in its own folder. */
export class FileCheckpoint {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The entries; undefined where none were ever written. @throws Error where the file is damaged */
  async read(): Promise<FileEntry[] | undefined> {
    let text: string;
    try {
      text = await readFile(join(this.#folder, 'files.json'), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    const { version, files } = JSON.parse(text) as { version: number; files: FileEntry[] };
    if (version !== VERSION || !Array.isArray(files)) throw new Error(`${join(this.#folder, 'files.json')} is not of this version`);
    return files;
  }

  /** Resolves when the entries are on disk. One call at a time. */
  async write(files: readonly FileEntry[]): Promise<void> {
    const fresh = join(this.#folder, 'files.json.new');
    const file = await open(fresh, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify({ version: VERSION, files }));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, join(this.#folder, 'files.json'));
    const folder = await open(this.#folder, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
