/**
 * Keeps what this process knows of its sources where others find it and where it outlives the process: written from time to time, only
 * what has changed. Ingest's own facts, told by the intake itself: they go on being true while matching, correlation or storing stand still.
 */
import type { StateBucket } from '@tocsin/bus';
import { type Clock, isTocsinError, tenantKey } from '@tocsin/core';
import type { SourceActivity, SourceFacts } from '@tocsin/ingest';
import { encodeShard, FACT_SHARDS, type FactsShard, isShardKey, type KeptSource, parseShard, shardKey, shardOf } from './stored-facts.ts';

/** What a keeper is made of. */
export interface FactsKeeperOptions {
  readonly bucket: StateBucket;
  /** Stays the same over restarts of the process. */
  readonly member: string;
  readonly activity: Pick<SourceActivity, 'facts'>;
  readonly clock: Clock;
  /** Pause between two writings, milliseconds. */
  readonly everyMs: number;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** What all processes know of a source. */
export interface KnownSource {
  readonly tenant: string;
  readonly source: string;
  readonly lastTakenMs: number;
  readonly lastHeardMs: number;
  /** What processes that run count, each. */
  readonly facts: readonly SourceFacts[];
}

/** What another process wrote is its present rate for this many of its pauses. */
const FRESH_PAUSES = 4;

/** The keeper of one process. Disposing writes once more. */
export class FactsKeeper implements AsyncDisposable {
  readonly #options: FactsKeeperOptions;
  readonly #kept = new Map<string, KeptSource>();
  readonly #dirty = new Set<number>();
  readonly #revisions = new Map<number, number>();
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(options: FactsKeeperOptions) {
    this.#options = options;
  }

  /** Reads what the process knew before, then begins to write. @throws bus.* */
  static async open(options: FactsKeeperOptions): Promise<FactsKeeper> {
    const keeper = new FactsKeeper(options);
    await keeper.#recall();
    keeper.#schedule();
    return keeper;
  }

  /** Writes what has changed, now. Never rejects: what could not be written is written next time. */
  flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  /** What all processes know of sources, of one tenant or of all; of this one as it is now. @throws bus.* */
  async known(tenant?: string): Promise<Map<string, KnownSource>> {
    const { bucket, clock, everyMs, member } = this.#options;
    const found = new Map<string, KnownSource>();
    const own = shardKey(member, 0).slice(0, -1);
    for (const [key, shard] of await readShards(bucket)) {
      const isFresh = clock.nowMs() - shard.atMs < everyMs * FRESH_PAUSES;
      for (const one of key.startsWith(own) ? [] : shard.sources) addTo(found, isFresh ? one : atRest(one));
    }
    this.#take();
    for (const one of this.#kept.values()) addTo(found, one);
    if (tenant !== undefined) for (const [key, one] of found) if (one.tenant !== tenant) found.delete(key);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.flush();
  }

  async #recall(): Promise<void> {
    const { bucket, member } = this.#options;
    const entries = await Promise.all(Array.from({ length: FACT_SHARDS }, (_, shard) => bucket.get(shardKey(member, shard))));
    for (const [shard, entry] of entries.entries()) {
      this.#revisions.set(shard, entry?.revision ?? 0);
      for (const { facts: _, ...times } of (entry && parseShard(entry.value))?.sources ?? []) {
        this.#kept.set(tenantKey(times.tenant, times.source), times);
      }
    }
  }

  /** Takes over what the intake has told since. */
  #take(): void {
    for (const facts of this.#options.activity.facts()) {
      const { tenant, source, lastHeardMs } = facts;
      const key = tenantKey(tenant, source);
      const before = this.#kept.get(key);
      if (before?.facts !== undefined && before.facts.lastHeardMs === lastHeardMs && before.facts.eventsPerSecond === facts.eventsPerSecond)
        continue;
      this.#kept.set(key, { tenant, source, lastTakenMs: facts.lastTakenMs ?? before?.lastTakenMs ?? 0, lastHeardMs, facts });
      this.#dirty.add(shardOf(facts));
    }
  }

  async #write(): Promise<void> {
    this.#take();
    const { clock, onTrouble } = this.#options;
    for (const shard of this.#dirty) {
      this.#dirty.delete(shard);
      const sources = [...this.#kept.values()].filter((one) => shardOf(one) === shard);
      try {
        await this.#put(shard, encodeShard({ atMs: clock.nowMs(), sources }));
      } catch (error) {
        this.#dirty.add(shard);
        onTrouble(error, 'keeping when sources were heard last; it is tried again');
        return;
      }
    }
  }

  async #put(shard: number, value: Uint8Array): Promise<void> {
    const { bucket, member } = this.#options;
    const key = shardKey(member, shard);
    try {
      this.#revisions.set(shard, await bucket.put(key, value, this.#revisions.get(shard) ?? 0));
    } catch (error) {
      if (!isTocsinError(error, 'bus.fenced')) throw error;
      // A write whose answer was lost: nobody else writes under this name.
      const revision = (await bucket.get(key))?.revision ?? 0;
      this.#revisions.set(shard, await bucket.put(key, value, revision));
    }
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.flush().then(() => this.#schedule()), this.#options.everyMs);
    this.#timer.unref();
  }
}

/** What a process wrote that has not written since: it has ended, or nothing comes. */
function atRest(one: KeptSource): KeptSource {
  return one.facts === undefined ? one : { ...one, facts: { ...one.facts, eventsPerSecond: 0, bytesPerSecond: 0 } };
}

async function readShards(bucket: StateBucket): Promise<[key: string, shard: FactsShard][]> {
  const keys = (await bucket.keys()).filter(isShardKey);
  const read = await Promise.all(
    keys.map(async (key): Promise<[string, FactsShard] | undefined> => {
      const entry = await bucket.get(key);
      const shard = entry && parseShard(entry.value);
      return shard && [key, shard];
    }),
  );
  return read.filter((one) => one !== undefined);
}

function addTo(found: Map<string, KnownSource>, { tenant, source, lastTakenMs, lastHeardMs, facts }: KeptSource): void {
  const key = tenantKey(tenant, source);
  const before = found.get(key);
  found.set(key, {
    tenant,
    source,
    lastTakenMs: Math.max(before?.lastTakenMs ?? 0, lastTakenMs),
    lastHeardMs: Math.max(before?.lastHeardMs ?? 0, lastHeardMs),
    facts: [...(before?.facts ?? []), ...(facts === undefined ? [] : [facts])],
  });
}
