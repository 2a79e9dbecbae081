/** A state bucket on a stream that keeps the last message of each subject: compare-and-set is the expected sequence of the subject. */
import { randomBytes } from 'node:crypto';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { StateBucket, StateEntry } from '../event-bus.ts';
import { checkKey, checkStateValue } from '../message-check.ts';
import { bucketStream, bucketSubject } from './bucket-names.ts';
import { storeMessage } from './commit.ts';
import { getMessage, type KeptMessage } from './kept-message.ts';
import { orderedFeed } from './ordered-feed.ts';
import type { LogAccess } from './read-log.ts';
import type { KnownStream } from './stream-catalogue.ts';

/** What a bucket's handle needs of its bus. */
export interface BucketAccess {
  readonly name: string;
  readonly timeoutMs: number;
  /** Runs something of an open bus. */
  call<T>(what: string, work: () => Promise<T>): Promise<T>;
  requireOpen(what: string): void;
  scopeWith(signal: AbortSignal | undefined): AbortSignal;
}

const EMPTY = new Uint8Array(0);
/** How long the mark of a deletion stays for watchers, where values live for ever. */
const MARK_TTL = '3600s';

/** A handle; nothing is asked of the server before it is used. */
export function openBucket(access: LogAccess, bucket: BucketAccess): StateBucket {
  const bucketHandle = new Handle(access, bucket);
  const { call } = bucket;
  return {
    get: (key) => call('A value', async () => await bucketHandle.get(checkKey(key))),
    put: (key, value, expected) =>
      call('A put', async () => {
        checkStateValue(bucket.name, checkKey(key), value);
        return await bucketHandle.change(key, value, { expected });
      }),
    delete: (key, expected) => call('A delete', async () => await bucketHandle.remove(checkKey(key), expected)),
    keys: () => call('A list of keys', async () => await bucketHandle.keys()),
    async *watch({ signal } = {}) {
      bucket.requireOpen('A watch');
      yield* bucketHandle.watch(bucket.scopeWith(signal));
    },
  };
}

class Handle {
  readonly #access: LogAccess;
  readonly #bucket: BucketAccess;
  #stream: KnownStream | undefined;

  constructor(access: LogAccess, bucket: BucketAccess) {
    this.#access = access;
    this.#bucket = bucket;
  }

  async get(key: string): Promise<StateEntry | undefined> {
    const message = await this.#last(key);
    return message === undefined || isMark(message.headers) ? undefined : { key, value: message.body, revision: message.sequence };
  }

  async change(key: string, value: Uint8Array, { expected, deletes = false }: { expected: number; deletes?: boolean }): Promise<number> {
    const stream = await this.#known();
    const id = randomBytes(12).toString('hex');
    const mark = { 'KV-Operation': 'DEL', ...(stream.config.max_age === 0 ? { 'Nats-TTL': MARK_TTL } : {}) };
    const message = { subject: this.#subject(key), id, body: value, headers: deletes ? mark : undefined };
    const context = { ...this.#access, timeoutMs: this.#bucket.timeoutMs };
    try {
      return await storeMessage(context, { ...message, expectSequence: expected });
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced')) throw error;
      const last = expected === 0 ? await this.#last(key) : undefined;
      if (last === undefined || !isMark(last.headers)) throw this.#fenced(key, error);
      // Absent, but its deletion has left a mark: that is what the subject stands at.
      return await storeMessage(context, { ...message, expectSequence: last.sequence }).catch((cause: unknown) => {
        throw isTocsinError(cause, 'bus.fenced') ? this.#fenced(key, cause) : cause;
      });
    }
  }

  async remove(key: string, expected: number): Promise<void> {
    if (expected > 0) return void (await this.change(key, EMPTY, { expected, deletes: true }));
    if ((await this.get(key)) !== undefined) throw this.#fenced(key);
  }

  async keys(): Promise<string[]> {
    const keys: string[] = [];
    const options = {
      stream: await this.#known(),
      filter: `${bucketSubject(this.#bucket.name)}.>`,
      follow: false,
      headersOnly: true,
      scope: this.#bucket.scopeWith(undefined),
    };
    for await (const { message } of orderedFeed(this.#access, {
      ...options,
      start: { kind: 'last_per_subject' },
    })) {
      if (!isMark(message.headers)) keys.push(this.#keyOf(message));
    }
    return keys.sort();
  }

  async *watch(scope: AbortSignal): AsyncGenerator<StateEntry & { readonly deleted: boolean }, void, undefined> {
    const present = new Set<string>();
    const options = { stream: await this.#known(), filter: `${bucketSubject(this.#bucket.name)}.>`, follow: true, scope };
    for await (const { message, facts } of orderedFeed(this.#access, {
      ...options,
      start: { kind: 'last_per_subject' },
    })) {
      const key = this.#keyOf(message);
      const deleted = isMark(message.headers);
      // A deletion's mark may end and be marked in turn: it is told once.
      if (deleted && !present.delete(key)) continue;
      if (!deleted) present.add(key);
      yield { key, value: deleted ? EMPTY : message.data, revision: facts.streamSequence, deleted };
    }
  }

  async #known(): Promise<KnownStream> {
    this.#stream ??= await this.#access.catalogue.fresh(bucketStream(this.#bucket.name));
    return this.#stream;
  }

  async #last(key: string): Promise<KeptMessage | undefined> {
    return await getMessage(this.#access.link, await this.#known(), { last_by_subj: this.#subject(key) });
  }

  #subject(key: string): string {
    return `${bucketSubject(this.#bucket.name)}.${key}`;
  }

  #keyOf(message: Msg): string {
    return message.subject.slice(bucketSubject(this.#bucket.name).length + 1);
  }

  #fenced(key: string, cause?: unknown): TocsinError {
    return new TocsinError('bus.fenced', { subject: `${this.#bucket.name}/${key}` }, { cause });
  }
}

/** Whether a message says that its key has no value: deleted by somebody, or by the end of its life (ADR-43). */
function isMark(lines: MsgHdrs | undefined): boolean {
  return lines !== undefined && (lines.has('KV-Operation') || lines.has('Nats-Marker-Reason'));
}
