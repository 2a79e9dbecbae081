/**
 * Where records wait that were taken in and cannot be stored now: on disk, by source, in order, bounded over all sources of a listener. As long
 * as anything of a source waits, what comes after waits behind it. For protocols that give no answer; where the sender keeps what was not
 * acknowledged, or a file can be read later, nothing is spooled.
 */
import { mkdir, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeToken, encodeToken, isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import { bytes, duration } from '@tocsin/core/setting';
import type { RawRecord, Source } from '../../source.ts';
import { type DeliveryTo, deliverRecords } from '../files/deliver-records.ts';
import type { ListenerContext } from '../listener.ts';
import type { HeldRecords } from '../listener-counts.ts';
import { SpoolFiles } from './spool-files.ts';

/** Settings of listeners that spool. */
export const spoolSettings = {
  spoolMaxBytes: bytes({
    about:
      'Disk for what was taken in and cannot be stored now, all sources together. At the limit the rest waits in memory, then no more is taken in. 0: nothing is spooled.',
    default: '500MB',
    min: 0,
  }),
  spoolAfter: duration({ about: 'How long storing may take before what waits is put on disk.', default: '1s', min: 10, max: 60_000 }),
} as const;

/** What a spool is opened with. */
export interface ProducerSpoolOptions {
  readonly context: ListenerContext;
  readonly maxBytes: number;
  readonly afterMs: number;
}

/** Records of one batch on their way into the spool. */
export interface BatchToSpool {
  readonly source: Source;
  readonly key: string;
  readonly records: readonly RawRecord[];
  /** A try that is still under way: true where it settled the batch after all. It is waited for before the batch is given again. */
  readonly underWay?: Promise<boolean> | undefined;
}

/** Room that is left to everybody else on the disk. */
const LEAST_FREE_BYTES = 64 << 20;
const AGAIN_AFTER_MS = 500;

/** The spool of a listener. Disposing stops giving on; what waits is given after the next start. */
export class ProducerSpool implements AsyncDisposable {
  readonly afterMs: number;
  readonly #context: ListenerContext;
  readonly #maxBytes: number;
  readonly #folder: string;
  readonly #lines = new Map<string, Promise<SpoolLine>>();
  readonly #opened = new Map<string, SpoolLine>();
  readonly #stop = new AbortController();

  private constructor({ context, maxBytes, afterMs }: ProducerSpoolOptions) {
    this.afterMs = afterMs;
    this.#context = context;
    this.#maxBytes = maxBytes;
    this.#folder = join(context.stateDir, 'spool');
  }

  /** Opens the spool and begins to give on what waits. @throws errors of the file system */
  static async open(options: ProducerSpoolOptions): Promise<ProducerSpool> {
    const spool = new ProducerSpool(options);
    await mkdir(spool.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(spool.#folder)) await spool.#lineOf(name);
    return spool;
  }

  /** Whether nothing of the source waits: then what comes may be stored directly. */
  isEmpty(source: Source): boolean {
    return this.#opened.get(nameOf(source))?.isEmpty ?? !this.#lines.has(nameOf(source));
  }

  /** Resolves with true when the batch is on the disk; with false where there is no room. */
  async put(batch: BatchToSpool): Promise<boolean> {
    if (this.#stop.signal.aborted || (await this.#isFull(batch))) return false;
    try {
      await (await this.#lineOf(nameOf(batch.source))).put(batch);
      return true;
    } catch (error) {
      this.#context.onTrouble(error, `${this.#context.name}: writing the spool`);
      return false;
    } finally {
      this.#count();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#opened.values()].map((line) => line[Symbol.asyncDispose]()));
  }

  async #isFull({ records }: BatchToSpool): Promise<boolean> {
    const size = records.reduce((sum, record) => sum + record.bytes.length + 16, 0);
    const used = [...this.#opened.values()].reduce((sum, line) => sum + line.bytes, 0);
    if (used + size > this.#maxBytes) return true;
    const { bavail, bsize } = await statfs(this.#folder);
    return bavail * bsize - size < LEAST_FREE_BYTES;
  }

  #lineOf(name: string): Promise<SpoolLine> {
    const known = this.#lines.get(name);
    if (known !== undefined) return known;
    const opening = SpoolFiles.open(join(this.#folder, name)).then((files) => {
      const line = new SpoolLine({
        files,
        source: sourceIn(name),
        context: this.#context,
        signal: this.#stop.signal,
        onChange: () => this.#count(),
      });
      this.#opened.set(name, line);
      this.#count();
      return line;
    });
    this.#lines.set(name, opening);
    // Tried anew by whoever comes next.
    opening.catch(() => this.#lines.delete(name));
    return opening;
  }

  #count(): void {
    const lines = [...this.#opened.values()];
    this.#context.counts.waiting = lines.reduce((sum, line) => sum + line.records, 0);
    this.#context.counts.held = lines.flatMap((line) => line.held ?? []);
  }
}

interface SpoolLineOptions {
  readonly files: SpoolFiles;
  readonly source: string;
  readonly context: ListenerContext;
  readonly signal: AbortSignal;
  /** Told when something was given on, or why nothing can be. */
  readonly onChange: () => void;
}

/** What waits of one source, given on in order. */
class SpoolLine implements AsyncDisposable {
  readonly #options: SpoolLineOptions;
  /** Records that were put before this start are not counted yet. */
  readonly #countedFrom: number;
  readonly #underWay = new Map<number, Promise<boolean>>();
  #writing: Promise<void> = Promise.resolve();
  #putting = 0;
  #isGiving = true;
  /** Why the oldest was not taken when it was given last. */
  #heldBy: unknown;
  #running: Promise<void>;

  constructor(options: SpoolLineOptions) {
    this.#options = options;
    this.#countedFrom = options.files.next;
    this.#running = this.#run();
  }

  get isEmpty(): boolean {
    return this.#putting === 0 && !this.#isGiving && this.records === 0;
  }

  get records(): number {
    return this.#options.files.records;
  }

  get bytes(): number {
    return this.#options.files.bytes;
  }

  /** What waits, and why; undefined while nothing keeps it. */
  get held(): HeldRecords | undefined {
    if (this.#heldBy === undefined || this.records === 0) return undefined;
    const { code, message: reason } = isTocsinError(this.#heldBy)
      ? this.#heldBy
      : new TocsinError('ingest.internal', { what: messageOf(this.#heldBy) });
    return { source: this.#options.source, records: this.records, code, reason };
  }

  async put({ key, records, underWay }: BatchToSpool): Promise<void> {
    const { files, context } = this.#options;
    this.#putting += 1;
    const written = this.#writing.then(async () => {
      const first = files.next;
      await files.put({ key, receivedMs: context.clock.nowMs(), records });
      if (underWay !== undefined) this.#underWay.set(first, underWay);
    });
    // A failure is told to whoever put it.
    this.#writing = Promise.allSettled([written]).then(() => undefined);
    try {
      await written;
    } finally {
      this.#putting -= 1;
    }
    if (!this.#isGiving) this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#writing, this.#running]);
    await this.#options.files[Symbol.asyncDispose]();
  }

  /** Gives on until nothing waits. Never rejects. */
  async #run(): Promise<void> {
    const { signal, context } = this.#options;
    this.#isGiving = true;
    while (!signal.aborted) {
      try {
        if (!(await this.#giveOldest())) break;
      } catch (error) {
        context.onTrouble(error, `${context.name}: reading the spool; it is read again`);
        await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
      }
    }
    this.#isGiving = false;
  }

  /** False where nothing waits, or it is to stop. */
  async #giveOldest(): Promise<boolean> {
    const { files, context, source, signal, onChange } = this.#options;
    // Between two writes only: a writer may begin a segment meanwhile, and never one that is read.
    const oldest = await this.#alone(() => files.oldest());
    const lost = files.takeLost();
    if (lost > 0) {
      context.counts.refuse('listener.spool_damaged', lost);
      context.onTrouble(new TocsinError('listener.spool_damaged', { listener: context.name, records: lost }), 'a spool was damaged');
    }
    if (oldest === undefined) return false;
    const { key, first, records } = oldest.batch;
    const isSettled = (await firstOf(this.#underWay.get(first), signal)) === true;
    this.#underWay.delete(first);
    const isCounted = first >= this.#countedFrom;
    const onHeld = (error: unknown): void => {
      this.#heldBy = error;
      onChange();
    };
    const to: DeliveryTo = { context, source, signal, key, isCounted, keepsOnClose: true, onHeld };
    if (!isSettled && !(await deliverRecords(records, to))) return false;
    await this.#alone(() => files.pass(oldest));
    this.#heldBy = undefined;
    onChange();
    return true;
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#writing.then(work);
    this.#writing = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }
}

/** What a promise resolves with, or undefined when the signal comes first. */
async function firstOf<T>(promise: Promise<T> | undefined, signal: AbortSignal): Promise<T | undefined> {
  const { promise: stopped, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const found = await Promise.race([promise, stopped]);
  signal.removeEventListener('abort', stop);
  return found;
}

/** Folder of a source. */
function nameOf({ tenant, name }: Source): string {
  return `${encodeToken(tenant)}.${encodeToken(name)}`;
}

function sourceIn(name: string): string {
  const [tenant = '', source = ''] = name.split('.');
  return `${decodeToken(tenant)}/${decodeToken(source)}`;
}
