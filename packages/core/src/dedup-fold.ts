/**
 * The dedup fold: which events of a partition, in log order, are the first of their id. Matcher and store run it over
 * the same log and so agree without talking. Dedup is by (tenant, source, id), never by content, which would hide brute force:
 * the same id with other content is a conflict, which is kept. Rebuilt by feeding the window again.
 */

import { DedupTable, MAX_SPAN_MS, SEEN } from './dedup-table.ts';
import { createKeyHash, type HashKey } from './key-hash.ts';

/** What the fold says of an event: the first of its id, the same again, or the same id with other content. */
export type DedupVerdict = 'first' | 'duplicate' | 'conflict';

/** How much the fold remembers. Whatever is reached first makes the oldest entries go. */
export interface DedupOptions {
  /** How long an id is remembered, in milliseconds of receive time as the log tells it; at most 24 days. */
  readonly windowMs: number;
  /** Most entries, at 26 bytes each. */
  readonly maxEntries: number;
  /** 64 bits that no sender knows: none can then make an id that passes for another's. Changes no verdict but by accident, one in 2^90. */
  readonly key?: HashKey | undefined;
}

/** One event as the fold needs it. */
export interface DedupEvent {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
  /** CRC-32 (IEEE) of the record's bytes. */
  readonly contentHash32: number;
  /** Receive time, milliseconds since 1970. */
  readonly receivedMs: number;
}

/** A fold over one partition. */
export interface DedupFold {
  /** Judges the next event in log order, and remembers it. */
  advance(event: DedupEvent): DedupVerdict;
  /** Entries remembered. */
  readonly size: number;
  /** Bytes allocated: grows with the entries up to 26 × `maxEntries`. */
  readonly bytes: number;
}

/** Differing contents remembered per id: one more is still a conflict, but is not remembered, so that a producer with one id for all cannot make chains. */
export const MAX_CONTENTS_PER_ID = 4;

const FIRST_CAPACITY = 256;

/** An empty fold. @throws RangeError for a longer window */
export function createDedupFold(options: DedupOptions): DedupFold {
  if (options.windowMs > MAX_SPAN_MS) throw new RangeError(`a window of ${options.windowMs} ms is longer than ${MAX_SPAN_MS}`);
  let table = new DedupTable(Math.min(FIRST_CAPACITY, options.maxEntries));
  let newestMs = Number.NEGATIVE_INFINITY;
  const key = createKeyHash(options.key ?? [0, 0]);

  return {
    advance(event) {
      newestMs = Math.max(newestMs, event.receivedMs);
      table.evictBefore(newestMs - options.windowMs);
      key.update(event);
      const seen = table.find(key, event.contentHash32);
      if (seen === SEEN) return 'duplicate';
      if (seen < MAX_CONTENTS_PER_ID) {
        if (table.size === table.capacity) {
          if (table.capacity < options.maxEntries) table = table.grown(Math.min(table.capacity * 2, options.maxEntries));
          else table.evictOldest();
        }
        // By the newest time there was: after the clock was set back, what comes would be older than the window, and forgotten at once.
        table.add(key, event.contentHash32, newestMs);
      }
      return seen === 0 ? 'first' : 'conflict';
    },
    get size() {
      return table.size;
    },
    get bytes() {
      return table.bytes;
    },
  };
}
