/**
 * The correlator's checkpoint: where it stands in the log and the state of every fold set then. Taken piece by piece, since the thread that
 * takes it has alerts to raise meanwhile. Bytes: the length of a JSON part, that part, then the fold sets' own checkpoints in its order.
 */
import { type Position, TocsinError } from '@tocsin/core';
import type { FoldSnapshot } from '@tocsin/detect';
import type { ReadPositions } from './partition-progress.ts';
import type { ReadByPartition } from './read-up-to.ts';

/** Where a checkpoint stands. */
export interface CheckpointPlace {
  /** Last step applied. */
  readonly position: Position;
  /** Positions of EVENTS that are settled by then. */
  readonly reads: ReadByPartition;
  /** Hash of the rule set the folds are under, and its order; none in checkpoints of former versions. */
  readonly ruleSet: string;
  readonly order?: number | undefined;
}

/** State by tenant, `''` for the shared one; each as its fold set encodes it. */
export type EncodedFolds = ReadonlyMap<string, Uint8Array>;

/** A checkpoint read back. */
export interface FoldsCheckpoint extends CheckpointPlace {
  readonly folds: EncodedFolds;
}

interface Head extends CheckpointPlace {
  readonly folds: readonly (readonly [tenant: string, bytes: number])[];
}

/** A checkpoint in the making; what it holds is of the moment it was begun. */
export class FoldsSaving {
  readonly place: CheckpointPlace;
  readonly #snapshots: ReadonlyMap<string, FoldSnapshot>;

  constructor(place: CheckpointPlace, snapshots: ReadonlyMap<string, FoldSnapshot>) {
    this.place = place;
    this.#snapshots = snapshots;
  }

  /** Encodes about so many bytes more; true when only putting it together is left. */
  advance(maxBytes: number): boolean {
    for (const snapshot of this.#snapshots.values()) {
      if (snapshot.isComplete) continue;
      snapshot.advance(maxBytes);
      return false;
    }
    return true;
  }

  /** The checkpoint's bytes; encodes what is left. */
  finish(): Uint8Array {
    const states = [...this.#snapshots].map(([tenant, snapshot]) => [tenant, snapshot.finish()] as const);
    const head: Head = { ...this.place, folds: states.map(([tenant, bytes]) => [tenant, bytes.length]) };
    const json = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    return Buffer.concat([length, json, ...states.map(([, bytes]) => bytes)]);
  }
}

/** What `finish` made. @throws detect.bad_checkpoint */
export function readFoldsCheckpoint(bytes: Uint8Array): FoldsCheckpoint {
  try {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const jsonEnd = 4 + buffer.readUInt32LE(0);
    const { folds, read, ...place } = JSON.parse(buffer.toString('utf8', 4, jsonEnd)) as Head & { read?: ReadPositions };
    let at = jsonEnd;
    const states = folds.map(([tenant, length]): [string, Uint8Array] => {
      at += length;
      return [tenant, buffer.subarray(at - length, at)];
    });
    return { ...place, reads: place.reads ?? { '*': read ?? {} }, folds: new Map(states) };
  } catch (cause) {
    throw new TocsinError('detect.bad_checkpoint', { reason: 'its beginning is damaged' }, { cause });
  }
}
