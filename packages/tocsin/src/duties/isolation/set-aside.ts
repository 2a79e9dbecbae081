/**
 * Matches that folds could not take, by step: kept beside the log, so that whoever reads the log again leaves out the same ones and comes to
 * the same alerts. Kept for longer than the log keeps the steps.
 */
import type { StateBucket } from '@tocsin/bus';
import { hashParts, isTocsinError, type Position } from '@tocsin/core';

/** A match that is left out: of one rule's or detector's fold. */
export interface LeftOut {
  /** Place among the step's matches. */
  readonly index: number;
  /** Whose fold leaves it out; absent for all. */
  readonly ruleId?: string | undefined;
}

interface Kept {
  readonly position: Position;
  readonly leftOut: readonly LeftOut[];
}

/** What is left out, known whole. */
export class SetAside {
  readonly #bucket: StateBucket;
  readonly #byPosition = new Map<Position, readonly LeftOut[]>();

  private constructor(bucket: StateBucket) {
    this.#bucket = bucket;
  }

  /** Reads everything that is kept. */
  static async open(bucket: StateBucket): Promise<SetAside> {
    const aside = new SetAside(bucket);
    for (const key of await bucket.keys()) {
      const entry = await bucket.get(key);
      if (entry !== undefined) aside.#know(JSON.parse(Buffer.from(entry.value).toString()) as Kept);
    }
    return aside;
  }

  /** What is left out of a step. */
  of(position: Position): readonly LeftOut[] {
    return this.#byPosition.get(position) ?? [];
  }

  /** Leaves a match out from now on and for ever. Must be done before the step is taken without it. */
  async add(position: Position, one: LeftOut): Promise<void> {
    const key = hashParts([position]);
    for (;;) {
      const entry = await this.#bucket.get(key);
      const kept = entry === undefined ? { position, leftOut: [] } : (JSON.parse(Buffer.from(entry.value).toString()) as Kept);
      const leftOut = kept.leftOut.some((other) => other.index === one.index && other.ruleId === one.ruleId)
        ? kept.leftOut
        : [...kept.leftOut, one];
      try {
        await this.#bucket.put(key, Buffer.from(JSON.stringify({ position, leftOut })), entry?.revision ?? 0);
        this.#know({ position, leftOut });
        return;
      } catch (error) {
        // Somebody else has added to it: with his on top.
        if (!isTocsinError(error, 'bus.fenced')) throw error;
      }
    }
  }

  #know({ position, leftOut }: Kept): void {
    this.#byPosition.set(position, leftOut);
  }
}
