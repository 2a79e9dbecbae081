/**
 * Early answers: which ids were taken in lately, so that a resend is answered `duplicate` at once, joining the original where it
 * is still on its way. Bounded and forgotten with the process: what decides is the dedup fold over the log, this only answers early.
 */
import type { EventPosition } from '@tocsin/core';

/** A batch on its way to the log, or there. */
export interface PendingBatch {
  /** Key of its tenant and source (`earlyKeyOf`). */
  readonly owner: string;
  /** Id of each of its events, by index: filled by whoever claims them, before the claim. */
  readonly ids: readonly string[];
  /** Resolves with one position per event; rejects with the bus error. */
  readonly stored: Promise<readonly EventPosition[]>;
}

/** An event of a batch. */
export interface EarlyEntry {
  readonly batch: PendingBatch;
  /** Index within the batch. */
  readonly index: number;
}

/** What is known of an id: nothing, the same record, or others only. */
export type EarlyAnswer = { readonly kind: 'new' | 'conflict' } | { readonly kind: 'duplicate'; readonly entry: EarlyEntry };

/** A bounded table of (tenant, source, id). */
export interface EarlyAnswers {
  /**
   * What is known of an event's id, and from now on this event with this content (CRC-32 of its record), unless it is a duplicate; at the
   * bound the older half gives way.
   */
  claim(entry: EarlyEntry, content: number): EarlyAnswer;
  /** Forgets every event of a batch that was not stored after all. */
  forget(batch: PendingBatch): void;
  /** Claims remembered, those of forgotten batches included. */
  readonly size: number;
}

/** Differing contents remembered per id. */
const MAX_CONTENTS = 4;

/**
 * A table of at most `maxIds` claims, about 30 bytes each beside the ids themselves. Two generations: when the younger one holds half of
 * them the older one goes. No object per event: what a producer sends in an hour would otherwise be walked by every collection of garbage.
 * `seed` makes the slots of ids unpredictable from outside.
 */
export function createEarlyAnswers(maxIds: number, seed = 0): EarlyAnswers {
  const generationIds = Math.max(1, Math.floor(maxIds / 2));
  let older: Generation | undefined;
  let younger = new Generation(Math.min(FIRST_CAPACITY, generationIds));
  return {
    get size() {
      return younger.size + (older?.size ?? 0);
    },
    claim(entry, content) {
      const hash = hashOf(entry.batch.owner, entry.batch.ids[entry.index] as string, seed);
      const found = younger.find(entry, hash, content);
      const before = older?.find(entry, hash, content);
      const same = found.same ?? before?.same;
      if (same !== undefined) return { kind: 'duplicate', entry: same };
      const others = found.others + (before?.others ?? 0);
      if (others >= MAX_CONTENTS) return CONFLICT;
      if (younger.size === younger.capacity) {
        if (younger.capacity < generationIds) younger = younger.grown(Math.min(younger.capacity * 2, generationIds));
        else {
          older = younger;
          younger = new Generation(generationIds);
        }
      }
      younger.add(entry, hash, content);
      return others === 0 ? NEW : CONFLICT;
    },
    forget(batch) {
      younger.forget(batch);
      older?.forget(batch);
    },
  };
}

const FIRST_CAPACITY = 1024;
const NEW: EarlyAnswer = Object.freeze({ kind: 'new' });
const CONFLICT: EarlyAnswer = Object.freeze({ kind: 'conflict' });

interface Found {
  readonly same: EarlyEntry | undefined;
  /** Other contents of the same id. */
  readonly others: number;
}

const NOTHING: Found = Object.freeze({ same: undefined, others: 0 });

/** Claims in columns, found by open addressing. */
class Generation {
  readonly capacity: number;
  #size = 0;
  readonly #slots: Int32Array;
  readonly #hashes: Uint32Array;
  readonly #contents: Uint32Array;
  readonly #indexes: Uint32Array;
  readonly #batches: (PendingBatch | undefined)[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#slots = new Int32Array(capacity * 2).fill(-1);
    this.#hashes = new Uint32Array(capacity);
    this.#contents = new Uint32Array(capacity);
    this.#indexes = new Uint32Array(capacity);
  }

  get size(): number {
    return this.#size;
  }

  find({ batch, index }: EarlyEntry, hash: number, content: number): Found {
    const slots = this.#slots;
    let others = 0;
    for (let slot = hash % slots.length; slots[slot] !== -1; slot = slot + 1 === slots.length ? 0 : slot + 1) {
      const at = slots[slot] as number;
      if (this.#hashes[at] !== hash) continue;
      const known = this.#batches[at];
      const place = this.#indexes[at] as number;
      if (known === undefined || known.owner !== batch.owner || known.ids[place] !== batch.ids[index]) continue;
      if (this.#contents[at] === content >>> 0) return { same: { batch: known, index: place }, others };
      others += 1;
    }
    return others === 0 ? NOTHING : { same: undefined, others };
  }

  /** There must be room. */
  add({ batch, index }: EarlyEntry, hash: number, content: number): void {
    const slots = this.#slots;
    let slot = hash % slots.length;
    while (slots[slot] !== -1) slot = slot + 1 === slots.length ? 0 : slot + 1;
    slots[slot] = this.#size;
    this.#hashes[this.#size] = hash;
    this.#contents[this.#size] = content;
    this.#indexes[this.#size] = index;
    this.#batches.push(batch);
    this.#size += 1;
  }

  forget(batch: PendingBatch): void {
    // From the end: what fails is mostly what came last.
    for (let at = this.#size - 1; at >= 0; at--) if (this.#batches[at] === batch) this.#batches[at] = undefined;
  }

  /** The same claims with more room. */
  grown(capacity: number): Generation {
    const larger = new Generation(capacity);
    for (let at = 0; at < this.#size; at++) {
      const batch = this.#batches[at];
      if (batch !== undefined)
        larger.add({ batch, index: this.#indexes[at] as number }, this.#hashes[at] as number, this.#contents[at] as number);
    }
    return larger;
  }
}

/** 32 bits over owner and id; equality is decided by the texts themselves. */
function hashOf(owner: string, id: string, seed: number): number {
  let hash = Math.imul(seed ^ owner.length, 0x9e3779b1);
  for (let i = 0; i < owner.length; i++) hash = Math.imul(hash ^ owner.charCodeAt(i), 0x85ebca77) ^ (hash >>> 15);
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 0x85ebca77) ^ (hash >>> 15);
  // Finaliser of MurmurHash3 (public domain, A. Appleby).
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Key of an owner of ids: no two (tenant, source) share one. */
export function earlyKeyOf(tenant: string, source: string): string {
  return `${tenant.length}:${tenant}${source.length}:${source}`;
}
