/**
 * Turns of decoding: a large batch is decoded a slice at a time, one slice per turn of the event loop whoever waits for one, so that
 * small batches of others pass between. Batches of one source keep their order. What a step does is the caller's.
 */
import type { Clock, Lane } from '@tocsin/core';

/** Time of one slice, milliseconds. */
const SLICE_MS = 2;
/** Steps between two looks at the clock. */
const LOOK_EVERY = 16;

/** A batch to be decoded in steps. */
export interface Decoding {
  /** Whose it is: batches of one owner are decoded one after the other. */
  readonly owner: string;
  readonly lane: Lane;
  readonly steps: number;
}

/** Gives turns; one for all batches of an intake. */
export class DecodeTurns {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #waiting: (() => void)[] = [];
  #isTaken = false;
  readonly #unfinished = new Map<string, Promise<void>>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Runs every step in order: undefined where all were done at once, as of any small batch of the live lane; else resolves when they are.
   * Bulk waits for a turn from its first step on. What a step throws ends the batch.
   */
  run({ owner, lane, steps }: Decoding, step: (index: number) => void): Promise<void> | undefined {
    const before = this.#unfinished.get(owner);
    const from = before === undefined && lane === 'live' ? this.#slice(0, steps, step) : 0;
    if (from === steps && before === undefined) return undefined;
    const rest = this.#rest(before, { from, steps }, step).finally(() => {
      if (this.#unfinished.get(owner) === rest) this.#unfinished.delete(owner);
    });
    this.#unfinished.set(owner, rest);
    return rest;
  }

  async #rest(before: Promise<void> | undefined, { from, steps }: { from: number; steps: number }, step: (index: number) => void): Promise<void> {
    // How that one ended is its own sender's business.
    if (before !== undefined) await Promise.allSettled([before]);
    for (let at = from; at < steps; ) {
      await this.#turn();
      try {
        at = this.#slice(at, steps, step);
      } finally {
        this.#pass();
      }
    }
  }

  /** Runs steps for the time of a slice; answers the next one. */
  #slice(from: number, steps: number, step: (index: number) => void): number {
    const untilMs = this.#clock.monotonicMs() + SLICE_MS;
    let at = from;
    while (at < steps) {
      step(at++);
      if (at % LOOK_EVERY === 0 && this.#clock.monotonicMs() >= untilMs) break;
    }
    return at;
  }

  #turn(): Promise<void> {
    if (this.#isTaken) return new Promise((resolve) => void this.#waiting.push(resolve));
    this.#isTaken = true;
    return Promise.resolve();
  }

  /** The next one's turn comes with the next turn of the event loop: what has arrived meanwhile goes first. */
  #pass(): void {
    setImmediate(() => {
      const next = this.#waiting.shift();
      if (next === undefined) this.#isTaken = false;
      else next();
    });
  }
}
