/**
 * Which files were taken in, known by what they hold: a log that is only appended to, one line for a file that is done and for a place in the
 * one that is being read. Half a line at its end, after a loss of power, is none.
 */
import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** How far a file was taken in. */
export interface DropEntry {
  /** SHA-256 of its bytes as they lie there. */
  readonly digest: string;
  /** Records that are settled, from the first on. */
  readonly records: number;
  readonly isDone: boolean;
}

/** Files that are remembered; the oldest are forgotten first. */
const MAX_ENTRIES = 100_000;
const LINE = /^([0-9a-f]{64}) (\d{1,15}) (done|open)$/;

/** The ledger of one folder. Whoever opened it disposes it. */
export class DropLedger implements AsyncDisposable {
  readonly #entries: Map<string, DropEntry>;
  readonly #file: FileHandle;

  private constructor(entries: Map<string, DropEntry>, file: FileHandle) {
    this.#entries = entries;
    this.#file = file;
  }

  /** Reads the log of the folder `stateDir` and writes it anew, without what is no longer needed. */
  static async open(stateDir: string): Promise<DropLedger> {
    const path = join(stateDir, 'files.log');
    const entries = readEntries(await readText(path));
    const kept = [...entries.values()].slice(-MAX_ENTRIES);
    await writeFile(`${path}.new`, kept.map(lineOf).join(''), { mode: 0o600, flush: true });
    await rename(`${path}.new`, path);
    return new DropLedger(new Map(kept.map((entry) => [entry.digest, entry])), await open(path, 'a', 0o600));
  }

  get(digest: string): DropEntry | undefined {
    return this.#entries.get(digest);
  }

  /** Resolves when the entry is on disk. */
  async enter(entry: DropEntry): Promise<void> {
    this.#entries.delete(entry.digest);
    this.#entries.set(entry.digest, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_ENTRIES && oldest !== undefined) this.#entries.delete(oldest);
    await this.#file.appendFile(lineOf(entry));
    await this.#file.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

function readEntries(text: string): Map<string, DropEntry> {
  const entries = new Map<string, DropEntry>();
  for (const line of text.slice(0, text.lastIndexOf('\n') + 1).split('\n')) {
    const [, digest, records, state] = LINE.exec(line) ?? [];
    if (digest === undefined) continue;
    entries.delete(digest);
    entries.set(digest, { digest, records: Number(records), isDone: state === 'done' });
  }
  return entries;
}

function lineOf({ digest, records, isDone }: DropEntry): string {
  return `${digest} ${records} ${isDone ? 'done' : 'open'}\n`;
}
