/**
 * The counted events of one group by event time. Taking from the front and adding at the end take constant time; an event that comes out of
 * order moves those that lie behind it.
 *
 * A cell holds what the measure needs to know of the event, twice, plus one where the window that ends there satisfied the condition;
 * a raw cell (`value`) holds the number itself.
 */

/** Events by time; equal times in the order they came. */
export interface SampleRing {
  readonly length: number;
  /** Time of the earliest event, Infinity where there is none, and of the latest, -Infinity. */
  readonly firstMs: number;
  readonly lastMs: number;
  /** Milliseconds since 1970; `index` from 0, the earliest. */
  timeAt(index: number): number;
  cellAt(index: number): number;
  setCell(index: number, cell: number): void;
  /** Index of the first event at or after a time. */
  firstFrom(timeMs: number): number;
  /** Adds an event behind all of its time; returns its index. */
  insert(timeMs: number, cell: number): number;
  /** Forgets the first `count` events. */
  dropFirst(count: number): void;
  /** Bytes of its array. */
  readonly bytes: number;
  /** All numbers, time and cell in turn, for checkpoints. */
  toNumbers(): Float64Array;
}
