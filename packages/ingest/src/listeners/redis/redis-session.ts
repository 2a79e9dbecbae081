/**
 * One pair of connections to Redis, from opening to closing: first what this member was handed before and did not acknowledge, then new
 * entries, and now and then those of members that died. Entries go to a pump and are acknowledged when it has settled them.
 */
import type { ConnectionOptions } from 'node:tls';
import { Redis, type RedisOptions } from 'ioredis';
import { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import { atMost, pause } from '../pull/pull-loop.ts';
import { RecordPump } from '../record-pump.ts';
import { entriesOfRead, lagOf, readClaim, recordOfEntry, type StreamEntry } from './redis-reply.ts';
import type { RedisSettings } from './redis-settings.ts';

/** What a session needs. */
export interface RedisSessionOptions {
  readonly settings: RedisSettings;
  readonly context: ListenerContext;
  readonly tls: ConnectionOptions | undefined;
  /** Name of this member, the same over restarts: it finds what it was handed before. */
  readonly consumer: string;
  readonly signal: AbortSignal;
}

/** Entries per read; small, as one entry may have many megabytes. */
const READ_COUNT = 500;
const BLOCK_MS = 1_000;
const LAG_EVERY_MS = 5_000;
const CONNECT_WITHIN_MS = 5_000;
const COMMAND_WITHIN_MS = 15_000;
const CLOSE_WITHIN_MS = 2_000;

/** Reads until the signal aborts; rejects where the server or the source fails. */
export async function readRedis(options: RedisSessionOptions): Promise<void> {
  const { settings, context, signal } = options;
  context.boundSource(settings.source);
  const reader = new Redis(connectionOptions(options));
  const writer = new Redis(connectionOptions(options));
  // The client tells here why a command fails, and rejects the command with less.
  let told: Error | undefined;
  for (const client of [reader, writer]) client.on('error', (error: Error) => void (told ??= error));
  const session = new RedisSession(options, reader, writer);
  const abort = (): void => reader.disconnect();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.all([reader.connect(), writer.connect()]);
    await session.run();
  } catch (error) {
    if (!signal.aborted) throw told ?? error;
  } finally {
    signal.removeEventListener('abort', abort);
    context.counts.connections = 0;
    await session[Symbol.asyncDispose]();
    reader.disconnect();
    writer.disconnect();
  }
}

function connectionOptions({ settings, tls }: RedisSessionOptions): RedisOptions & { replyMapping: 'legacy' } {
  const { host, port, database: db, username, password } = settings;
  return {
    host,
    port,
    db,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
    ...(tls && { tls: { ...tls, servername: tls.servername ?? host } }),
    lazyConnect: true,
    protocol: 2,
    replyMapping: 'legacy',
    connectTimeout: CONNECT_WITHIN_MS,
    commandTimeout: COMMAND_WITHIN_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // Connecting again is the next session's.
    retryStrategy: () => null,
  };
}

class RedisSession implements AsyncDisposable {
  readonly #options: RedisSessionOptions;
  readonly #reader: Redis;
  readonly #writer: Redis;
  readonly #pump: RecordPump;
  readonly #failed = Promise.withResolvers<never>();
  readonly #acks = new Set<Promise<unknown>>();
  /** Entries on their way, so that a claim does not take them again. */
  readonly #underWay = new Set<string>();
  #room: PromiseWithResolvers<void> | undefined;

  constructor(options: RedisSessionOptions, reader: Redis, writer: Redis) {
    const { context, settings } = options;
    this.#options = options;
    this.#reader = reader;
    this.#writer = writer;
    this.#pump = new RecordPump({
      context,
      source: () => context.boundSource(settings.source),
      maxBytes: settings.maxInFlightBytes,
      gauge: new ByteGauge(settings.maxInFlightBytes),
      onRoom: () => this.#room?.resolve(),
      onRefused: (error) => this.#failed.reject(error),
    });
    // It may fail before anybody waits for it.
    void Promise.allSettled([this.#failed.promise]);
  }

  /** Resolves when the signal aborts. */
  async run(): Promise<void> {
    await Promise.race([this.#read(), this.#failed.promise]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pump[Symbol.asyncDispose]();
    await atMost(Promise.allSettled(this.#acks), CLOSE_WITHIN_MS);
  }

  async #read(): Promise<void> {
    const { settings, context, signal } = this.#options;
    const { clock } = context;
    for (const key of settings.streams) await this.#makeGroup(key);
    context.counts.connections = 2;
    for (const key of settings.streams) await this.#readPending(key);
    let claimAtMs = clock.monotonicMs();
    let lagAtMs = claimAtMs;
    while (!signal.aborted) {
      await this.#untilRoom();
      await this.#readNew();
      const nowMs = clock.monotonicMs();
      if (nowMs >= lagAtMs) {
        await this.#askLag();
        lagAtMs = nowMs + LAG_EVERY_MS;
      }
      if (nowMs < claimAtMs) continue;
      for (const key of settings.streams) await this.#claim(key);
      claimAtMs = nowMs + settings.claimAfter / 2;
    }
  }

  async #makeGroup(key: string): Promise<void> {
    const { group, from } = this.#options.settings;
    try {
      await this.#writer.call('XGROUP', 'CREATE', key, group, from === 'earliest' ? '0' : '$', 'MKSTREAM');
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('BUSYGROUP'))) throw error; // it is there already
    }
  }

  /** What this member was handed in an earlier session. */
  async #readPending(key: string): Promise<void> {
    const { settings, consumer, signal } = this.#options;
    let after = '0';
    while (!signal.aborted) {
      await this.#untilRoom();
      const args = ['GROUP', settings.group, consumer, 'COUNT', READ_COUNT, 'STREAMS', key, after];
      const entries = entriesOfRead(await this.#reader.callBuffer('XREADGROUP', ...args));
      const last = entries.at(-1);
      if (last === undefined) return;
      this.#take(entries);
      after = last.id;
    }
  }

  async #readNew(): Promise<void> {
    const { settings, consumer } = this.#options;
    const { group, streams } = settings;
    const args = ['GROUP', group, consumer, 'COUNT', READ_COUNT, 'BLOCK', BLOCK_MS, 'STREAMS', ...streams, ...streams.map(() => '>')];
    this.#take(entriesOfRead(await this.#reader.callBuffer('XREADGROUP', ...args)));
  }

  async #claim(key: string): Promise<void> {
    const { settings, consumer, signal } = this.#options;
    let cursor = '0-0';
    do {
      await this.#untilRoom();
      const args = [key, settings.group, consumer, settings.claimAfter, cursor, 'COUNT', READ_COUNT];
      const claimed = readClaim(key, await this.#reader.callBuffer('XAUTOCLAIM', ...args));
      if (claimed.deleted > 0) this.#countGone(claimed.deleted);
      this.#take(claimed.entries);
      cursor = claimed.cursor;
    } while (cursor !== '0-0' && !signal.aborted);
  }

  async #askLag(): Promise<void> {
    const { settings, context } = this.#options;
    let waiting: number | undefined = 0;
    for (const key of settings.streams) {
      const lag = lagOf(settings.group, await this.#reader.callBuffer('XINFO', 'GROUPS', key));
      waiting = lag === undefined || waiting === undefined ? undefined : waiting + lag;
    }
    context.counts.waiting = waiting;
  }

  #take(entries: readonly StreamEntry[]): void {
    const { settings, context } = this.#options;
    const limits = { field: settings.field, listener: context.name, maxBytes: settings.maxRecordBytes };
    const fresh = entries.filter((entry) => !this.#underWay.has(nameOf(entry)));
    if (fresh.length === 0) return;
    for (const entry of fresh) {
      this.#underWay.add(nameOf(entry));
      if (entry.fields === undefined) this.#countGone(1);
      else {
        const record = recordOfEntry(entry, limits);
        context.counts.bytes += record.bytes.length;
        this.#pump.push(record);
      }
    }
    this.#pump.whenSettled(() => this.#acknowledge(fresh));
  }

  #countGone(count: number): void {
    const { counts } = this.#options.context;
    counts.records += count;
    counts.reject('listener.record_gone', count);
  }

  #acknowledge(entries: readonly StreamEntry[]): void {
    const { group } = this.#options.settings;
    for (const [key, some] of Map.groupBy(entries, (entry) => entry.key)) {
      const ack = this.#writer.call('XACK', key, group, ...some.map(({ id }) => id)).then(
        () => some.forEach((entry) => void this.#underWay.delete(nameOf(entry))),
        (error: unknown) => this.#failed.reject(error),
      );
      this.#acks.add(ack);
      void ack.then(() => this.#acks.delete(ack));
    }
  }

  /** Resolves when there is room for another read, or the session is to end. */
  async #untilRoom(): Promise<void> {
    const { signal } = this.#options;
    while (this.#pump.mustWait() && !signal.aborted) {
      this.#room = Promise.withResolvers();
      const ended = new AbortController();
      await Promise.race([this.#room.promise, pause(BLOCK_MS, AbortSignal.any([signal, ended.signal]))]);
      ended.abort();
    }
  }
}

function nameOf({ key, id }: StreamEntry): string {
  return `${key} ${id}`;
}
