/**
 * A checkpoint taken while the folds go on: groups are encoded some at a time, and one that is about to change is encoded before it does.
 * What comes out is the state as of the moment the snapshot was begun.
 */
import { type CheckpointHead, encodeCheckpoint } from './checkpoint.ts';

/** What a snapshot needs of a group. */
export interface SnapshotItem {
  /** Index of its lane in the head. */
  readonly lane: number;
  readonly key: string;
  encode(): Uint8Array;
}

/** A checkpoint in the making. */
export class TableSnapshot<G extends object> {
  readonly #head: Omit<CheckpointHead, 'groups'>;
  readonly #order: readonly G[];
  readonly #describe: (group: G) => SnapshotItem;
  readonly #encoded = new Map<G, { readonly item: SnapshotItem; readonly state: Uint8Array }>();
  #next = 0;

  constructor(head: Omit<CheckpointHead, 'groups'>, groups: Iterable<G>, describe: (group: G) => SnapshotItem) {
    this.#head = head;
    this.#order = [...groups];
    this.#known = new Set(this.#order);
    this.#describe = describe;
  }

  /** Groups of the moment it was begun: later ones are no part of it. */
  readonly #known: ReadonlySet<G>;

  /** Whether every group is encoded. */
  get isComplete(): boolean {
    return this.#next >= this.#order.length;
  }

  /** Encodes a group as it is, unless that was done before. To be called before a group changes or goes. */
  save(group: G): void {
    if (!this.#known.has(group) || this.#encoded.has(group)) return;
    const item = this.#describe(group);
    this.#encoded.set(group, { item, state: item.encode() });
  }

  /** Encodes groups until about so many bytes have come together or none is left. */
  advance(maxBytes: number): void {
    for (let bytes = 0; bytes < maxBytes && this.#next < this.#order.length; this.#next++) {
      const group = this.#order[this.#next] as G;
      this.save(group);
      bytes += this.#encoded.get(group)?.state.length ?? 0;
    }
  }

  /** The whole checkpoint; encodes what is left. */
  finish(): Uint8Array {
    this.advance(Number.POSITIVE_INFINITY);
    const all = this.#order.flatMap((group) => this.#encoded.get(group) ?? []);
    const groups = all.map(({ item, state }) => [item.lane, item.key, state.length] as const);
    return encodeCheckpoint(
      { ...this.#head, groups },
      all.map(({ state }) => state),
    );
  }
}
