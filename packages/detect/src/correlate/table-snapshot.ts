/**
 * A checkpoint taken while the folds go on: groups are encoded some at a time, and one that is about to change is encoded before it does.
 * What comes out is the state as of the moment the snapshot was begun.
 */
import { type CheckpointHead, encodeGroup, encodeHead, type GroupRecord } from './checkpoint.ts';

/** What a snapshot is taken of. */
export interface SnapshotSource<G> {
  readonly head: CheckpointHead;
  /** All groups; may be changed while it is gone through, as a map may. */
  readonly groups: Iterator<G>;
  describe(group: G): GroupRecord;
  /** Number of the snapshot that has a group already, or that it came too late for. */
  savedBy(group: G): number;
  markSaved(group: G, number: number): void;
}

/** A checkpoint in the making. */
export class TableSnapshot<G> {
  /** Tells it from others of the same table. */
  readonly number: number;
  readonly #source: SnapshotSource<G>;
  readonly #parts: Uint8Array[];
  #isComplete = false;

  constructor(number: number, source: SnapshotSource<G>) {
    this.number = number;
    this.#source = source;
    this.#parts = [encodeHead(source.head)];
  }

  /** Whether every group is encoded. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Encodes a group as it is, unless it is part of the snapshot already or came too late for it. To be called before a group changes or goes. */
  save(group: G): number {
    if (this.#source.savedBy(group) === this.number) return 0;
    this.#source.markSaved(group, this.number);
    const bytes = encodeGroup(this.#source.describe(group));
    this.#parts.push(bytes);
    return bytes.length;
  }

  /** Encodes groups until about so many bytes have come together or none is left. */
  advance(maxBytes: number): void {
    for (let bytes = 0; bytes < maxBytes && !this.#isComplete; ) {
      const { done, value } = this.#source.groups.next();
      if (done === true) this.#isComplete = true;
      // A group that was passed over costs time as well.
      else bytes += this.save(value) + PASSED_BYTES;
    }
  }

  /** The whole checkpoint; encodes what is left. */
  finish(): Uint8Array {
    this.advance(Number.POSITIVE_INFINITY);
    const bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of this.#parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** What looking at a group counts for beside the bytes it gives. */
const PASSED_BYTES = 16;
