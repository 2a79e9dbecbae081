/** What is settled of the fold shards a process holds: one `ReadUpTo` for each. */
import type { Lane, Position } from '@tocsin/core';
import { leastPosition } from './least-position.ts';
import { type FirstFrame, ReadUpTo } from './read-up-to.ts';

/** The shards held here. */
export class SettledShards {
  readonly #partitions: number;
  readonly #firstFrame: FirstFrame;
  readonly #held = new Map<number, ReadUpTo>();

  constructor(partitions: number, firstFrame: FirstFrame) {
    this.#partitions = partitions;
    this.#firstFrame = firstFrame;
  }

  /** A shard that is held from now on; what was known of it is of its former owner. */
  open(shard: number): ReadUpTo {
    const readUpTo = new ReadUpTo(this.#partitions, this.#firstFrame);
    this.#held.set(shard, readUpTo);
    return readUpTo;
  }

  close(shard: number): void {
    this.#held.delete(shard);
  }

  /** The last step that every shard held now has settled; undefined where one has settled none, or none is held. */
  steps(): Position | undefined {
    return leastPosition([...this.#held.values()].map((readUpTo) => readUpTo.steps));
  }

  /** Those of the shards held now for which everything up to a position is settled within `waitMs`. */
  async reached(lane: Lane, position: Position, waitMs: number): Promise<readonly number[]> {
    const settled = [...this.#held].map(async ([shard, readUpTo]) => ((await readUpTo.reached(lane, position, waitMs)) ? [shard] : []));
    return (await Promise.all(settled)).flat();
  }
}
