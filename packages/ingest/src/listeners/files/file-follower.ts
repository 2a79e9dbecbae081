/**
 * The files of one listener: which there are, what became of those that were renamed, emptied or copied, and reading them in turns. One
 * pass reads what there is up to a bound; `settle` remembers it once it is stored. Waiting and storing are the listener's.
 */
import { basename, dirname } from 'node:path';
import { type Clock, TocsinError } from '@tocsin/core';
import type { ListenerContext } from '../listener.ts';
import { type FileCheckpoint, type FileEntry, MARK_BYTES } from './checkpoint.ts';
import { FileBatch } from './file-batch.ts';
import { type FilePatterns, type FoundFile, findFiles, isCompressed, isRotatedName, keyOf, look, rotatedFilesOf } from './find-files.ts';
import { FollowedFile, type ReadRules } from './followed-file.ts';

/** What a follower is made of. */
export interface FileFollowerOptions extends FilePatterns, ReadRules {
  readonly context: Pick<ListenerContext, 'name' | 'nextId' | 'onTrouble' | 'counts'>;
  readonly checkpoint: FileCheckpoint;
  readonly clock: Clock;
  readonly start: 'beginning' | 'end';
  readonly partialAfter?: number | undefined;
  readonly forgetAfter: number;
  readonly maxOpenFiles: number;
  readonly maxInFlightBytes: number;
}

/** Bytes read of one file in its turn. */
const TURN_BYTES = 256 << 10;
const START = { at: 0, mark: '' };

/** Follows files. Disposing closes them; it writes nothing. */
export class FileFollower implements AsyncDisposable {
  readonly #options: FileFollowerOptions;
  #files: FollowedFile[] = [];
  /** Files by device and number, where they were found at the last look. */
  #found = new Map<string, FoundFile>();
  readonly #refused = new Map<string, string>();
  /** True where the entries differ from what is on disk. */
  #isDirty = false;
  #hasNewIds = false;
  #fromEnd = false;
  #turn = 0;
  #toldMore = false;

  constructor(options: FileFollowerOptions) {
    this.#options = options;
  }

  /** Reads what was remembered. @throws Error where that is damaged */
  async load(): Promise<void> {
    const entries = await this.#options.checkpoint.read();
    // What comes after the first look is new, even where that found nothing.
    this.#isDirty = entries === undefined;
    this.#fromEnd = entries === undefined && this.#options.start === 'end';
    this.#files = (entries ?? []).map((entry) => new FollowedFile(entry, this.#options));
    for (const file of this.#files) file.changedMs = this.#options.clock.monotonicMs();
    await this.#renumberDevices();
  }

  /** Files known, copies among them. */
  get known(): number {
    return this.#files.length;
  }

  /** Looks for files where asked to, and reads on. What it gives must be stored and settled before the next pass. */
  async pass(isLook: boolean): Promise<FileBatch> {
    const batch = new FileBatch();
    try {
      await this.#read(batch, isLook);
      // An id must be known after a crash before anything is stored under it.
      if (this.#hasNewIds) await this.remember();
      return batch;
    } catch (error) {
      // What was read is given to nobody: it is read again.
      for (const file of this.#files) file.goBack();
      throw error;
    }
  }

  /** Takes a batch for stored. What is remembered on disk follows with `remember`. */
  async settle(batch: FileBatch): Promise<void> {
    for (const [file, place] of batch.places) {
      if (file.entry.place.at !== place.at) this.#isDirty = true;
      file.entry = { ...file.entry, place };
    }
    for (const file of batch.finished) await this.#forget(file);
  }

  /** Resolves when what was settled is on disk. */
  async remember(): Promise<void> {
    if (!this.#isDirty) return;
    await this.#options.checkpoint.write(this.#files.map(({ entry }) => entry));
    this.#isDirty = this.#hasNewIds = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const file of this.#files) await file.close();
  }

  async #read(batch: FileBatch, isLook: boolean): Promise<void> {
    if (isLook) await this.#look(batch);
    const { length } = this.#files;
    // Whoever is first in this pass is last in the next one; those that take the place of another have their turn at the end.
    const turns = [...this.#files.slice(this.#turn), ...this.#files.slice(0, this.#turn)].filter(({ entry }) => entry.copyOf === undefined);
    for (let file = turns.shift(); file !== undefined && batch.bytes < this.#options.maxInFlightBytes; file = turns.shift()) {
      const each = file;
      turns.push(...((await this.#guard(each, () => this.#readTurn(each, batch))) ?? []));
    }
    this.#turn = length === 0 ? 0 : (this.#turn + 1) % length;
    batch.hasMore ||= batch.bytes >= this.#options.maxInFlightBytes;
    for (const file of this.#files.filter(({ hasNewHead }) => hasNewHead)) {
      file.hasNewHead = false;
      this.#isDirty = this.#hasNewIds = true;
    }
    await this.#closeIdle();
  }

  async #look(batch: FileBatch): Promise<void> {
    const { files, refused, hasMore } = await findFiles(this.#options);
    this.#found = new Map(files.map((each) => [keyOf(each), each]));
    for (const { path, reason } of refused) this.#refuse(path, reason);
    if (hasMore && !this.#toldMore) {
      this.#toldMore = true;
      const { name } = this.#options.context;
      this.#options.context.onTrouble(
        new TocsinError('listener.too_many_files', { listener: name, maxFiles: this.#options.maxFiles }),
        name,
      );
    }
    for (const file of this.#files) await this.#guard(file, () => this.#check(file, batch));
    const known = new Set(this.#files.map(({ entry }) => keyOf(entry)));
    // The names that rotation gives are longer: a copy is looked at after what it may be a copy of.
    const inOrder = [...files].sort((a, b) => a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
    for (const found of inOrder) if (!known.has(keyOf(found)) && !isCompressed(found.path)) await this.#adopt(found);
    this.#fromEnd = false;
  }

  /** What became of a file since the last look. */
  async #check(file: FollowedFile, batch: FileBatch): Promise<void> {
    const found = this.#found.get(keyOf(file.entry));
    if (file.entry.copyOf !== undefined) {
      if (found === undefined) await this.#forget(file);
      return;
    }
    if (found === undefined) {
      await this.#checkGone(file, batch);
      return;
    }
    if (found.path !== file.entry.path) this.#change(file, { path: found.path });
    if (found.size < file.leastSize) await this.#replaced(file, batch);
  }

  /** A file that the patterns do not fit any more: it is read to its end, for some time, and forgotten. */
  async #checkGone(file: FollowedFile, batch: FileBatch): Promise<void> {
    if (!file.isOpen && !(await this.#find(file))) {
      if (file.size > file.at || file.size === 0) this.#tellLost(file);
      batch.addRecords(file.entry.id, file.takeOpen());
      batch.finished.add(file);
      return;
    }
    const { size, nlink } = await file.stat();
    if (size < file.leastSize) await this.#replaced(file, batch);
    else if (size > file.size) file.changedMs = this.#options.clock.monotonicMs();
    else if (nlink === 0 || this.#options.clock.monotonicMs() - file.changedMs > this.#options.forgetAfter) await this.#finish(file, batch);
  }

  /** Reads on; where nothing but a last line without an end is left, takes that as it stands and forgets the file. */
  async #finish(file: FollowedFile, batch: FileBatch): Promise<void> {
    const read = await file.read(TURN_BYTES);
    if (read === 'replaced') {
      await this.#replaced(file, batch);
      return;
    }
    batch.add(file, read);
    if (read.bytes > 0) return;
    batch.add(file, await file.readRest());
    batch.finished.add(file);
  }

  /** Opens a file again that is not under its name: rotation renamed it while nobody looked. */
  async #find(file: FollowedFile): Promise<boolean> {
    if (await file.openAt(file.entry.path)) return true;
    for (const each of await rotatedFilesOf(file.entry.origin))
      if (each.ino === file.entry.ino && (await file.openAt(each.path))) return true;
    return false;
  }

  async #adopt(found: FoundFile): Promise<void> {
    const copied = await this.#originalOf(found);
    const { path, dev, ino } = found;
    const entry: FileEntry = {
      id: copied === undefined ? this.#options.context.nextId() : '',
      path,
      origin: path,
      dev,
      ino,
      place: START,
      isWide: false,
    };
    const file = new FollowedFile(copied === undefined ? entry : { ...entry, copyOf: copied.entry.id }, this.#options);
    if (copied === undefined && !(await this.#guard(file, () => file.openAt(path)))) return;
    if (copied === undefined && this.#fromEnd) await file.goToEnd();
    file.changedMs = this.#options.clock.monotonicMs();
    this.#files.push(file);
    this.#isDirty = this.#hasNewIds = true;
  }

  /** The followed file that a new one is a copy of, as far as it goes: what rotation by copying makes before it empties the original. */
  async #originalOf(found: FoundFile): Promise<FollowedFile | undefined> {
    for (const original of this.#files) {
      const { origin, copyOf } = original.entry;
      if (copyOf !== undefined || dirname(origin) !== dirname(found.path) || !isRotatedName(basename(found.path), basename(origin)))
        continue;
      if (found.size > 0 && (await this.#isCopy(found, original))) return original;
    }
    return undefined;
  }

  /** Whether a file holds what was read of another, or is a beginning of what that holds now. */
  async #isCopy(found: FoundFile, original: FollowedFile): Promise<boolean> {
    const { entry, leastSize } = original;
    await using copy = new FollowedFile({ ...entry, dev: found.dev, ino: found.ino, place: original.readPlace }, this.#options);
    if (!(await this.#guard(copy, () => copy.openAt(found.path)))) return false;
    if (leastSize > 0 && (await copy.isSame())) return true;
    if (!original.isOpen && !(await original.openAt(entry.path))) return false;
    // If it is emptied before anything of it is read, only by this it is known that the copy holds what it held.
    await original.noteHead();
    const from = Math.max(0, found.size - MARK_BYTES);
    const [ours, theirs] = [await original.bytes(from, found.size - from), await copy.bytes(from, found.size - from)];
    return ours.length === found.size - from && ours.equals(theirs);
  }

  /** A file was emptied, or another one has its number: goes on in the copy that was made of it, if any, and begins anew here. */
  async #replaced(file: FollowedFile, batch: FileBatch): Promise<FollowedFile[]> {
    const copy = await this.#copyOf(file);
    if (copy === undefined) {
      batch.addRecords(file.entry.id, file.takeOpen());
      this.#tellLost(file);
    } else {
      copy.changedMs = this.#options.clock.monotonicMs();
      this.#files = this.#files.filter((each) => keyOf(each.entry) !== keyOf(copy.entry));
      this.#files.push(copy);
    }
    const fresh = new FollowedFile(
      { ...file.entry, id: this.#options.context.nextId(), place: START, isWide: false, head: undefined },
      this.#options,
    );
    fresh.changedMs = this.#options.clock.monotonicMs();
    await file.close();
    // It may be emptied again before its turn comes.
    await this.#guard(fresh, async () => (await fresh.openAt(fresh.entry.path)) && fresh.noteHead());
    batch.places.delete(file);
    this.#files = this.#files.map((each) => (each === file ? fresh : each));
    this.#isDirty = this.#hasNewIds = true;
    return copy === undefined ? [fresh] : [copy, fresh];
  }

  /** The youngest file that rotation made and that holds what was read of a file, ready to go on there. */
  async #copyOf(file: FollowedFile): Promise<FollowedFile | undefined> {
    if (file.entry.place.at === 0 && file.entry.head === undefined) return undefined;
    const followed = new Set(this.#files.filter(({ entry }) => entry.copyOf === undefined).map(({ entry }) => keyOf(entry)));
    for (const each of await rotatedFilesOf(file.entry.origin)) {
      if (followed.has(keyOf(each))) continue;
      const copy = new FollowedFile({ ...file.entry, path: each.path, dev: each.dev, ino: each.ino }, this.#options);
      if ((await this.#guard(copy, () => copy.openAt(each.path))) && (await copy.isSame())) return copy;
      await copy.close();
    }
    return undefined;
  }

  /** Reads on in a file. Gives those that take its place, where it was replaced. */
  async #readTurn(file: FollowedFile, batch: FileBatch): Promise<FollowedFile[]> {
    if (batch.finished.has(file)) return [];
    if (!(await this.#isReadable(file))) return [];
    const { size } = await file.stat();
    const nowMs = this.#options.clock.monotonicMs();
    if (size !== file.size) file.changedMs = nowMs;
    file.size = size;
    if (size < file.leastSize) return this.#replaced(file, batch);
    const { partialAfter } = this.#options;
    if (size > file.at) {
      const read = await file.read(TURN_BYTES);
      if (read === 'replaced') return this.#replaced(file, batch);
      batch.add(file, read);
    }
    if (file.isUnfinished && partialAfter !== undefined && nowMs - file.changedMs >= partialAfter) batch.add(file, await file.readRest());
    return [];
  }

  /** Opens a file where the last look saw something new in it. */
  async #isReadable(file: FollowedFile): Promise<boolean> {
    if (file.isOpen) return true;
    return this.#found.get(keyOf(file.entry))?.size !== file.at && (await file.openAt(file.entry.path));
  }

  /** What goes wrong with one file is told, and the others are read. */
  async #guard<T>(file: FollowedFile, run: () => Promise<T>): Promise<T | undefined> {
    try {
      const done = await run();
      this.#refused.delete(file.entry.path);
      return done;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
      this.#refuse(file.entry.path, (error as Error).message);
      return undefined;
    }
  }

  #refuse(path: string, reason: string): void {
    if (this.#refused.get(path) === reason) return;
    if (this.#refused.size >= this.#options.maxFiles) this.#refused.clear();
    this.#refused.set(path, reason);
    const { context } = this.#options;
    context.counts.refuse('listener.file_refused');
    context.onTrouble(new TocsinError('listener.file_refused', { listener: context.name, path, reason }), `${context.name} ${path}`);
  }

  #tellLost(file: FollowedFile): void {
    const { name, onTrouble } = this.#options.context;
    const { path } = file.entry;
    onTrouble(new TocsinError('listener.file_lost', { listener: name, path, offset: file.at }), `${name} ${path}`);
  }

  #change(file: FollowedFile, change: Partial<FileEntry>): void {
    file.entry = { ...file.entry, ...change };
    this.#isDirty = true;
  }

  async #forget(file: FollowedFile): Promise<void> {
    await file.close();
    this.#files = this.#files.filter((each) => each !== file);
    this.#isDirty = true;
  }

  /** Closes those that have been quiet longest where too many are open; never one that has lost its name. */
  async #closeIdle(): Promise<void> {
    const open = this.#files.filter(({ isOpen }) => isOpen);
    if (open.length <= this.#options.maxOpenFiles) return;
    const named = open.filter(({ entry }) => this.#found.has(keyOf(entry))).sort((a, b) => a.changedMs - b.changedMs);
    for (const file of named.slice(0, open.length - this.#options.maxOpenFiles)) await file.close();
  }

  /** Devices may get other numbers when a machine starts anew. */
  async #renumberDevices(): Promise<void> {
    for (const file of this.#files) {
      const found = await look(file.entry.path, true);
      if (typeof found === 'object' && found.ino === file.entry.ino && found.dev !== file.entry.dev) this.#change(file, { dev: found.dev });
    }
  }
}
