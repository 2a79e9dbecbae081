/** Up to where the saved checkpoint of the folds has read MATCHES: a small value beside it, for whoever removes what nobody needs any more. */

import type { StateBucket } from '@tocsin/bus';
import { isTocsinError, type Position } from '@tocsin/core';

const KEY = 'folds-place';

/** Notes the position of a checkpoint that has been saved. Only ever goes on: a later note replaces an earlier one. */
export async function putFoldsPlace(manifests: StateBucket, position: Position): Promise<void> {
  const present = await manifests.get(KEY);
  try {
    await manifests.put(KEY, Buffer.from(position), present?.revision ?? 0);
  } catch (error) {
    // Another owner has noted his in between, which is the later one.
    if (!isTocsinError(error, 'bus.fenced')) throw error;
  }
}

/** The position noted last; undefined before the first checkpoint. */
export async function getFoldsPlace(manifests: StateBucket): Promise<Position | undefined> {
  const entry = await manifests.get(KEY);
  return entry === undefined ? undefined : (Buffer.from(entry.value).toString() as Position);
}
