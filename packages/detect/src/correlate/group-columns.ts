/** Groups in columns: what every fold's group has, whatever the fold remembers of it. A number that is free is given to the next group. */
import { grown } from './key-table.ts';

/** The columns; read and written by `group-table.ts`. */
export class GroupColumns<L> {
  /** Lane of a group; undefined for a number that is free. */
  readonly lanes: (L | undefined)[] = [];
  /** What the fold remembers, as an object of its own; undefined while it is kept in columns (`cold-windows.ts`). */
  readonly states: unknown[] = [];
  keys = new Uint32Array(0);
  /** Turn in which it was touched last. */
  touched = new Float64Array(0);
  /** Due time of its entry in the queue; NaN while it has none. */
  queuedMs = new Float64Array(0);
  /** Number of the snapshot that has it already, or that it came too late for. */
  savedBy = new Uint32Array(0);
  /** Rough bytes. */
  bytes = new Float64Array(0);
  #size = 0;
  readonly #free: number[] = [];

  /** Groups there are. */
  get size(): number {
    return this.#size - this.#free.length;
  }

  /** Numbers given out so far: all groups are below. */
  get end(): number {
    return this.#size;
  }

  /** A new group; its columns are set by the caller. */
  add(): number {
    const group = this.#free.pop() ?? this.#size++;
    if (group >= this.keys.length) this.#grow();
    return group;
  }

  /** Frees a group's number. */
  drop(group: number): void {
    this.lanes[group] = undefined;
    this.states[group] = undefined;
    this.touched[group] = 0;
    this.queuedMs[group] = Number.NaN;
    this.#free.push(group);
  }

  /** Numbers of all groups; may be changed while they are gone through. */
  *all(): Generator<number> {
    for (let group = 0; group < this.#size; group++) if (this.lanes[group] !== undefined) yield group;
  }

  #grow(): void {
    const size = Math.max(16, Math.ceil(1.3 * this.keys.length));
    this.keys = grown(this.keys, new Uint32Array(size));
    this.touched = grown(this.touched, new Float64Array(size));
    this.queuedMs = grown(this.queuedMs, new Float64Array(size).fill(Number.NaN));
    this.savedBy = grown(this.savedBy, new Uint32Array(size));
    this.bytes = grown(this.bytes, new Float64Array(size));
  }
}
