/**
 * From the messages of one connection to the intake. Messages are handed on in order and at once, so that those of many connections share
 * a commit; their ends are told in the same order, once they are durable. Bounded by `mustWait`, which the caller turns into silence.
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
    void this.#emit(publication).then((outcome) => {
      pending.outcome = outcome;
      this.#tellEnds();
    });
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
  async #emit({ source, id, payload, envelope }: Publication): Promise<Outcome> {
    const { context } = this.#options;
    const record: RawRecord = { bytes: payload, envelope };
    try {
      // As a key, not as the envelope's id: what the payload itself is called goes first.
      const results = await context.emit(source, [record], { idempotencyKey: id });
      return this.#isClosed ? 'unknown' : this.#count(results);
    } catch (error) {
      if (this.#isClosed) return 'unknown';
      context.onTrouble(error, `${context.name}: a message was not stored`);
      return this.#countFailure(error);
    }
  }

  #count(results: readonly RecordResult[]): Outcome {
    const { counts } = this.#options.context;
    // One message may hold several events, or none.
    counts.records += results.length - 1;
    for (const result of results) {
      if (result.status === 'rejected') counts.reject(result.code);
      else counts[result.status] += 1;
    }
    return results.some(({ status }) => status !== 'rejected') ? 'stored' : 'rejected';
  }

  #countFailure(error: unknown): Outcome {
    const { counts } = this.#options.context;
    if (!isTocsinError(error)) {
      counts.refuse('ingest.internal');
      return 'unknown';
    }
    if (error.retry === 'never') {
      counts.reject(error.code);
      return 'rejected';
    }
    counts.refuse(error.code);
    // The intake's own refusals come before anything is stored; those of the bus may come after.
    return error.code.startsWith('ingest.') && error.code !== 'ingest.closing' ? 'refused' : 'unknown';
  }

  #tellEnds(): void {
    for (let first = this.#pending[0]; first?.outcome !== undefined; first = this.#pending[0]) {
      this.#pending.shift();
      this.#bytes -= first.weight;
      this.#options.gauge.give(first.weight);
      first.onEnd(first.outcome);
    }
    this.#tellRoom();
    this.#tellIdle();
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
