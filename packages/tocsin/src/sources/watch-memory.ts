/**
 * What the watch over silent sources remembers over a restart, in the bucket of sources: which silences were told, and when nobody was
 * there to hear. Several watches may write: every write is compare-and-set on what was read.
 */
import type { StateBucket } from '@tocsin/bus';
import { isTocsinError, tenantKey } from '@tocsin/core';
import type { OpenSilence, Outage } from './silence-state.ts';
import { FACT_SHARDS } from './stored-facts.ts';

/** What a memory is opened with. */
export interface WatchMemoryOptions {
  readonly bucket: StateBucket;
  readonly nowMs: number;
  /** Pause between two signs of life, milliseconds: who is away for much longer was away. */
  readonly everyMs: number;
}

interface Life {
  readonly aliveMs: number;
  readonly outages: readonly Outage[];
}

const LIFE_KEY = 'silence.life';
/** Outages that are remembered, the newest. */
const MAX_OUTAGES = 200;
/** Signs of life that may be missed. */
const MISSED_SIGNS = 3;
const ATTEMPTS = 5;
/** Silences of one shard that are remembered, and their bytes as a value: below what a bucket takes. */
const MAX_OPEN = 3000;
const MAX_OPEN_BYTES = 480_000;

/** The memory of one watch. */
export class WatchMemory {
  readonly #bucket: StateBucket;
  readonly #everyMs: number;
  readonly #open = new Map<string, OpenSilence>();
  #outages: readonly Outage[] = [];

  private constructor({ bucket, everyMs }: WatchMemoryOptions) {
    this.#bucket = bucket;
    this.#everyMs = everyMs;
  }

  /** Reads what was remembered. @throws bus.* */
  static async open(options: WatchMemoryOptions): Promise<WatchMemory> {
    const memory = new WatchMemory(options);
    const shards = await Promise.all(Array.from({ length: FACT_SHARDS }, (_, shard) => memory.#read(shard)));
    for (const one of shards.flatMap(({ open }) => open)) memory.#remember(one);
    await memory.noteAlive(options.nowMs);
    return memory;
  }

  /** Times in which nobody listened, oldest first. */
  get outages(): readonly Outage[] {
    return this.#outages;
  }

  /** The silence that was told of a source. */
  openOf(key: string): OpenSilence | undefined {
    return this.#open.get(key);
  }

  /** Sources of which one was told. */
  openKeys(): Iterable<string> {
    return this.#open.keys();
  }

  /** Says that somebody listens; if nobody did for long, that is remembered as an outage. */
  async noteAlive(nowMs: number): Promise<void> {
    const entry = await this.#bucket.get(LIFE_KEY);
    const life = entry === undefined ? undefined : parse<Life>(entry.value);
    const gap = life !== undefined && nowMs - life.aliveMs > this.#everyMs * MISSED_SIGNS ? [{ fromMs: life.aliveMs, toMs: nowMs }] : [];
    const outages = [...(life?.outages ?? []), ...gap].slice(-MAX_OUTAGES);
    this.#outages = outages;
    try {
      await this.#bucket.put(LIFE_KEY, encode({ aliveMs: Math.max(nowMs, life?.aliveMs ?? 0), outages }), entry?.revision ?? 0);
    } catch (error) {
      // Another watch was first: somebody listens, which is all that is to be said.
      if (!isTocsinError(error, 'bus.fenced')) throw error;
    }
  }

  /** Changes what is remembered of a shard. @throws bus.* */
  async change(shard: number, edit: (open: Map<string, OpenSilence>) => void): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { open, revision } = await this.#read(shard);
      const edited = new Map(open.map((one) => [tenantKey(one.tenant, one.source), one]));
      const before = [...edited.keys()];
      edit(edited);
      try {
        await this.#bucket.put(keyOf(shard), encodeOpen([...edited.values()].slice(-MAX_OPEN)), revision);
      } catch (error) {
        if (!isTocsinError(error, 'bus.fenced') || attempt === ATTEMPTS) throw error;
        continue;
      }
      for (const key of before) if (!edited.has(key)) this.#open.delete(key);
      for (const one of edited.values()) this.#remember(one);
      return;
    }
  }

  #remember(one: OpenSilence): void {
    this.#open.set(tenantKey(one.tenant, one.source), one);
  }

  async #read(shard: number): Promise<{ open: readonly OpenSilence[]; revision: number }> {
    const entry = await this.#bucket.get(keyOf(shard));
    return { open: (entry && parse<OpenSilence[]>(entry.value)) ?? [], revision: entry?.revision ?? 0 };
  }
}

function keyOf(shard: number): string {
  return `silence.open.${shard}`;
}

function encode(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

/** The newest silences, as many as there is room for. */
function encodeOpen(open: readonly OpenSilence[]): Uint8Array {
  let bytes = 2;
  let from = open.length;
  while (from > 0 && bytes <= MAX_OPEN_BYTES) bytes += encode(open[--from]).length + 1;
  return encode(open.slice(bytes <= MAX_OPEN_BYTES ? from : from + 1));
}

/** A value of ours; undefined where it is none. */
function parse<T>(value: Uint8Array): T | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString()) as T;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
