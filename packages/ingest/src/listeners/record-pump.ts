/**
 * From a connection to the intake: records wait here in order, go in batches, one batch at a time, and stay until they are durable. For
 * listeners whose protocol has no answer to give: what the intake cannot take now is given again with the same ids until it is taken.
 * What waits is bounded by `mustWait`, which the caller turns into backpressure; a record that was pushed is counted exactly once.
 */
import { isTocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult, Source } from '../source.ts';
import type { ByteGauge } from './byte-gauge.ts';
import type { ListenerContext } from './listener.ts';
import type { BatchToSpool, ProducerSpool } from './spool/producer-spool.ts';

/** What a pump is made of. */
export interface RecordPumpOptions {
  readonly context: Pick<ListenerContext, 'name' | 'emit' | 'nextId' | 'onTrouble' | 'counts'>;
  /** Whose records they are; asked for each batch. Where it throws, the batch is refused and `onRefused` told. */
  readonly source: () => Source;
  /** Bytes that may wait here. */
  readonly maxBytes: number;
  /** Bytes that may wait in all pumps of the listener. */
  readonly gauge: ByteGauge;
  /** Told when there is room again after `mustWait`. */
  readonly onRoom?: (() => void) | undefined;
  /** Where records wait that cannot be stored now; without it they wait here. Then `whenSettled` also counts what waits there. */
  readonly spool?: ProducerSpool | undefined;
  /** Told that the source may not send any more. */
  readonly onRefused?: ((error: unknown) => void) | undefined;
}

/** One giving of a batch. */
interface Try {
  readonly idempotencyKey: string;
  readonly isFirst: boolean;
  /** Whether an error without a name is the end of it. */
  readonly isLast: boolean;
}

/**
 * Records of one batch at most, and their bytes: bounds how long a batch takes to store behind those of other connections, which must not be
 * taken for a bus that is slow (`spoolAfter`).
 */
const BATCH_RECORDS = 2048;
const BATCH_BYTES = 4 << 20;
/** How often records are given that end in an error without a name. */
const MAX_UNNAMED_TRIES = 5;
/** How long records gather before they go to the spool. */
const GATHER_MS = 20;
const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 5_000;
/** Time that closing waits for what is in flight. */
const CLOSE_WITHIN_MS = 7_000;
/** What a queued record takes beside its bytes. */
const RECORD_OVERHEAD = 64;

/** A pump. Disposing waits, at most 7 seconds, for what was pushed to become durable; the rest is counted as refused. */
export class RecordPump implements AsyncDisposable {
  readonly #options: RecordPumpOptions;
  #waiting: RawRecord[] = [];
  #waitingBytes = 0;
  #inFlight = 0;
  #running: Promise<void> | undefined;
  #batches = 0;
  #id: string | undefined;
  #wasFull = false;
  /** Records pushed, and settled, since the beginning. */
  #pushed = 0;
  #settled = 0;
  #marks: { readonly at: number; readonly told: () => void }[] = [];
  readonly #stop = new AbortController();

  constructor(options: RecordPumpOptions) {
    this.#options = options;
  }

  /** Whether the reader must stop reading; where it must, `onRoom` says when it may go on. */
  mustWait(): boolean {
    const isFull = this.#waitingBytes >= this.#options.maxBytes || this.#options.gauge.isFull;
    if (isFull && !this.#wasFull) {
      this.#wasFull = true;
      this.#options.gauge.whenRoom(() => this.#tellRoom());
    }
    return isFull;
  }

  /** Takes a record; its bytes must not change any more. One without an id gets one that stays the same however often it is given. */
  push(record: RawRecord): void {
    const { context, gauge } = this.#options;
    const { counts } = context;
    counts.records += 1;
    if (this.#stop.signal.aborted) {
      counts.refuse('ingest.closing');
      return;
    }
    this.#waiting.push(record);
    this.#pushed += 1;
    this.#waitingBytes += weightOf(record);
    gauge.take(weightOf(record));
    this.#running ??= this.#run();
  }

  /** Calls back once everything pushed so far is durable, or rejected for good; never where it was refused or given up. */
  whenSettled(told: () => void): void {
    if (this.#settled === this.#pushed) told();
    else this.#marks.push({ at: this.#pushed, told });
  }

  /** Tells `onRefused` where the source may not send any more, before anything is given. */
  review(): void {
    const { context, source, onRefused } = this.#options;
    try {
      source();
    } catch (error) {
      context.counts.refuse(isTocsinError(error) ? error.code : 'ingest.internal');
      onRefused?.(error);
    }
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const timer = setTimeout(() => this.#stop.abort(), CLOSE_WITHIN_MS);
    const { promise: stopped, resolve } = Promise.withResolvers<void>();
    this.#stop.signal.addEventListener('abort', () => resolve());
    await Promise.race([this.idle(), stopped]);
    clearTimeout(timer);
    this.#stop.abort();
    this.#giveUp();
  }

  async #run(): Promise<void> {
    // At the end of the turn, so that what one read brought goes together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0 && !this.#stop.signal.aborted) {
      await this.#gather();
      const batch = this.#takeBatch();
      this.#inFlight = batch.length;
      await this.#deliver(batch);
      this.#inFlight = 0;
      const bytes = batch.reduce((sum, record) => sum + weightOf(record), 0);
      this.#waitingBytes -= bytes;
      this.#options.gauge.give(bytes);
      this.#tellRoom();
    }
    this.#running = undefined;
  }

  /** What goes to the spool anyway goes in larger pieces. */
  async #gather(): Promise<void> {
    const { spool } = this.#options;
    const source = this.#sourceNow();
    if (spool !== undefined && source !== undefined && !spool.isEmpty(source) && this.#waiting.length < BATCH_RECORDS)
      await this.#pause(GATHER_MS);
  }

  #takeBatch(): RawRecord[] {
    const waiting = this.#waiting;
    let bytes = 0;
    let end = 0;
    while (end < waiting.length && end < BATCH_RECORDS && (end === 0 || bytes < BATCH_BYTES))
      bytes += (waiting[end++] as RawRecord).bytes.length;
    this.#waiting = waiting.slice(end);
    return end === waiting.length ? waiting : waiting.slice(0, end);
  }

  /** Gives a batch until it is taken, or can never be. Never throws. */
  async #deliver(records: readonly RawRecord[]): Promise<void> {
    this.#id ??= this.#options.context.nextId();
    const idempotencyKey = `${this.#id}-${this.#batches++}`;
    let tries = 0;
    for (let waitMs = FIRST_WAIT_MS; !this.#stop.signal.aborted; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      tries += 1;
      const place = await this.#placeOf(records, idempotencyKey);
      if (place === 'spooled') return;
      if (place === 'nowhere') {
        await this.#pause(waitMs);
        continue;
      }
      const giving = this.#give(records, { idempotencyKey, isFirst: tries === 1, isLast: tries >= MAX_UNNAMED_TRIES });
      if (await this.#isTaken(giving, records, idempotencyKey)) return;
      await this.#pause(waitMs);
    }
  }

  /** As long as something of the source waits in the spool, what comes waits behind it: there, or here while it is full. */
  async #placeOf(records: readonly RawRecord[], key: string): Promise<'spooled' | 'nowhere' | 'intake'> {
    const { spool } = this.#options;
    const source = this.#sourceNow();
    if (spool === undefined || source === undefined || spool.isEmpty(source)) return 'intake';
    return (await this.#spool({ source, key, records })) ? 'spooled' : 'nowhere';
  }

  /** Whether a batch was stored, or waits on disk as it was not stored soon enough. */
  async #isTaken(giving: Promise<boolean>, records: readonly RawRecord[], key: string): Promise<boolean> {
    const { spool } = this.#options;
    const source = this.#sourceNow();
    if (spool === undefined || source === undefined) return await giving;
    const { promise: late, resolve } = Promise.withResolvers<false>();
    const timer = setTimeout(() => resolve(false), spool.afterMs);
    const isTaken = await Promise.race([giving, late]);
    clearTimeout(timer);
    if (isTaken) return true;
    return (await this.#spool({ source, key, records, underWay: giving })) || (await giving);
  }

  async #spool(batch: BatchToSpool): Promise<boolean> {
    return (await this.#options.spool?.put(batch)) === true;
  }

  /** The source, where it may send: where it may not, giving tells. */
  #sourceNow(): Source | undefined {
    try {
      return this.#options.spool === undefined ? undefined : this.#options.source();
    } catch {
      return undefined; // refused and counted by `#give`
    }
  }

  /** Gives a batch once; true where it is settled, one way or the other. */
  async #give(records: readonly RawRecord[], { idempotencyKey, isFirst, isLast }: Try): Promise<boolean> {
    const { context, source, onRefused } = this.#options;
    let from: Source;
    try {
      from = source();
    } catch (error) {
      context.counts.refuse(isTocsinError(error) ? error.code : 'ingest.internal', records.length);
      this.#marks = [];
      onRefused?.(error);
      return true;
    }
    try {
      const results = await context.emit(from, records, { idempotencyKey, isFirst });
      if (!this.#stop.signal.aborted) this.#settle(records.length, () => this.#count(results));
      return true;
    } catch (error) {
      // An error without a name is a fault of ours, which the same records may meet each time.
      const isFinal = isTocsinError(error) ? error.retry === 'never' : isLast;
      context.onTrouble(error, `${context.name}: ${records.length} records ${isFinal ? 'were rejected' : 'wait to be given again'}`);
      const code = isTocsinError(error) ? error.code : 'ingest.internal';
      if (isFinal) this.#settle(records.length, () => context.counts.reject(code, records.length));
      return isFinal;
    }
  }

  #settle(records: number, count: () => void): void {
    count();
    this.#settled += records;
    let told = 0;
    for (let mark = this.#marks[0]; mark !== undefined && mark.at <= this.#settled; mark = this.#marks[++told]) mark.told();
    this.#marks.splice(0, told);
  }

  #count(results: readonly RecordResult[]): void {
    const { counts } = this.#options.context;
    // One record may hold several events.
    counts.records += results.length - this.#inFlight;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else counts[result.status] += 1;
    }
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    const stop = (): void => resolve();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    await promise;
    clearTimeout(timer);
    this.#stop.signal.removeEventListener('abort', stop);
  }

  #giveUp(): void {
    const { context, gauge } = this.#options;
    const left = this.#waiting.length + this.#inFlight;
    if (left > 0) context.counts.refuse('ingest.closing', left);
    gauge.give(this.#waitingBytes);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#inFlight = 0;
  }

  #tellRoom(): void {
    if (!this.#wasFull || this.#stop.signal.aborted) return;
    if (this.#waitingBytes >= this.#options.maxBytes) return;
    this.#wasFull = false;
    if (!this.mustWait()) this.#options.onRoom?.();
  }
}

function weightOf(record: RawRecord): number {
  return record.bytes.length + RECORD_OVERHEAD;
}
