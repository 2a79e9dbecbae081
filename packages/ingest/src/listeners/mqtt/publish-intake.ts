/**
 * From the messages of one connection to the intake. What one read brought is handed on together, in order and at once, so that messages of
 * many connections share a commit; their ends are told in the same order, once they are durable. Bounded by `mustWait`, which the caller turns into silence.
 */
import { isTocsinError } from '@tocsin/core';
import type { Envelope, RawRecord, RecordResult, Source } from '../../source.ts';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';

/**
 * What became of a message. `refused`: nothing was stored, the device may send it anew; `unknown`: it may be stored, the device must send
 * the same again.
 */
export type Outcome = 'stored' | 'rejected' | 'refused' | 'unknown';

/** A message on its way. */
export interface Publication {
  readonly source: Source;
  readonly id: string;
  readonly payload: Buffer;
  readonly envelope: Envelope;
  /** Called once, in the order of `take`; not after disposal. */
  readonly onEnd: (outcome: Outcome) => void;
}

/** What it is made of. */
export interface PublishIntakeOptions {
  readonly context: Pick<ListenerContext, 'name' | 'emit' | 'onTrouble' | 'counts'>;
  readonly gauge: ByteGauge;
  readonly maxMessages: number;
  readonly maxBytes: number;
  /** Told when there is room again after `mustWait`. */
  readonly onRoom: () => void;
  /** Told that the device may not send any more. */
  readonly onRefused: (error: unknown) => void;
}

const CLOSE_WITHIN_MS = 7_000;
/** What a message takes beside its bytes. */
const OVERHEAD = 256;

interface Pending {
  readonly onEnd: (outcome: Outcome) => void;
  readonly weight: number;
  outcome: Outcome | undefined;
}

/** Takes messages in. Disposing waits, at most 7 seconds, for what is on its way; the rest counts as refused. */
export class PublishIntake implements AsyncDisposable {
  readonly #options: PublishIntakeOptions;
  readonly #pending: Pending[] = [];
  #batch: { readonly publication: Publication; readonly pending: Pending }[] = [];
  #bytes = 0;
  #wasFull = false;
  #isClosed = false;
  #onIdle: (() => void)[] = [];

  constructor(options: PublishIntakeOptions) {
    this.#options = options;
  }

  /** Whether no more may be taken; where so, `onRoom` says when. */
  mustWait(): boolean {
    const { maxMessages, maxBytes, gauge } = this.#options;
    const isOwnFull = this.#pending.length >= maxMessages || this.#bytes >= maxBytes;
    const isFull = isOwnFull || gauge.isFull;
    if (gauge.isFull && !this.#wasFull) gauge.whenRoom(() => this.#tellRoom());
    this.#wasFull = isFull;
    return isFull;
  }

  /** Takes a message; its bytes must not change any more. */
  take(publication: Publication): void {
    const { gauge, context } = this.#options;
    const weight = publication.payload.length + OVERHEAD;
    const pending: Pending = { onEnd: publication.onEnd, weight, outcome: undefined };
    context.counts.records += 1;
    this.#pending.push(pending);
    this.#bytes += weight;
    gauge.take(weight);
    this.#batch.push({ publication, pending });
    // At the end of the turn, so that what one read brought goes together.
    if (this.#batch.length === 1) setImmediate(() => void this.#sendBatch());
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    if (this.#pending.length === 0) return;
    await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_WITHIN_MS);
    await Promise.race([this.idle(), late]);
    clearTimeout(timer);
    this.#isClosed = true;
    const { context, gauge } = this.#options;
    if (this.#pending.length > 0) context.counts.refuse('ingest.closing', this.#pending.length);
    gauge.give(this.#bytes);
    this.#bytes = 0;
    this.#pending.length = 0;
    this.#tellIdle();
  }

  /** Never rejects. */
  async #sendBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const [first] = batch;
    if (this.#isClosed || first === undefined) return;
    const outcomes = await this.#emit(
      first.publication.source,
      batch.map(({ publication }) => ({
        bytes: publication.payload,
        // Not as the envelope's id: what the payload itself is called goes first.
        envelope: { ...publication.envelope, fallbackId: publication.id },
      })),
    );
    for (const [i, { pending }] of batch.entries()) pending.outcome = outcomes(i);
    if (!this.#isClosed) this.#tellEnds();
  }

  /** What became of each record. Never rejects. */
  async #emit(source: Source, records: readonly RawRecord[]): Promise<(index: number) => Outcome> {
    const { context } = this.#options;
    try {
      const results = await context.emit(source, records);
      if (this.#isClosed) return () => 'unknown';
      this.#count(results, records.length);
      // Where a payload holds several events, or none, it cannot be told whose an answer is; all of them are final.
      return (index) => (results.length === records.length && results[index]?.status === 'rejected' ? 'rejected' : 'stored');
    } catch (error) {
      if (this.#isClosed) return () => 'unknown';
      context.onTrouble(error, `${context.name}: ${records.length} messages were not stored`);
      const outcome = this.#countFailure(error, records.length);
      return () => outcome;
    }
  }

  #count(results: readonly RecordResult[], sent: number): void {
    const { counts } = this.#options.context;
    counts.records += results.length - sent;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else counts[result.status] += 1;
    }
  }

  #countFailure(error: unknown, count: number): Outcome {
    const { counts } = this.#options.context;
    if (!isTocsinError(error)) {
      counts.refuse('ingest.internal', count);
      return 'unknown';
    }
    if (error.code.startsWith('auth.')) {
      counts.refuse(error.code, count);
      this.#options.onRefused(error);
      return 'unknown';
    }
    if (error.retry === 'never') {
      counts.reject(error.code, count);
      return 'rejected';
    }
    counts.refuse(error.code, count);
    // The intake's own refusals come before anything is stored; those of the bus may come after.
    return error.code.startsWith('ingest.') && error.code !== 'ingest.closing' ? 'refused' : 'unknown';
  }

  #tellEnds(): void {
    for (let first = this.#pending[0]; first?.outcome !== undefined; first = this.#pending[0]) {
      this.#pending.shift();
      this.#bytes -= first.weight;
      this.#options.gauge.give(first.weight);
      this.#tellEnd(first, first.outcome);
    }
    this.#tellRoom();
    this.#tellIdle();
  }

  /** Whoever cannot hear an end sends the message again; others have theirs told. */
  #tellEnd({ onEnd }: Pending, outcome: Outcome): void {
    const { name, onTrouble } = this.#options.context;
    try {
      onEnd(outcome);
    } catch (error) {
      onTrouble(error, `${name}: answering a message`);
    }
  }

  #tellRoom(): void {
    if (!this.#wasFull || this.#isClosed) return;
    this.#wasFull = false;
    if (!this.mustWait()) this.#options.onRoom();
  }

  #tellIdle(): void {
    if (this.#pending.length === 0) for (const told of this.#onIdle.splice(0)) told();
  }
}
