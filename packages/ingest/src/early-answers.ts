/**
 * Early answers: which ids were taken in lately, so that a resend is answered `duplicate` at once, joining the original where it
 * is still on its way. Bounded and forgotten with the process: what decides is the dedup fold over the log, this only answers early.
 */
import type { EventPosition } from '@tocsin/core';

/** A batch on its way to the log, or there. */
export interface PendingBatch {
  /** Resolves with one position per record; rejects with the bus error. */
  readonly stored: Promise<readonly EventPosition[]>;
}

/** Where the first record with an id and content is to be found. */
export interface EarlyEntry {
  readonly content: number;
  readonly batch: PendingBatch;
  /** Index within the batch. */
  readonly index: number;
}

/** What is known of an id: nothing, the same record, or others only. */
export type EarlyAnswer = { readonly kind: 'new' | 'conflict' } | { readonly kind: 'duplicate'; readonly entry: EarlyEntry };

/** A bounded table of (tenant, source, id). */
export interface EarlyAnswers {
  find(key: string, content: number): EarlyAnswer;
  /** Remembers a record; the oldest id gives way at the bound. */
  add(key: string, entry: EarlyEntry): void;
  /** Forgets a record that was not stored after all. */
  remove(key: string, entry: EarlyEntry): void;
  readonly size: number;
}

/** Differing contents remembered per id. */
const MAX_CONTENTS = 4;

/** A table of at most `maxIds` ids, about 200 bytes each. */
export function createEarlyAnswers(maxIds: number): EarlyAnswers {
  const entries = new Map<string, EarlyEntry[]>();
  return {
    get size() {
      return entries.size;
    },
    find(key, content) {
      const known = entries.get(key);
      if (known === undefined) return { kind: 'new' };
      const same = known.find((entry) => entry.content === content);
      return same === undefined ? { kind: 'conflict' } : { kind: 'duplicate', entry: same };
    },
    add(key, entry) {
      const known = entries.get(key);
      if (known !== undefined) {
        if (known.length < MAX_CONTENTS) known.push(entry);
        return;
      }
      if (entries.size >= maxIds) entries.delete(entries.keys().next().value as string);
      entries.set(key, [entry]);
    },
    remove(key, entry) {
      const left = entries.get(key)?.filter((other) => other !== entry);
      if (left === undefined) return;
      if (left.length === 0) entries.delete(key);
      else entries.set(key, left);
    },
  };
}

/** Key of an id: no two (tenant, source, id) share one. */
export function earlyKeyOf(tenant: string, source: string): string {
  return `${tenant.length}:${tenant}${source.length}:${source}`;
}
