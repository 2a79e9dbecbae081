/**
 * What was taken in of one source and not sent on yet: a queue on disk, in order. What comes while a write is under way goes together into
 * the next one, so that many small batches share a sync. What is in here is on the disk; it leaves by `pass`.
 */
import { TocsinError } from '@tocsin/core';
import { type OldestBatch, type RawRecord, SpoolFiles } from '@tocsin/ingest';

/** Records on their way in. */
interface Putting {
  readonly records: readonly RawRecord[];
  readonly done: PromiseWithResolvers<void>;
}

/** Records of one frame at most, and their bytes. */
const FRAME_RECORDS = 8192;
const FRAME_BYTES = 4 << 20;

/** A queue. Whoever opened it disposes it; what it holds stays. */
export class Outbox implements AsyncDisposable {
  readonly #files: SpoolFiles;
  readonly #nowMs: () => number;
  #putting: Putting[] = [];
  #writing: Promise<void> | undefined;
  #alone: Promise<unknown> = Promise.resolve();
  #onPut: (() => void) | undefined;
  #isClosed = false;

  private constructor(files: SpoolFiles, nowMs: () => number) {
    this.#files = files;
    this.#nowMs = nowMs;
  }

  /** Opens what is there. @throws errors of the file system */
  static async open(folder: string, nowMs: () => number): Promise<Outbox> {
    return new Outbox(await SpoolFiles.open(folder), nowMs);
  }

  get bytes(): number {
    return this.#files.bytes;
  }

  /** Records that wait. */
  get records(): number {
    return this.#files.records;
  }

  /** Sequence number of the next record. */
  get next(): number {
    return this.#files.next;
  }

  /** Resolves when the records are on the disk. @throws ingest.closing, errors of the file system: then none of them is to be counted on */
  put(records: readonly RawRecord[]): Promise<void> {
    if (this.#isClosed) return Promise.reject(new TocsinError('ingest.closing', { what: 'The forwarder' }));
    const done = Promise.withResolvers<void>();
    this.#putting.push({ records, done });
    this.#writing ??= this.#write().finally(() => (this.#writing = undefined));
    return done.promise;
  }

  /** What waits longest; nothing where nothing waits. */
  oldest(maxBytes: number): Promise<OldestBatch[]> {
    return this.#exclusively(() => this.#files.oldestRun(maxBytes));
  }

  /** Passes what `oldest` gave: it was sent on. */
  pass(run: readonly OldestBatch[]): Promise<void> {
    const last = run.at(-1);
    if (last === undefined) return Promise.resolve();
    const bytes = run.reduce((sum, each) => sum + each.bytes, 0);
    return this.#exclusively(() => this.#files.pass({ batch: last.batch, bytes }));
  }

  /** Records that the disk did not give back since it was asked last. */
  takeLost(): number {
    return this.#files.takeLost();
  }

  /** Resolves when something was put, or the signal aborts. */
  async whenPut(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.records > 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#onPut = wake;
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#writing;
    await this.#exclusively(() => this.#files[Symbol.asyncDispose]());
  }

  /** Never rejects: who put is told. */
  async #write(): Promise<void> {
    // At the end of the turn, so that what one read brought goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#putting.length > 0) {
      const together = this.#takeSome();
      const records = together.flatMap((each) => each.records);
      try {
        await this.#exclusively(() => this.#files.put({ key: '', receivedMs: this.#nowMs(), records }));
        for (const { done } of together) done.resolve();
        this.#onPut?.();
      } catch (error) {
        for (const { done } of together) done.reject(error);
      }
    }
  }

  #takeSome(): Putting[] {
    let [records, bytes, end] = [0, 0, 0];
    for (const each of this.#putting) {
      records += each.records.length;
      bytes += each.records.reduce((sum, record) => sum + record.bytes.length, 0);
      if (end > 0 && (records > FRAME_RECORDS || bytes > FRAME_BYTES)) break;
      end += 1;
    }
    const together = this.#putting.slice(0, end);
    this.#putting = this.#putting.slice(end);
    return together;
  }

  /** One at a time: a writer may begin a file meanwhile, and never one that is read. */
  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#alone.then(work);
    this.#alone = Promise.allSettled([done]);
    return done;
  }
}
