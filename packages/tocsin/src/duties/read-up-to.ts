/**
 * How far detection has come, told from the correlator to whoever waits: an event is settled when the step that judged it
 * has been folded and every alert it changed is on ALERTS.
 */
import { comparePositions } from '@tocsin/bus';
import type { Lane, Position } from '@tocsin/core';

/** Positions of EVENTS that are settled, and those waiting for them. */
export class ReadUpTo {
  readonly #read: Partial<Record<Lane, Position>> = {};
  readonly #waiting = new Set<() => void>();
  #steps: Position | undefined;

  /** The last step that is settled; undefined before the first. */
  get steps(): Position | undefined {
    return this.#steps;
  }

  /** Takes note of what a step had read, and of its own position, once its alerts are written. */
  advance(read: Readonly<Partial<Record<Lane, Position>>>, step?: Position): void {
    this.#steps = step ?? this.#steps;
    for (const [lane, position] of Object.entries(read) as [Lane, Position][]) {
      const known = this.#read[lane];
      if (known === undefined || comparePositions(known, position) < 0) this.#read[lane] = position;
    }
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves with true when everything up to this position is settled, with false after `waitMs` without. */
  async reached(lane: Lane, position: Position, waitMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(waitMs);
    for (;;) {
      const known = this.#read[lane];
      if (known !== undefined && comparePositions(known, position) >= 0) return true;
      if (deadline.aborted) return false;
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }
}
