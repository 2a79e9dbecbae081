/**
 * Sends on what waits of one source, oldest first, one request at a time, until it is answered for good. What may be there already is sent
 * again with the same ids, so nothing is lost or twice, whoever of the two was killed. Waits longer each time, at least as long as it is asked to.
 */
import { type Clock, isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import type { RawRecord } from '@tocsin/ingest';
import type { Outbox } from './outbox.ts';
import type { RemoteAnswer, RemoteDoor } from './remote-door.ts';

/** What a sender counts; plain numbers that only grow. */
export interface SentCounts {
  stored: number;
  duplicate: number;
  dropped: number;
  quarantined: number;
  /** Rejected there for good, by code. */
  readonly rejected: Map<string, number>;
  /** Damaged on this machine's disk before they were sent. */
  lost: number;
  /** When something was last taken there; undefined before. */
  lastSentMs: number | undefined;
  /** Why nothing is taken now. */
  trouble: string | undefined;
}

/** What a sender is made of. */
export interface SenderOptions {
  readonly url: string;
  readonly source: string;
  readonly token: string;
  readonly outbox: Outbox;
  readonly door: RemoteDoor;
  readonly clock: Clock;
  /** From 0 to below 1: spreads those who come again at the same time. */
  readonly random: () => number;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Bytes of one request, about. */
const REQUEST_BYTES = 1 << 20;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
/** Refusals that pass: who it is, where, or when is wrong, not what is sent. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 415, 421, 425, 429]);

/** Sends until disposed of. What was not sent then waits for the next start. */
export class Sender implements AsyncDisposable {
  readonly counts: SentCounts = {
    stored: 0,
    duplicate: 0,
    dropped: 0,
    quarantined: 0,
    rejected: new Map(),
    lost: 0,
    lastSentMs: undefined,
    trouble: undefined,
  };
  readonly #options: SenderOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #isIdle = false;
  #whenIdle: (() => void)[] = [];

  constructor(options: SenderOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when nothing waits, or the signal aborts. */
  async idle(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(this.#isIdle && this.#options.outbox.records === 0)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = (): void => resolve();
      this.#whenIdle.push(wake);
      signal.addEventListener('abort', wake, { once: true });
      await promise;
      signal.removeEventListener('abort', wake);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    const { outbox, source, onTrouble } = this.#options;
    const { signal } = this.#stop;
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        const run = await outbox.oldest(REQUEST_BYTES);
        this.#countLost();
        if (run.length === 0) await this.#rest();
        else {
          await this.#deliver(run.flatMap(({ batch }) => batch.records));
          await outbox.pass(run);
          this.counts.trouble = undefined;
        }
        waitMs = FIRST_WAIT_MS;
      } catch (error) {
        if (signal.aborted) return;
        this.counts.trouble = messageOf(error);
        onTrouble(error, `source ${source}: sending on waits`);
        const askedMs = error instanceof Postponed ? (error.retryAfterMs ?? 0) : 0;
        await this.#pause(Math.max(askedMs, waitMs) * (1 + this.#options.random() / 4));
        waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS);
      }
    }
  }

  async #rest(): Promise<void> {
    this.#isIdle = true;
    for (const told of this.#whenIdle.splice(0)) told();
    await this.#options.outbox.whenPut(this.#stop.signal);
    this.#isIdle = false;
  }

  #countLost(): void {
    const { outbox, source, onTrouble } = this.#options;
    const lost = outbox.takeLost();
    if (lost === 0) return;
    this.counts.lost += lost;
    onTrouble(new TocsinError('listener.spool_damaged', { listener: `forward/${source}`, records: lost }), 'the spool was damaged');
  }

  /** Resolves when each of the records is stored there or rejected for good. @throws Postponed, errors of the connection */
  async #deliver(records: readonly RawRecord[]): Promise<void> {
    const { door, token } = this.#options;
    const answer = await this.#ask(() => door.send(records, token, this.#stop.signal));
    if (answer.items !== undefined && answer.items.length > 0) return this.#count(answer.items);
    if (answer.status >= 500 || answer.status < 400 || PASSING.has(answer.status)) throw this.#postponed(answer);
    // Something in it cannot be taken: the half without it can.
    if (records.length === 1) return this.#reject(answer);
    const middle = Math.ceil(records.length / 2);
    await this.#deliver(records.slice(0, middle));
    await this.#deliver(records.slice(middle));
  }

  async #ask(send: () => Promise<RemoteAnswer>): Promise<RemoteAnswer> {
    try {
      return await send();
    } catch (cause) {
      if (this.#stop.signal.aborted || isTocsinError(cause)) throw cause;
      throw this.#notTaken(reasonOf(cause), cause);
    }
  }

  #postponed({ reason, retryAfterMs }: RemoteAnswer): Postponed {
    return new Postponed(this.#notTaken(reason), retryAfterMs);
  }

  #notTaken(reason: string, cause?: unknown): TocsinError {
    const { url, source } = this.#options;
    return new TocsinError('forward.not_taken', { url, source, reason }, { cause });
  }

  #count(items: NonNullable<RemoteAnswer['items']>): void {
    const { counts } = this;
    const reasons = new Set<string>();
    for (const { status, code = 'unknown', reason = '' } of items) {
      if (status === 'stored' || status === 'duplicate' || status === 'dropped' || status === 'quarantined') counts[status] += 1;
      else {
        counts.rejected.set(code, (counts.rejected.get(code) ?? 0) + 1);
        reasons.add(reason);
      }
    }
    counts.lastSentMs = this.#options.clock.nowMs();
    if (reasons.size > 0) this.#tellRejected(items.filter(({ status }) => status === 'rejected').length, [...reasons][0] ?? '');
  }

  #reject({ status, reason }: RemoteAnswer): void {
    const code = `http ${status}`;
    this.counts.rejected.set(code, (this.counts.rejected.get(code) ?? 0) + 1);
    this.#tellRejected(1, reason);
  }

  #tellRejected(records: number, reason: string): void {
    const { url, source, onTrouble } = this.#options;
    onTrouble(new TocsinError('forward.rejected', { url, source, records, reason }), `source ${source}`);
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    const timer = setTimeout(wake, ms);
    this.#stop.signal.addEventListener('abort', wake, { once: true });
    if (this.#stop.signal.aborted) wake();
    await promise;
    clearTimeout(timer);
    this.#stop.signal.removeEventListener('abort', wake);
  }
}

/** A refusal that passes, and after how long it is worth coming again. */
class Postponed extends Error {
  readonly retryAfterMs: number | undefined;

  constructor(cause: TocsinError, retryAfterMs: number | undefined) {
    super(cause.message, { cause });
    this.retryAfterMs = retryAfterMs;
  }
}

function reasonOf(cause: unknown): string {
  const inner = cause instanceof AggregateError ? (cause.errors[0] as unknown) : cause;
  return inner instanceof Error && inner.message !== '' ? inner.message : String(cause);
}
