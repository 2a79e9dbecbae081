/** A share of the folds, by key: which keys are whose, and under what name its checkpoint is kept. */
import { fnv1a } from '@tocsin/core';
import type { OwnsKey } from '@tocsin/detect';

/** One of several shards. */
export interface FoldShard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** Whether a key is a shard's; undefined where there is one shard only, which has them all. */
export function keysOf({ index, count }: FoldShard): OwnsKey | undefined {
  return count === 1 ? undefined : (tenant, key) => fnv1a(key, fnv1a(tenant)) % count === index;
}

/** Name of the checkpoint of the only shard; others go on from it where there is none of their own. */
export const WHOLE_CHECKPOINT = 'folds';

/** Name of a shard's checkpoint. */
export function checkpointOf({ index, count }: FoldShard): string {
  return count === 1 ? WHOLE_CHECKPOINT : `fold-shard-${index}-of-${count}`;
}
