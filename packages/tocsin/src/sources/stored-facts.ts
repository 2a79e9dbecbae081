/**
 * What a process knows of its sources, as values of a bucket: a few shards per process, so that one write tells of many sources and a
 * source costs little. Written by `facts-keeper.ts`; who reads takes every process together. Nothing here waits for matching or storing.
 */
import { encodeToken, fnv1a, tenantKey } from '@tocsin/core';
import type { SourceFacts } from '@tocsin/ingest';

/** What is kept of a source. Times in milliseconds since 1970. */
export interface KeptSource {
  readonly tenant: string;
  readonly source: string;
  /** When something of it was taken last; 0: never. */
  readonly lastTakenMs: number;
  readonly lastHeardMs: number;
  /** Whole facts of the process's present life; absent where it was heard before only, or there are too many sources. */
  readonly facts?: SourceFacts | undefined;
}

/** One shard of one process. */
export interface FactsShard {
  /** When it was written. */
  readonly atMs: number;
  readonly sources: readonly KeptSource[];
}

/** Shards of a process. */
export const FACT_SHARDS = 16;
/** Sources of a shard whose facts are kept whole. */
const WHOLE_SOURCES = 600;
/** Largest value that is written: below what a bucket takes. */
const MAX_SHARD_BYTES = 480_000;

/** Shard that a source is kept in. */
export function shardOf({ tenant, source }: { readonly tenant: string; readonly source: string }): number {
  return fnv1a(tenantKey(tenant, source)) % FACT_SHARDS;
}

/** Key of a shard in the bucket. */
export function shardKey(member: string, shard: number): string {
  return `facts.${encodeToken(member)}.${shard}`;
}

/** Whether a key of the bucket is a shard's. */
export function isShardKey(key: string): boolean {
  return key.startsWith('facts.');
}

/** A shard as a value: where there is no room for all facts those of the sources heard last, with far too many sources the sources heard last. */
export function encodeShard({ atMs, sources }: FactsShard): Uint8Array {
  const newestFirst = [...sources].sort((a, b) => b.lastHeardMs - a.lastHeardMs);
  let wholes = newestFirst.length <= WHOLE_SOURCES ? newestFirst.length : 0;
  let count = newestFirst.length;
  for (;;) {
    const kept = newestFirst.slice(0, count).map(({ facts, ...times }, i) => (i < wholes && facts ? { ...times, facts } : times));
    const value = Buffer.from(JSON.stringify({ atMs, sources: kept }));
    if (value.length <= MAX_SHARD_BYTES || count === 0) return value;
    // Facts first: when a source was heard is what its silence is told by, of the quietest most of all.
    if (wholes > 0) wholes = Math.floor(wholes / 2);
    else count = Math.floor(count / 2);
  }
}

/** A shard read back; undefined where the value is none: of another version, or written by hand. */
export function parseShard(value: Uint8Array): FactsShard | undefined {
  try {
    const shard = JSON.parse(Buffer.from(value).toString()) as FactsShard;
    return typeof shard.atMs === 'number' && Array.isArray(shard.sources) ? shard : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
