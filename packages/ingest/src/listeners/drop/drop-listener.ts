/** The kind `drop`: looks at a folder, takes in what was put there, one file after the other, and moves it away when every record is durable. */
import { type FSWatcher, type Stats, watch } from 'node:fs';
import { lstat, mkdir, open, readdir, rename } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { pause } from '../pull/pull-loop.ts';
import { cannotOpen } from '../tls-settings.ts';
import { DropLedger } from './drop-ledger.ts';
import { type DropSettings, dropSettings } from './drop-settings.ts';
import { type DropOutcome, takeFile } from './dropped-file.ts';

/** Folders into which files are put. */
export const dropKind = listenerKind({ kind: 'drop', settings: dropSettings, open: openDrop });

/** Time that closing waits for what was read to be stored. */
const CLOSE_WITHIN_MS = 7_000;
/** Names that programs give to what is not whole yet. */
const UNFINISHED = /^\.|\.(?:tmp|part|partial|crdownload|filepart|swp)$|~$/i;
/** Files that could not be taken, of which that was told. */
const MAX_TOLD = 1000;
/** File systems tell times to some milliseconds only: names with numbers then say which came first. */
const byName = new Intl.Collator('en', { numeric: true });
/** How often a file that is being written is looked at, milliseconds. */
const LOOK_AGAIN_MS = 250;

async function openDrop(settings: DropSettings, context: ListenerContext): Promise<Listener> {
  const address = `file://${settings.path}/`;
  try {
    for (const folder of ['done', 'rejected']) await mkdir(join(settings.path, folder), { recursive: true });
    const ledger = await DropLedger.open(context.stateDir);
    const folder = new DropFolder(settings, context, ledger);
    return { address, [Symbol.asyncDispose]: () => folder.close() };
  } catch (cause) {
    throw cannotOpen({ name: context.name, address }, messageOf(cause), cause);
  }
}

interface Waiting {
  readonly name: string;
  readonly changedMs: number;
}

class DropFolder {
  readonly #settings: DropSettings;
  readonly #context: ListenerContext;
  readonly #ledger: DropLedger;
  readonly #closing = new AbortController();
  readonly #giveUp = new AbortController();
  readonly #told = new Set<string>();
  /** Size and time of files that are looked at until they no longer change, and since when. */
  #seen = new Map<string, { readonly look: string; readonly sinceMs: number }>();
  readonly #watcher: FSWatcher | undefined;
  readonly #running: Promise<void>;
  #wake = new AbortController();

  constructor(settings: DropSettings, context: ListenerContext, ledger: DropLedger) {
    this.#settings = settings;
    this.#context = context;
    this.#ledger = ledger;
    this.#watcher = this.#watch();
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake.abort();
    const timer = setTimeout(() => this.#giveUp.abort(), CLOSE_WITHIN_MS);
    await this.#running;
    clearTimeout(timer);
    this.#watcher?.close();
    await this.#ledger[Symbol.asyncDispose]();
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      let isChanging = false;
      try {
        const { ready, unsettled } = await this.#look();
        isChanging = unsettled > 0;
        if (await this.#takeAll(ready)) continue;
      } catch (error) {
        this.#context.onTrouble(error, `${this.#context.name}: looking at ${this.#settings.path}; it is looked at again`);
      }
      this.#wake = new AbortController();
      await pause(isChanging ? LOOK_AGAIN_MS : this.#settings.pollEvery, AbortSignal.any([this.#wake.signal, this.#closing.signal]));
    }
  }

  /** Files that have not changed for long enough, the oldest first, and how many are still changing. */
  async #look(): Promise<{ ready: Waiting[]; unsettled: number }> {
    const { path, settleAfter } = this.#settings;
    const nowMs = this.#context.clock.monotonicMs();
    const before = this.#seen;
    const seen = new Map<string, { look: string; sinceMs: number }>();
    this.#seen = seen;
    const ready: Waiting[] = [];
    for (const entry of await readdir(path, { withFileTypes: true })) {
      const { name } = entry;
      if (entry.isDirectory() || UNFINISHED.test(name)) continue;
      const found = await foundAt(join(path, name));
      if (found === undefined) continue;
      const look = `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
      if (this.#told.has(`${name}/${look}`)) continue;
      const known = before.get(name);
      const sinceMs = known?.look === look ? known.sinceMs : nowMs;
      seen.set(name, { look, sinceMs });
      if (!found.isFile()) this.#tell(name, 'it is no regular file');
      else if (nowMs - sinceMs >= settleAfter) ready.push({ name, changedMs: found.mtimeMs });
    }
    this.#context.counts.waiting = seen.size;
    return {
      ready: ready.sort((a, b) => a.changedMs - b.changedMs || byName.compare(a.name, b.name)),
      unsettled: seen.size - ready.length,
    };
  }

  /** False where there was nothing to take. */
  async #takeAll(ready: readonly Waiting[]): Promise<boolean> {
    for (const { name } of ready) {
      if (this.#closing.signal.aborted) break;
      await this.#take(name);
    }
    return ready.length > 0;
  }

  async #take(name: string): Promise<void> {
    const context = this.#context;
    const { source, maxPlainBytes, maxRecordBytes, path } = this.#settings;
    try {
      const ends = { signal: this.#closing.signal, giveUp: this.#giveUp.signal };
      const target = { context, source, ledger: this.#ledger, maxPlainBytes, maxRecordBytes, ...ends };
      const outcome = await takeFile(join(path, name), target);
      if (outcome !== undefined) await this.#moveAway(name, outcome);
    } catch (error) {
      if (isTocsinError(error) && error.retry !== 'never') {
        context.onTrouble(error, `${context.name}: ${name} waits`);
        await pause(this.#settings.pollEvery, this.#closing.signal);
      } else this.#tell(name, messageOf(error));
    }
  }

  async #moveAway(name: string, outcome: DropOutcome): Promise<void> {
    const isRejected = !outcome.isKnown && (outcome.damage !== undefined || (outcome.taken === 0 && outcome.rejected > 0));
    const folder = join(this.#settings.path, isRejected ? 'rejected' : 'done');
    const to = await freeName(folder, name, outcome.digest);
    const reasons = [
      ...(outcome.damage === undefined ? [] : [`${outcome.damage}; ${outcome.records} records were read before`]),
      ...outcome.reasons,
    ];
    // First why, then the file: what lies in `rejected` has its reason beside it.
    if (reasons.length > 0) await writeWhole(join(folder, `${to}.reason`), `${reasons.join('\n')}\n`);
    await rename(join(this.#settings.path, name), join(folder, to));
    this.#seen.delete(name);
    if (!isRejected) return;
    const reason = (reasons[0] ?? 'nothing could be read of it').replace(/\.$/, '');
    this.#context.counts.refuse('listener.file_rejected');
    this.#context.onTrouble(
      new TocsinError('listener.file_rejected', { listener: this.#context.name, path: join(folder, to), reason }),
      `${this.#context.name}: a file was rejected`,
    );
  }

  /** A file that cannot be taken is told of once, and left where it is. */
  #tell(name: string, reason: string): void {
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    // Looked at again once it has changed, its rights included.
    this.#told.add(`${name}/${this.#seen.get(name)?.look}`);
    const path = join(this.#settings.path, name);
    this.#context.counts.refuse('listener.file_refused');
    this.#context.onTrouble(
      new TocsinError('listener.file_refused', { listener: this.#context.name, path, reason }),
      `${this.#context.name}: a file is left where it is`,
    );
  }

  /** Where watching does not work, looking does. */
  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#settings.path, () => this.#wake.abort());
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch (error) {
      this.#context.onTrouble(error, `${this.#context.name}: ${this.#settings.path} is not watched, but looked at`);
      return undefined;
    }
  }
}

/** What stands at a path; undefined where it has gone again. */
async function foundAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The name itself, or one with the hash of what it holds where that is taken. */
async function freeName(folder: string, name: string, digest: string): Promise<string> {
  if ((await foundAt(join(folder, name))) === undefined) return name;
  const ending = extname(name);
  return `${name.slice(0, name.length - ending.length)}-${digest.slice(0, 12)}${ending}`;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
