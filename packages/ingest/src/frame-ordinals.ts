/**
 * Ordinals and frame numbers of one lane: per partition, events are numbered from 0 without gaps so that a reader can count what
 * is missing. Frame numbers are never used twice; ordinals are taken back where a frame is surely not stored and nothing follows it.
 */

/** The numbers of one frame. */
export interface OrdinalLease {
  /** Number of the frame within partition, lane and epoch. */
  readonly frame: number;
  /** Ordinal of its first event. */
  readonly ordinal: number;
  /** The frame is surely not stored. */
  release(): void;
}

/** Numbers per partition. */
export interface FrameOrdinals {
  take(partition: number, events: number): OrdinalLease;
}

interface Counter {
  frames: number;
  events: number;
  /** Released ranges that something still follows, by their end. */
  readonly released: Map<number, number>;
}

/** Counters from zero. */
export function createFrameOrdinals(): FrameOrdinals {
  const counters = new Map<number, Counter>();
  return {
    take(partition, events) {
      let counter = counters.get(partition);
      if (counter === undefined) counters.set(partition, (counter = { frames: 0, events: 0, released: new Map() }));
      const lease = { frame: counter.frames, ordinal: counter.events };
      counter.frames++;
      counter.events += events;
      return { ...lease, release: () => release(counter, lease.ordinal, events) };
    },
  };
}

/** Takes the range back if it is the last, and with it those released before it; else remembers it in case what follows goes too. */
function release(counter: Counter, ordinal: number, events: number): void {
  counter.released.set(ordinal + events, ordinal);
  for (let start = counter.released.get(counter.events); start !== undefined; start = counter.released.get(counter.events)) {
    counter.released.delete(counter.events);
    counter.events = start;
  }
  // A range that a stored frame follows is a gap for good; remembering the newest few is enough for cycles in flight.
  if (counter.released.size > MAX_RELEASED) counter.released.delete(counter.released.keys().next().value as number);
}

const MAX_RELEASED = 1024;
