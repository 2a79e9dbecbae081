/**
 * The door for events that wait in a queue of the bus: what came in one turn goes to the intake together, source by source, and a message is
 * answered only when every event in it is durable or its refusal is. Where the messages come from is the composition root's.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { RawRecord, RecordResult, Source } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';
import { concealsAny, type KeptMessage, keptOf, type RefusedEvent, type RefusedParts } from './kept-message.ts';
import { recordsOfMessage } from './message-records.ts';

/** A message that waits for its answer. The first of `ack` and `retry` counts. */
export interface QueuedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** 1 for the first delivery. */
  readonly attempt: number;
  ack(): boolean;
  /** Delivered again after `afterMs`. */
  retry(options: { readonly afterMs: number }): boolean;
  /** Says that it is still being worked at. */
  extend(): void;
}

/** What the door is made of. */
export interface MessageDoorOptions {
  readonly context: Pick<ListenerContext, 'name' | 'emit' | 'counts' | 'onTrouble'>;
  /** Keeps what was refused of a message; resolves when that is durable. Where it rejects, the message is delivered again. */
  readonly keep: (message: QueuedMessage, kept: KeptMessage) => Promise<void>;
}

const EXTEND_EVERY_MS = 3_000;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 30_000;
/** How often a message is given that ends in an error without a name. */
const MAX_UNNAMED_TRIES = 5;

/** A message with its records. */
interface Taken {
  readonly message: QueuedMessage;
  readonly records: readonly RawRecord[];
}

/** The door. Disposing waits for everything that was taken to be answered. */
export class MessageDoor implements AsyncDisposable {
  readonly #options: MessageDoorOptions;
  readonly #gathering = new Map<string, { readonly source: Source; readonly taken: Taken[] }>();
  readonly #unanswered = new Set<QueuedMessage>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #beat: NodeJS.Timeout;
  #isDue = false;

  constructor(options: MessageDoorOptions) {
    this.#options = options;
    this.#beat = setInterval(() => {
      for (const message of this.#unanswered) message.extend();
    }, EXTEND_EVERY_MS).unref();
  }

  /** Takes a message; it will be answered. How many wait for their answers is bounded by whoever hands them out. */
  take(source: Source, message: QueuedMessage): void {
    const records = recordsOfMessage(message.headers, message.body);
    this.#options.context.counts.bytes += message.body.length;
    this.#unanswered.add(message);
    const key = JSON.stringify([source.tenant, source.name]);
    const group = this.#gathering.get(key) ?? { source, taken: [] };
    group.taken.push({ message, records });
    this.#gathering.set(key, group);
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#flush());
  }

  /** Refuses a message as a whole: it is kept, its bytes only where nothing is concealed of its source, then answered. */
  refuse(message: QueuedMessage, error: TocsinError, { conceals }: Pick<RefusedParts, 'conceals'>): void {
    const { counts } = this.#options.context;
    this.#unanswered.add(message);
    counts.bytes += message.body.length;
    counts.records += 1;
    counts.reject(error.code);
    this.#track(this.#keep(message, { refused: [{ index: 0, id: undefined, code: error.code, reason: error.message }], conceals }));
  }

  /** Leaves a message for later: whose it is cannot be said now. */
  postpone(message: QueuedMessage, error: unknown): void {
    const { context } = this.#options;
    context.onTrouble(error, `${context.name}: a message is delivered again`);
    this.#again(message, askedMs(error));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#flush();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    clearInterval(this.#beat);
  }

  #flush(): void {
    this.#isDue = false;
    const groups = [...this.#gathering.values()];
    this.#gathering.clear();
    for (const { source, taken } of groups) this.#track(this.#deliver(source, taken));
  }

  #track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** Gives messages to the intake and answers each. Never rejects. */
  async #deliver(source: Source, taken: readonly Taken[]): Promise<void> {
    const { emit } = this.#options.context;
    const records = taken.flatMap((one) => one.records);
    const perRecord: number[] = [];
    try {
      const results = await emit(source, records, { onTaken: (count) => perRecord.push(count) });
      const answers = answersByMessage(taken, perRecord, results);
      await Promise.all(answers.map((own, i) => this.#answer(source, (taken[i] as Taken).message, own)));
    } catch (error) {
      await this.#failed(source, taken, error);
    }
  }

  async #failed(source: Source, taken: readonly Taken[], error: unknown): Promise<void> {
    const { context } = this.#options;
    const attempt = Math.max(...taken.map(({ message }) => message.attempt));
    const isFinal = isTocsinError(error) ? error.retry === 'never' : attempt >= MAX_UNNAMED_TRIES;
    context.onTrouble(
      error,
      `${context.name}: ${taken.length} messages ${isFinal ? 'are refused, or given one by one' : 'are delivered again'}`,
    );
    if (isFinal && taken.length > 1) {
      // One of them is the reason: each is tried for itself.
      for (const one of taken) await this.#deliver(source, [one]);
      return;
    }
    const first = taken[0];
    if (isFinal && first !== undefined) {
      const { code, message: reason } = isTocsinError(error) ? error : new TocsinError('ingest.internal', { what: String(error) });
      context.counts.records += first.records.length;
      context.counts.reject(code, first.records.length);
      await this.#keep(first.message, { refused: [{ index: 0, id: undefined, code, reason }], conceals: concealsAny(source) });
      return;
    }
    for (const { message } of taken) this.#again(message, askedMs(error));
  }

  async #answer(source: Source, message: QueuedMessage, answers: readonly EventAnswer[]): Promise<void> {
    const { counts } = this.#options.context;
    const refused: RefusedEvent[] = [];
    const records = new Set<number>();
    counts.records += answers.length;
    for (const [index, { record, result }] of answers.entries()) {
      if (result.status !== 'rejected') counts[result.status] += 1;
      else {
        counts.reject(result.code);
        refused.push({ index, id: result.id, code: result.code, reason: result.reason });
        records.add(record);
      }
    }
    if (refused.length > 0) await this.#keep(message, { refused, records, conceals: concealsAny(source) });
    else this.#settle(message, () => message.ack());
  }

  /** Never rejects. */
  async #keep(message: QueuedMessage, parts: RefusedParts): Promise<void> {
    try {
      await this.#options.keep(message, keptOf(message, parts));
      this.#settle(message, () => message.ack());
    } catch (error) {
      this.#options.context.onTrouble(error, `${this.#options.context.name}: keeping what was refused`);
      this.#again(message, 0);
    }
  }

  #again(message: QueuedMessage, leastMs: number): void {
    const backoffMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(message.attempt, 10), LONGEST_RETRY_MS);
    this.#settle(message, () => message.retry({ afterMs: Math.max(backoffMs, leastMs) }));
  }

  #settle(message: QueuedMessage, answer: () => boolean): void {
    this.#unanswered.delete(message);
    answer();
  }
}

/** What became of an event, and the place of its record in the message. */
interface EventAnswer {
  readonly record: number;
  readonly result: RecordResult;
}

/** Answers to each message's own records: one record may have held several events. */
function answersByMessage(taken: readonly Taken[], perRecord: readonly number[], results: readonly RecordResult[]): EventAnswer[][] {
  let record = 0;
  let from = 0;
  return taken.map(({ records }) =>
    records.flatMap((_, place) => {
      const end = from + (perRecord[record] ?? 1);
      const own = results.slice(from, end).map((result) => ({ record: place, result }));
      record += 1;
      from = end;
      return own;
    }),
  );
}

/** How long whoever refused asks to wait, milliseconds. */
function askedMs(error: unknown): number {
  const asked = isTocsinError(error) ? (error.details as { retryAfterMs?: unknown }).retryAfterMs : undefined;
  return typeof asked === 'number' && asked > 0 ? Math.min(asked, LONGEST_RETRY_MS) : 0;
}
