/**
 * Early answers: which ids were taken in lately, so that a resend is answered `duplicate` at once, joining the original where it
 * is still on its way. Bounded and forgotten with the process: what decides is the dedup fold over the log, this only answers early.
 */
import { createKeyHash, type EventPosition, type Fingerprint, type HashKey } from '@tocsin/core';

/** A batch on its way to the log, or there. */
export interface PendingBatch {
  /** Whose ids its events have. */
  readonly tenant: string;
  readonly source: string;
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
   * bound the older half gives way. The id itself is not held: it may be a piece of its record, which would stay in memory with it.
   */
  claim(id: string, entry: EarlyEntry, content: number): EarlyAnswer;
  /** Forgets every event of a batch that was not stored after all. */
  forget(batch: PendingBatch): void;
  /** Claims remembered, those of forgotten batches included. */
  readonly size: number;
}

/** Differing contents remembered per id. */
const MAX_CONTENTS = 4;

/**
 * A table of at most `maxIds` claims, about 40 bytes each. Two generations: when the younger one holds half of them the older one goes. No
 * object per event: what a producer sends in an hour would otherwise be walked by every collection of garbage. Ids are told apart by 96
 * bits under `key`, which nobody outside may know: none can then be made that passes for another's, and be answered without being stored.
 */
export function createEarlyAnswers(maxIds: number, key: HashKey = [0, 0]): EarlyAnswers {
  const hash = createKeyHash(key);
  const generationIds = Math.max(1, Math.floor(maxIds / 2));
  let older: Generation | undefined;
  let younger = new Generation(Math.min(FIRST_CAPACITY, generationIds));
  return {
    get size() {
      return younger.size + (older?.size ?? 0);
    },
    claim(id, entry, content) {
      const { tenant, source } = entry.batch;
      hash.update({ tenant, source, id });
      const found = younger.find(hash, content);
      const before = older?.find(hash, content);
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
      younger.add(hash, content, entry);
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

/** Words per claim: three of fingerprint, its content, its place in its batch. */
const WORDS = 5;

/** Claims in columns, found by open addressing. */
class Generation {
  readonly capacity: number;
  #size = 0;
  readonly #slots: Int32Array;
  readonly #words: Uint32Array;
  readonly #batches: (PendingBatch | undefined)[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#slots = new Int32Array(capacity * 2).fill(-1);
    this.#words = new Uint32Array(capacity * WORDS);
  }

  get size(): number {
    return this.#size;
  }

  find({ a, b, c }: Fingerprint, content: number): Found {
    const slots = this.#slots;
    const words = this.#words;
    let others = 0;
    for (let slot = a % slots.length; slots[slot] !== -1; slot = slot + 1 === slots.length ? 0 : slot + 1) {
      const claim = slots[slot] as number;
      const at = claim * WORDS;
      if (words[at] !== a || words[at + 1] !== b || words[at + 2] !== c) continue;
      const batch = this.#batches[claim];
      if (batch === undefined) continue;
      if (words[at + 3] === content >>> 0) return { same: { batch, index: words[at + 4] as number }, others };
      others += 1;
    }
    return others === 0 ? NOTHING : { same: undefined, others };
  }

  /** There must be room. */
  add({ a, b, c }: Fingerprint, content: number, { batch, index }: EarlyEntry): void {
    const slots = this.#slots;
    let slot = a % slots.length;
    while (slots[slot] !== -1) slot = slot + 1 === slots.length ? 0 : slot + 1;
    slots[slot] = this.#size;
    const words = this.#words;
    const at = this.#size * WORDS;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = content;
    words[at + 4] = index;
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
    for (let claim = 0; claim < this.#size; claim++) {
      const batch = this.#batches[claim];
      const [a = 0, b = 0, c = 0, content = 0, index = 0] = this.#words.subarray(claim * WORDS, (claim + 1) * WORDS);
      if (batch !== undefined) larger.add({ a, b, c }, content, { batch, index });
    }
    return larger;
  }
}
