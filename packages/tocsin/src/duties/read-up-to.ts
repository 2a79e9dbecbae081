/**
 * How far detection has come, told from a correlator to whoever waits: an event is settled when the step that judged it
 * has been folded and every alert it changed is on ALERTS. Steps tell of their own partition only; a partition that holds
 * nothing between what was read of it and what is asked for has nothing left to settle.
 */
import { comparePositions } from '@tocsin/bus';
import type { Lane, Position } from '@tocsin/core';
import type { ReadPositions } from './partition-progress.ts';

/** What is settled by number of partition; `*` for all of them, as steps of former versions said. */
export type ReadByPartition = Readonly<Record<string, ReadPositions>>;

/** Finds the first frame of a partition behind a position and up to another. */
export type FirstFrame = (asked: {
  readonly lane: Lane;
  readonly partition: number;
  readonly after: Position | undefined;
  readonly until: Position;
}) => Promise<Position | undefined>;

/** Positions of EVENTS that are settled, and those waiting for them. */
export class ReadUpTo {
  readonly #partitions: number;
  readonly #firstFrame: FirstFrame;
  readonly #waiting = new Set<() => void>();
  /** By lane and partition: positions that are settled. */
  readonly #settled = new Map<string, Position>();

  #steps: Position | undefined;

  constructor(partitions: number, firstFrame: FirstFrame) {
    this.#partitions = partitions;
    this.#firstFrame = firstFrame;
  }

  /** The last step that is settled; undefined before the first. */
  get steps(): Position | undefined {
    return this.#steps;
  }

  /** Takes note of what steps had read, and of the position of the last, once their alerts are written. */
  advance(read: ReadByPartition, step?: Position): void {
    this.#steps = step ?? this.#steps;
    for (const [partition, positions] of Object.entries(read)) {
      const concerned = partition === '*' ? Array.from({ length: this.#partitions }, (_, i) => i) : [Number(partition)];
      for (const [lane, position] of Object.entries(positions) as [Lane, Position][])
        for (const one of concerned) this.#note(lane, one, position);
    }
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  /** Resolves with true when everything up to this position is settled, with false after `waitMs` without. */
  async reached(lane: Lane, position: Position, waitMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(waitMs);
    /** By partition: the frame that has to be settled before it is worth asking again. */
    const open = new Map<number, Position | undefined>(Array.from({ length: this.#partitions }, (_, i) => [i, undefined]));
    for (;;) {
      const change = this.#change(deadline);
      await Promise.all([...open].map(async ([partition, next]) => await this.#look({ lane, partition, until: position, next }, open)));
      if (open.size === 0) return true;
      if (deadline.aborted) return false;
      await change;
    }
  }

  /** Takes a partition out of `open` once it is settled, or notes what it waits for. */
  async #look(
    { lane, partition, until, next }: { lane: Lane; partition: number; until: Position; next: Position | undefined },
    open: Map<number, Position | undefined>,
  ): Promise<void> {
    const after = this.#settled.get(`${lane}.${partition}`);
    if (after !== undefined && comparePositions(after, until) >= 0) return void open.delete(partition);
    if (next !== undefined && (after === undefined || comparePositions(after, next) < 0)) return;
    const found = await this.#firstFrame({ lane, partition, after, until });
    if (found !== undefined) return void open.set(partition, found);
    this.#note(lane, partition, until);
    open.delete(partition);
  }

  #note(lane: Lane, partition: number, position: Position): void {
    const key = `${lane}.${partition}`;
    const known = this.#settled.get(key);
    if (known === undefined || comparePositions(known, position) < 0) this.#settled.set(key, position);
  }

  #change(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
      if (deadline.aborted) resolve();
      else deadline.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
