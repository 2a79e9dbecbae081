/**
 * Turns of decoding: a large batch is decoded a slice at a time, one slice per turn of the event loop whoever waits for one, so that
 * small batches of others pass between; bulk pauses between its slices while live batches come (`bulk-pace.ts`). Batches of one source
 * keep their order. What a step does is the caller's.
 */
import type { Clock, Lane } from '@tocsin/core';
import { BulkPace } from './bulk-pace.ts';

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
  readonly #pace: BulkPace;
  /** Who waits for a turn, and whether one is taken, by lane: live never waits for bulk. */
  readonly #waiting: Readonly<Record<Lane, (() => void)[]>> = { live: [], bulk: [] };
  readonly #isTaken: Record<Lane, boolean> = { live: false, bulk: false };
  readonly #unfinished = new Map<string, Promise<void>>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#pace = new BulkPace(clock);
  }

  /**
   * Runs every step in order: undefined where all were done at once, as of any small batch of the live lane; else resolves when they are.
   * Bulk waits for a turn from its first step on. What a step throws ends the batch.
   */
  run({ owner, lane, steps }: Decoding, step: (index: number) => void): Promise<void> | undefined {
    if (lane === 'live') this.#pace.sawLive();
    const before = this.#unfinished.get(owner);
    const from = before === undefined && lane === 'live' ? this.#slice(0, steps, step) : 0;
    if (from === steps && before === undefined) return undefined;
    const rest = this.#rest(before, { lane, from, steps }, step).finally(() => {
      if (this.#unfinished.get(owner) === rest) this.#unfinished.delete(owner);
    });
    this.#unfinished.set(owner, rest);
    return rest;
  }

  async #rest(
    before: Promise<void> | undefined,
    { lane, from, steps }: { lane: Lane; from: number; steps: number },
    step: (index: number) => void,
  ): Promise<void> {
    // How that one ended is its own sender's business.
    if (before !== undefined) await Promise.allSettled([before]);
    for (let at = from; at < steps; ) {
      await this.#turn(lane);
      const begunMs = this.#clock.monotonicMs();
      try {
        at = this.#slice(at, steps, step);
      } finally {
        this.#passAfter(lane, lane === 'bulk' ? this.#pace.pauseAfter(this.#clock.monotonicMs() - begunMs) : 0);
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

  #turn(lane: Lane): Promise<void> {
    if (this.#isTaken[lane]) return new Promise((resolve) => void this.#waiting[lane].push(resolve));
    this.#isTaken[lane] = true;
    return Promise.resolve();
  }

  #passAfter(lane: Lane, pauseMs: number): void {
    if (pauseMs === 0) return this.#pass(lane);
    const begunMs = this.#clock.monotonicMs();
    setTimeout(() => {
      this.#pace.paused(pauseMs, this.#clock.monotonicMs() - begunMs);
      this.#pass(lane);
    }, pauseMs);
  }

  /** The next one's turn comes with the next turn of the event loop: what has arrived meanwhile goes first. */
  #pass(lane: Lane): void {
    setImmediate(() => {
      const next = this.#waiting[lane].shift();
      if (next === undefined) this.#isTaken[lane] = false;
      else next();
    });
  }
}
