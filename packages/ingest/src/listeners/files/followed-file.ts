/**
 * One file that is followed: reads on from a place after making sure that what stands before it is what was read, and cuts records. What
 * became of its name is none of its business: it holds the file itself open, or opens it again and looks whether it is the same one.
 */
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type FileEntry, type FilePlace, MARK_BYTES, markOf } from './checkpoint.ts';
import { cutFileLines, endOfLine, isWideFile, lineText } from './cut-lines.ts';
import type { FoundFile } from './find-files.ts';
import { createLineJoiner, type FileRecord, type LineJoiner } from './line-joiner.ts';

/** How files are read. */
export interface ReadRules {
  readonly join: 'none' | 'container' | 'auditd';
  readonly encoding: 'auto' | 'utf-8' | 'utf-16le';
  readonly maxLineBytes: number;
}

/** What a read brought. `place` is how far the file is settled once the records are stored. */
export interface FileRead {
  readonly records: readonly FileRecord[];
  /** Lines that were too long. */
  readonly tooLong: readonly { readonly at: number; readonly bytes: number }[];
  readonly bytes: number;
  readonly place: FilePlace;
  /** True where more can be read now. */
  readonly hasMore: boolean;
}

/** A file that could not be read on: it is another one, or was emptied. */
export type FileBreak = 'replaced';

const EMPTY: FileRead = { records: [], tooLong: [], bytes: 0, place: { at: 0, mark: '' }, hasMore: false };

/** A file, followed. Disposing closes it. */
export class FollowedFile implements AsyncDisposable {
  entry: FileEntry;
  /** Size when it was last read to its end, and when that changed last, by the listener's clock. */
  size = 0;
  changedMs = 0;
  /** True where its entry says how it begins and nobody has written that down yet. */
  hasNewHead = false;
  #handle: FileHandle | undefined;
  readonly #rules: ReadRules;
  /** Where to read on, and the mark there; beyond the entry's place while records or lines are open. */
  #at = 0;
  #mark = '';
  /** Bytes of a too long line that were passed over. */
  #skipped = 0;
  #joiner: LineJoiner | undefined;

  constructor(entry: FileEntry, rules: ReadRules) {
    this.entry = entry;
    this.#rules = rules;
    this.goBack();
  }

  get isOpen(): boolean {
    return this.#handle !== undefined;
  }

  /** Where it will be read on. */
  get at(): number {
    return this.#at;
  }

  /** The same with what stands before it. */
  get readPlace(): FilePlace {
    return { at: this.#at, mark: this.#mark };
  }

  /** Whether something was read that no record was made of yet. */
  get isUnfinished(): boolean {
    return this.size > this.#at || this.#joiner?.openFrom !== undefined;
  }

  /** Opens it by a path. Resolves with whether it is there and the same file. @throws Error of the system, such as EACCES */
  async openAt(path: string): Promise<boolean> {
    if (this.#handle !== undefined) return true;
    // Without waiting: a pipe of that name would block for ever.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
        throw error;
      },
    );
    const found = await handle?.stat();
    if (handle === undefined || found === undefined || !found.isFile() || found.ino !== this.entry.ino) {
      await handle?.close();
      return false;
    }
    this.entry = { ...this.entry, dev: found.dev, path };
    this.#handle = handle;
    return true;
  }

  /** What the system says of it now; links that lead to it among that. */
  async stat(): Promise<FoundFile & { readonly nlink: number }> {
    const { dev, ino, size, mtimeMs, nlink } = await this.#open().stat();
    return { path: this.entry.path, dev, ino, size, mtimeMs, nlink };
  }

  /** Bytes that it must have to be the same file. */
  get leastSize(): number {
    return this.#at === 0 ? (this.entry.head?.at ?? 0) : this.#at;
  }

  /** Whether what stands before the place of reading is what was read; where nothing was, whether it begins as it did. */
  async isSame(): Promise<boolean> {
    const { head } = this.entry;
    const { at, mark } = this.#at === 0 && head !== undefined ? head : this.readPlace;
    const before = await this.bytes(Math.max(0, at - MARK_BYTES), Math.min(at, MARK_BYTES));
    return before.length === Math.min(at, MARK_BYTES) && (at === 0 || markOf(before) === mark);
  }

  /** Reads on, at most about `maxBytes`. */
  async read(maxBytes: number): Promise<FileRead | FileBreak> {
    const lead = Math.min(this.#at, MARK_BYTES);
    const chunk = await this.bytes(this.#at - lead, lead + Math.max(maxBytes, 2 * this.#rules.maxLineBytes + 4));
    if (chunk.length < lead || (lead > 0 && markOf(chunk.subarray(0, lead)) !== this.#mark)) return 'replaced';
    if (chunk.length === lead) return { ...EMPTY, place: this.entry.place };
    if (this.#at === 0 && !this.#begin(chunk)) return 'replaced';
    const isFull = chunk.length === lead + Math.max(maxBytes, 2 * this.#rules.maxLineBytes + 4);
    return this.#cut(chunk, { base: this.#at - lead, lead, isFull });
  }

  /** Gives what is left as it stands: the last line, and records that are open. */
  async readRest(): Promise<FileRead> {
    const lead = Math.min(this.#at, MARK_BYTES);
    const chunk = await this.bytes(this.#at - lead, lead + this.#rules.maxLineBytes + 2);
    const base = this.#at - lead;
    const raw = chunk.subarray(lead);
    const records: FileRecord[] = [];
    const tooLong: { at: number; bytes: number }[] = [];
    const at = this.#at - this.#skipped;
    if (this.#skipped + raw.length > this.#rules.maxLineBytes) tooLong.push({ at, bytes: this.#skipped + raw.length });
    else if (raw.length > 0) {
      const bytes = lineText(raw, at, this.entry.isWide);
      records.push(...(this.#joiner?.push({ at, next: at + raw.length, bytes }) ?? [{ at, bytes }]));
    }
    records.push(...(this.#joiner?.flush() ?? []));
    this.#skipped = 0;
    this.#moveTo(base + chunk.length, chunk, base);
    return { records, tooLong, bytes: raw.length, place: { at: this.#at, mark: this.#mark }, hasMore: false };
  }

  /** Notes how it begins, where nothing of it was read yet. */
  async noteHead(): Promise<void> {
    if (this.#at > 0 || this.entry.head !== undefined) return;
    const first = await this.bytes(0, MARK_BYTES);
    if (first.length > 0) this.#begin(first);
  }

  /** Gives records whose lines were read and wait for more. */
  takeOpen(): readonly FileRecord[] {
    return this.#joiner?.flush() ?? [];
  }

  /** Goes to the last beginning of a line without reading what is before. */
  async goToEnd(): Promise<void> {
    const { size } = await this.stat();
    this.entry = { ...this.entry, isWide: this.#isWide(await this.bytes(0, 2)) };
    const back = Math.min(size - (size % 2), Math.max(2 * this.#rules.maxLineBytes, 2 * MARK_BYTES));
    const base = size - (size % 2) - back;
    const chunk = await this.bytes(base, size - base);
    const [last] = cutFileLines(chunk, base, this.entry.isWide).slice(-1);
    this.#moveTo(last?.next ?? base + chunk.length, chunk, base);
    this.entry = { ...this.entry, place: { at: this.#at, mark: this.#mark } };
  }

  /** Goes back to the last settled place. */
  goBack(): void {
    this.#at = this.entry.place.at;
    this.#mark = this.entry.place.mark;
    this.#skipped = 0;
    this.#joiner = createLineJoiner(this.#rules.join, this.#rules.maxLineBytes);
  }

  /** Bytes of the file. */
  async bytes(from: number, length: number): Promise<Buffer> {
    const into = Buffer.allocUnsafeSlow(Math.max(0, length));
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#open().read(into, filled, length - filled, from + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return into.subarray(0, filled);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The first read of a file; false where it begins otherwise than it did. */
  #begin(chunk: Buffer): boolean {
    const { head } = this.entry;
    if (head !== undefined && (chunk.length < head.at || markOf(chunk.subarray(0, head.at)) !== head.mark)) return false;
    const length = Math.min(chunk.length, MARK_BYTES);
    if (length !== head?.at) {
      this.hasNewHead = true;
      this.entry = { ...this.entry, isWide: this.#isWide(chunk), head: { at: length, mark: markOf(chunk.subarray(0, length)) } };
    }
    return true;
  }

  #isWide(first: Buffer): boolean {
    return this.#rules.encoding === 'auto' ? isWideFile(first) : this.#rules.encoding === 'utf-16le';
  }

  #cut(chunk: Buffer, { base, lead, isFull }: { base: number; lead: number; isFull: boolean }): FileRead {
    const { maxLineBytes } = this.#rules;
    const { isWide } = this.entry;
    const records: FileRecord[] = [];
    const tooLong: { at: number; bytes: number }[] = [];
    const fresh = chunk.subarray(lead);
    let from = 0;
    if (this.#skipped > 0) from = this.#skipOn(fresh, tooLong);
    for (const line of cutFileLines(fresh.subarray(from), this.#at + from, isWide)) {
      from = line.next - this.#at;
      if (line.next - line.at > maxLineBytes + 2) tooLong.push({ at: line.at, bytes: line.next - line.at });
      else if (line.bytes.length > 0) records.push(...(this.#joiner?.push(line) ?? [line]));
    }
    const left = fresh.length - from;
    if (left > maxLineBytes + 2) {
      // An even number, so that what follows is cut where letters of two bytes begin.
      this.#skipped += left - (left % 2);
      from += left - (left % 2);
    }
    this.#moveTo(this.#at + from, chunk, base);
    return { records, tooLong, bytes: from, place: this.#settledPlace(chunk, base), hasMore: isFull };
  }

  /** Passes over the rest of a line that is too long; gives where the next one begins. */
  #skipOn(fresh: Buffer, tooLong: { at: number; bytes: number }[]): number {
    const width = this.entry.isWide ? 2 : 1;
    const end = endOfLine(fresh, 0, this.entry.isWide);
    const passed = end === -1 ? fresh.length - (fresh.length % width) : end + width;
    this.#skipped += passed;
    if (end === -1) return passed;
    tooLong.push({ at: this.#at + passed - this.#skipped, bytes: this.#skipped });
    this.#skipped = 0;
    return passed;
  }

  /** The furthest place before everything that is open; the former one where it lies before this read. */
  #settledPlace(chunk: Buffer, base: number): FilePlace {
    const at = Math.min(this.#joiner?.openFrom ?? this.#at, this.#at - this.#skipped);
    if (at === this.#at) return { at, mark: this.#mark };
    const before = chunk.subarray(0, Math.max(0, at - base));
    const isWithin = at >= base + Math.min(MARK_BYTES, at);
    return isWithin && at > this.entry.place.at ? { at, mark: markOf(before) } : this.entry.place;
  }

  #moveTo(at: number, chunk: Buffer, base: number): void {
    this.#at = at;
    const end = at - base;
    this.#mark = at === 0 ? '' : markOf(chunk.subarray(Math.max(0, end - MARK_BYTES), end));
  }

  #open(): FileHandle {
    if (this.#handle === undefined) throw new Error(`${this.entry.path} is not open`);
    return this.#handle;
  }
}
