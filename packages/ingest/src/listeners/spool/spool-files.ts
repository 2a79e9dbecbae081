/**
 * A queue of batches in files, first in, first out, that outlives the process: segments named by the sequence number of their first record,
 * and how far they were read. A segment goes when all of it was. What was put is on the disk; half a frame at the end was never put.
 */
import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bodyLength, decodeFrame, encodeFrame, FRAME_HEAD_BYTES, type SpooledBatch } from './spool-frame.ts';

/** Size at which another segment is begun. */
const SEGMENT_BYTES = 8 << 20;
const NAME = /^(\d{16})\.spool$/;

interface Segment {
  /** Sequence number of its first record. */
  readonly first: number;
  bytes: number;
}

/** The oldest batch, and where it ends. */
export interface OldestBatch {
  readonly batch: SpooledBatch;
  readonly bytes: number;
}

/** The files of one spool. One writer, one reader. Whoever opened it disposes it; what it holds stays. */
export class SpoolFiles implements AsyncDisposable {
  readonly #folder: string;
  readonly #segments: Segment[] = [];
  /** Where the oldest batch begins, in the first segment, and the number of its first record. */
  #offset = 0;
  #from = 0;
  /** Number of the next record that is put. */
  #next = 0;
  #writer: FileHandle | undefined;
  #reader: { readonly first: number; readonly file: FileHandle } | undefined;
  /** Records that cannot be read any more: told by `takeLost`. */
  #lost = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Opens what is there. @throws errors of the file system */
  static async open(folder: string): Promise<SpoolFiles> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const files = new SpoolFiles(folder);
    await files.#load();
    return files;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0) - this.#offset;
  }

  /** Records that wait. */
  get records(): number {
    return this.#next - this.#from;
  }

  /** Number of the next record that is put. */
  get next(): number {
    return this.#next;
  }

  /** Records that were damaged on the disk since it was asked last. */
  takeLost(): number {
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }

  /** Resolves when the batch is on the disk. */
  async put(batch: Omit<SpooledBatch, 'first'>): Promise<void> {
    const frame = encodeFrame({ ...batch, first: this.#next });
    let last = this.#segments.at(-1);
    if (last === undefined || this.#writer === undefined || last.bytes >= SEGMENT_BYTES) {
      await this.#writer?.close();
      last = { first: this.#next, bytes: 0 };
      this.#writer = await open(this.#pathOf(last), 'w', 0o600);
      this.#segments.push(last);
      await syncFolder(this.#folder);
    }
    await writeAll(this.#writer, frame, last.bytes);
    await this.#writer.datasync();
    last.bytes += frame.length;
    this.#next += batch.records.length;
  }

  /** The oldest batch; undefined where nothing waits. What is damaged is passed over. */
  async oldest(): Promise<OldestBatch | undefined> {
    for (let segment = this.#segments[0]; segment !== undefined; segment = this.#segments[0]) {
      const found = this.#offset < segment.bytes ? await this.#readAt(segment, this.#offset) : undefined;
      if (found !== undefined) {
        // What lies between was in a part that could not be read.
        this.#lost += Math.max(0, found.batch.first - this.#from);
        this.#from = found.batch.first;
        return found;
      }
      // The rest of it cannot be read, or there is none.
      await this.#dropFirst(segment);
    }
    return undefined;
  }

  /** The oldest batches that lie one behind the other in one file, at least one and about `maxBytes` of them; none where nothing waits. */
  async oldestRun(maxBytes: number): Promise<OldestBatch[]> {
    const first = await this.oldest();
    const [segment] = this.#segments;
    if (first === undefined || segment === undefined) return [];
    const run = [first];
    let bytes = first.bytes;
    let next = first.batch.first + first.batch.records.length;
    while (bytes < maxBytes && this.#offset + bytes < segment.bytes) {
      const found = await this.#readAt(segment, this.#offset + bytes);
      // What cannot be read is passed over, and counted, once it is the oldest.
      if (found === undefined || found.batch.first !== next) break;
      run.push(found);
      bytes += found.bytes;
      next += found.batch.records.length;
    }
    return run;
  }

  /** Passes the oldest batch, which was settled. */
  async pass({ batch, bytes }: OldestBatch): Promise<void> {
    this.#offset += bytes;
    this.#from = batch.first + batch.records.length;
    const [segment] = this.#segments;
    if (segment !== undefined && this.#offset >= segment.bytes && this.#segments.length > 1) await this.#dropFirst(segment);
    else if (segment !== undefined && this.#offset >= segment.bytes) {
      await this.#writer?.close();
      this.#writer = undefined;
      await this.#dropFirst(segment);
    }
    await this.#remember();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.close();
    await this.#reader?.file.close();
    await this.#remember();
  }

  async #load(): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => NAME.test(name)).sort();
    const [from = 0, offset = 0] = await this.#recall();
    this.#from = from;
    this.#next = from;
    for (const name of names) this.#segments.push({ first: Number(NAME.exec(name)?.[1]), bytes: 0 });
    for (const segment of this.#segments) await this.#measure(segment);
    await this.#dropEmptyLast();
    const [first] = this.#segments;
    if (first === undefined) return;
    // Where the place is another segment's, that one was written last before it was remembered: what is given again is known by its key.
    const isThere = from >= first.first && offset > 0 && offset <= first.bytes;
    this.#offset = isThere ? offset : 0;
    if (!isThere) this.#from = first.first;
  }

  /** Of a file that was begun and holds nothing whole yet the name is needed again: by the next that is put. */
  async #dropEmptyLast(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last === undefined || last.bytes > 0 || last.first !== this.#next) return;
    await this.#reader?.file.close();
    this.#reader = undefined;
    this.#segments.pop();
    await rm(this.#pathOf(last), { force: true });
  }

  /** How much of a segment is whole. */
  async #measure(segment: Segment): Promise<void> {
    segment.bytes = Number.MAX_SAFE_INTEGER;
    let whole = 0;
    for (let found = await this.#readAt(segment, 0); found !== undefined; found = await this.#readAt(segment, whole)) {
      whole += found.bytes;
      this.#next = Math.max(this.#next, found.batch.first + found.batch.records.length);
    }
    segment.bytes = whole;
    this.#next = Math.max(this.#next, segment.first);
  }

  async #readAt(segment: Segment, at: number): Promise<OldestBatch | undefined> {
    const file = await this.#open(segment);
    const head = Buffer.alloc(FRAME_HEAD_BYTES);
    if ((await file.read(head, 0, head.length, at)).bytesRead < head.length) return undefined;
    const length = bodyLength(head);
    if (length === undefined) return undefined;
    const body = Buffer.alloc(length);
    if ((await file.read(body, 0, length, at + head.length)).bytesRead < length) return undefined;
    const batch = decodeFrame(head, body);
    return batch && { batch, bytes: head.length + length };
  }

  async #open(segment: Segment): Promise<FileHandle> {
    if (this.#reader?.first === segment.first) return this.#reader.file;
    await this.#reader?.file.close();
    const file = await open(this.#pathOf(segment), 'r');
    this.#reader = { first: segment.first, file };
    return file;
  }

  async #dropFirst(segment: Segment): Promise<void> {
    this.#segments.shift();
    this.#offset = 0;
    if (this.#reader?.first === segment.first) {
      await this.#reader.file.close();
      this.#reader = undefined;
    }
    const [next] = this.#segments;
    if (next === undefined) {
      await this.#writer?.close();
      this.#writer = undefined;
      this.#lost += this.#next - this.#from;
      this.#from = this.#next;
    }
    await rm(this.#pathOf(segment), { force: true });
  }

  /** How far it was read: lost with the power, something is given again and known by its key. */
  async #remember(): Promise<void> {
    await writeFile(join(this.#folder, 'place'), `${this.#from} ${this.#offset}\n`, { mode: 0o600 });
  }

  async #recall(): Promise<number[]> {
    try {
      const [, ...numbers] = /^(\d{1,15}) (\d{1,15})\n$/.exec(await readFile(join(this.#folder, 'place'), 'latin1')) ?? [];
      return numbers.map(Number);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  #pathOf({ first }: Pick<Segment, 'first'>): string {
    return join(this.#folder, `${String(first).padStart(16, '0')}.spool`);
  }
}

/** Writes all of a frame at a place: a disk that is nearly full takes a part of it and says so. @throws errors of the file system */
export async function writeAll(file: Pick<FileHandle, 'write'>, frame: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < frame.length; ) {
    const { bytesWritten } = await file.write(frame, done, frame.length - done, at + done);
    if (bytesWritten === 0) throw new Error(`the disk took ${done} of ${frame.length} bytes`);
    done += bytesWritten;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
