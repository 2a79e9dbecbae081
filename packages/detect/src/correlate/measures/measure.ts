/** The seam of what a window is measured by: events enter and leave it one at a time, and it says whether the condition holds. */
import type { SampleRing } from '../sample-ring.ts';

/** The window being looked at: events `from` up to and without `to`, all of them entered. */
export interface WindowView {
  readonly ring: SampleRing;
  readonly from: number;
  readonly to: number;
  /** Earliest time that belongs to the window, milliseconds since 1970. */
  readonly sinceMs: number;
}

/** What is known of the events in one window. */
export interface Measure {
  /** What the ring keeps of an event; undefined for an event that says nothing to this measure, such as one without a number. */
  enter(payload: number, timeMs: number): void;
  leave(payload: number, timeMs: number): void;
  /** Whether the condition holds for the events entered. */
  holds(window: WindowView): boolean;
  /** Nothing has entered. */
  clear(): void;
  /** Rough bytes beyond the ring. */
  readonly bytes: number;
}

/** A kind of measure, made for one rule. */
export interface MeasureKind {
  /** Whether more events can never undo the condition. */
  readonly isMonotone: boolean;
  /** Whether events must enter in order of time; otherwise they may enter and leave at both ends. */
  readonly isOrdered: boolean;
  /** Whether events of one millisecond are one entry of the ring, with their number as payload. */
  readonly countsOnly: boolean;
  /** Whether an event that several rules hold for is one entry whose payloads are joined bit by bit. */
  readonly joinsRules: boolean;
  /** Whether cells are the numbers themselves: only where the condition is not monotone. */
  readonly isRaw: boolean;
  /**
   * Whether so many events, the payloads of which come to `joined` bit by bit, could satisfy the condition in some order and at some times; a
   * group for which they could not is not measured at all. Undefined where the condition is not monotone.
   */
  readonly mayHold: ((events: number, joined: number) => boolean) | undefined;
  create(): Measure;
}
