/**
 * Duplicates within frames: runs the dedup fold of `core` over the events of a partition in log order. Matcher and frame
 * catalogue each run it over the same log and so agree without talking; after a restart it is fed the window again.
 */
import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { createDedupFold, type DedupFold, type DedupVerdict, type FrameView, type HashKey, type Lane } from '@tocsin/core';
import { EVENT_LANES } from '../subjects.ts';

/** Window in time and in entries per lane and partition: longer than any producer's resend, small enough to hold. */
export const DEDUP_WINDOW_MS = 300_000;
const DEDUP_MAX_ENTRIES = 262_144;

/** Judges frames in log order. */
export class FrameDedup {
  readonly #folds = new Map<string, DedupFold>();
  readonly #key: HashKey;

  /** `key`: known to nobody outside; verdicts do not depend on it. */
  constructor(key: HashKey = randomKey()) {
    this.#key = key;
  }

  /** One verdict per event of the frame; an event whose id Tocsin made itself is always first. */
  judge(lane: Lane, frame: FrameView): DedupVerdict[] {
    const { partition, tenant, count } = frame.header;
    const fold = this.#foldOf(`${lane}.${partition}`);
    const verdicts: DedupVerdict[] = [];
    for (let i = 0; i < count; i++) {
      if (!frame.producerId(i)) verdicts.push('first');
      else {
        const event = {
          tenant,
          source: frame.source(i),
          id: frame.id(i),
          contentHash32: crc32(frame.record(i)),
          receivedMs: frame.receivedMs(i),
        };
        verdicts.push(fold.advance(event));
      }
    }
    return verdicts;
  }

  /** Forgets a partition: somebody else judges it from now on. */
  forget(partition: number): void {
    for (const lane of EVENT_LANES) this.#folds.delete(`${lane}.${partition}`);
  }

  #foldOf(key: string): DedupFold {
    let fold = this.#folds.get(key);
    if (!fold) {
      fold = createDedupFold({ windowMs: DEDUP_WINDOW_MS, maxEntries: DEDUP_MAX_ENTRIES, key: this.#key });
      this.#folds.set(key, fold);
    }
    return fold;
  }
}

/** 64 bits that nobody knows. */
export function randomKey(): HashKey {
  const bytes = randomBytes(8);
  return [bytes.readInt32LE(0), bytes.readInt32LE(4)];
}
