/** Up to where the saved checkpoint of the folds has read MATCHES: a small value beside it, for whoever removes what nobody needs any more. */

import type { StateBucket } from '@tocsin/bus';
import { isTocsinError, type Position } from '@tocsin/core';
import type { FoldShard } from './fold-shard.ts';
import { leastPosition } from './least-position.ts';

const keyOf = ({ index, count }: FoldShard): string => `folds-place-${index}-of-${count}`;

/** Notes the position of a shard's checkpoint that has been saved. Only ever goes on: a later note replaces an earlier one. */
export async function putFoldsPlace(manifests: StateBucket, shard: FoldShard, position: Position): Promise<void> {
  const present = await manifests.get(keyOf(shard));
  try {
    await manifests.put(keyOf(shard), Buffer.from(position), present?.revision ?? 0);
  } catch (error) {
    // Another owner has noted his in between, which is the later one.
    if (!isTocsinError(error, 'bus.fenced')) throw error;
  }
}

/** The position that every one of so many shards has noted; undefined while one of them has saved nothing. */
export async function getFoldsPlace(manifests: StateBucket, shards: number): Promise<Position | undefined> {
  const entries = await Promise.all(Array.from({ length: shards }, (_, index) => manifests.get(keyOf({ index, count: shards }))));
  const places = entries.map((entry) => (entry === undefined ? undefined : (Buffer.from(entry.value).toString() as Position)));
  return leastPosition(places);
}
