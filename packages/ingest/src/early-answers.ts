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
  /** What is known of an id, and from now on this record, unless it is a duplicate; at the bound the older half gives way. */
  claim(key: string, entry: EarlyEntry): EarlyAnswer;
  /** Forgets a record that was not stored after all. */
  remove(key: string, entry: EarlyEntry): void;
  readonly size: number;
}

/** Differing contents remembered per id. */
const MAX_CONTENTS = 4;

/**
 * A table of at most `maxIds` ids, about 200 bytes each. Two generations: when the younger one holds half of them the older one goes,
 * because taking the oldest out of one large Map walks over all that were taken before.
 */
export function createEarlyAnswers(maxIds: number): EarlyAnswers {
  const generationIds = Math.max(1, Math.floor(maxIds / 2));
  let older = new Map<string, EarlyEntry[]>();
  let younger = new Map<string, EarlyEntry[]>();
  const entriesOf = (key: string): EarlyEntry[] | undefined => younger.get(key) ?? older.get(key);
  return {
    get size() {
      return older.size + younger.size;
    },
    claim(key, entry) {
      const known = entriesOf(key);
      if (known !== undefined) return claimKnown(known, entry);
      if (younger.size >= generationIds) {
        older = younger;
        younger = new Map();
      }
      younger.set(key, [entry]);
      return NEW;
    },
    remove(key, entry) {
      const known = entriesOf(key);
      const at = known?.indexOf(entry) ?? -1;
      if (known === undefined || at === -1) return;
      known.splice(at, 1);
      if (known.length > 0) return;
      younger.delete(key);
      older.delete(key);
    },
  };
}

const NEW: EarlyAnswer = Object.freeze({ kind: 'new' });
const CONFLICT: EarlyAnswer = Object.freeze({ kind: 'conflict' });

function claimKnown(known: EarlyEntry[], entry: EarlyEntry): EarlyAnswer {
  const same = known.find(({ content }) => content === entry.content);
  if (same !== undefined) return { kind: 'duplicate', entry: same };
  if (known.length < MAX_CONTENTS) known.push(entry);
  return CONFLICT;
}

/** Key of an id: no two (tenant, source, id) share one. */
export function earlyKeyOf(tenant: string, source: string): string {
  return `${tenant.length}:${tenant}${source.length}:${source}`;
}
