/**
 * The window being measured, moved along a group's events: what enters and leaves is told to the measure, so that the next window costs
 * only the difference to the last. It moves back as well, for an event that came late.
 */
import type { Measure, MeasureKind, WindowView } from './measures/measure.ts';
import { NumberRing } from './number-ring.ts';
import { PackedRing } from './packed-ring.ts';
import type { SampleRing } from './sample-ring.ts';

/** How windows are laid over time. */
export interface WindowShape {
  readonly timespanMs: number;
  readonly isSession: boolean;
}

/** Events of a group and the window over them that was measured last. */
export class WindowCursor implements WindowView {
  readonly ring: SampleRing;
  readonly #kind: MeasureKind;
  readonly #shape: WindowShape;
  readonly #measure: Measure;
  #from = 0;
  #to = 0;
  #sinceMs = 0;
  /** Events in the ring, where an entry may be several. */
  #events = 0;

  constructor(kind: MeasureKind, shape: WindowShape, ring: SampleRing = kind.isRaw ? new NumberRing() : new PackedRing()) {
    this.#kind = kind;
    this.#shape = shape;
    this.ring = ring;
    this.#measure = kind.create();
    if (kind.countsOnly) for (let i = 0; i < ring.length; i++) this.#events += this.payloadAt(i);
  }

  get from(): number {
    return this.#from;
  }

  get to(): number {
    return this.#to;
  }

  get sinceMs(): number {
    return this.#sinceMs;
  }

  get bytes(): number {
    return this.ring.bytes + this.#measure.bytes;
  }

  /** Events that are kept. */
  get events(): number {
    return this.#kind.countsOnly ? this.#events : this.ring.length;
  }

  /** Adds an event, `events` of them where only their number counts; returns its index. */
  insert(timeMs: number, payload: number): number {
    const { ring } = this;
    if (this.#kind.countsOnly) {
      if (timeMs <= ring.lastMs) {
        const there = ring.firstFrom(timeMs);
        if (ring.timeAt(there) === timeMs) {
          this.join(there, payload);
          return there;
        }
      }
      this.#events += payload;
    }
    const at = ring.insert(timeMs, this.#kind.isRaw ? payload : 2 * payload);
    if (at >= this.#to) return at;
    if (this.#kind.isOrdered) this.#reset();
    else if (at <= this.#from) this.#from += 1;
    else this.#measure.enter(payload, timeMs);
    this.#to += this.#kind.isOrdered ? 0 : 1;
    return at;
  }

  /** Adds to the payload of an event that is there: further events of its millisecond, or further rules that hold for it. */
  join(index: number, payload: number): void {
    const { ring } = this;
    ring.setCell(index, ring.cellAt(index) + 2 * payload);
    this.#events += payload;
    if (index < this.#from || index >= this.#to) return;
    if (this.#kind.isOrdered && index !== this.#to - 1) this.#reset();
    else this.#measure.enter(payload, ring.timeAt(index));
  }

  payloadAt(index: number): number {
    const cell = this.ring.cellAt(index);
    return this.#kind.isRaw ? cell : Math.floor(cell / 2);
  }

  /** Measures the window that ends with the event before `to`; whether its condition holds. */
  holdsAt(to: number): boolean {
    this.#moveTo(to);
    return this.#measure.holds(this);
  }

  /** Forgets the first events. */
  dropFirst(count: number): void {
    const leaving = Math.min(count, this.#to);
    if (!this.#kind.isOrdered) for (; this.#from < leaving; this.#from++) this.#leave(this.#from);
    this.#from = Math.max(0, this.#from - count);
    this.#to = Math.max(0, this.#to - count);
    if (this.#to === 0) this.#reset();
    if (this.#kind.countsOnly) for (let i = 0; i < count; i++) this.#events -= this.payloadAt(i);
    this.ring.dropFirst(count);
  }

  /** Index at which the window, or session, of the event at `last` begins. */
  startOf(last: number): number {
    const { ring } = this;
    const { timespanMs, isSession } = this.#shape;
    if (!isSession) return ring.firstFrom(ring.timeAt(last) - timespanMs);
    let first = last;
    // What was measured last is a session up to where it ends: no need to walk it again.
    const known = last >= this.#to && this.#to > this.#from ? this.#to - 1 : -1;
    while (first > 0 && first !== known && ring.timeAt(first) - ring.timeAt(first - 1) <= timespanMs) first -= 1;
    if (first === known) first = this.#from;
    while (first > 0 && ring.timeAt(first) - ring.timeAt(first - 1) <= timespanMs) first -= 1;
    return first;
  }

  #moveTo(to: number): void {
    const { ring } = this;
    const from = this.#startBefore(to);
    if (this.#kind.isOrdered) this.#prepareOrdered(from, to);
    else if (from >= this.#to || to <= this.#from) {
      // Nothing in common with the window before.
      this.#measure.clear();
      this.#from = this.#to = from;
    }
    while (this.#from > from) this.#enter(--this.#from);
    while (this.#to < to) this.#enter(this.#to++);
    while (this.#to > to) this.#leave(--this.#to);
    while (this.#from < from) this.#leave(this.#from++);
    this.#sinceMs = this.#shape.isSession ? ring.timeAt(from) : ring.timeAt(to - 1) - this.#shape.timespanMs;
  }

  /** Events enter in order only: to go back is to begin anew. */
  #prepareOrdered(from: number, to: number): void {
    if (to < this.#to) this.#reset();
    if (this.#to === 0 || from >= this.#to) this.#from = this.#to = from;
  }

  #startBefore(to: number): number {
    if (this.#shape.isSession) return this.startOf(to - 1);
    const { ring } = this;
    const sinceMs = ring.timeAt(to - 1) - this.#shape.timespanMs;
    // Nearly always the window moved on by little.
    let from = this.#from;
    if (from >= to || (from > 0 && ring.timeAt(from - 1) >= sinceMs)) return ring.firstFrom(sinceMs);
    for (let steps = 0; ring.timeAt(from) < sinceMs; from++) if (++steps > 16) return ring.firstFrom(sinceMs);
    return from;
  }

  #enter(index: number): void {
    this.#measure.enter(this.payloadAt(index), this.ring.timeAt(index));
  }

  #leave(index: number): void {
    this.#measure.leave(this.payloadAt(index), this.ring.timeAt(index));
  }

  #reset(): void {
    this.#measure.clear();
    this.#from = 0;
    this.#to = 0;
  }
}
