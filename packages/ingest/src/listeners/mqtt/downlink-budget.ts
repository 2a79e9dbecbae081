/**
 * How many bytes of messages to devices are kept, all sources together, how much of that one source may take, and what is counted where there
 * is no room.
 */
import type { ListenerCounts } from '../listener-counts.ts';

/** What a kept message takes beside its bytes. */
const OVERHEAD = 256;

interface Kept {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** What one source keeps of the budget. */
export interface DownlinkShare {
  /** Makes room for a message; false where there is none. */
  take(message: Kept): boolean;
  /** A message is kept no more. */
  give(message: Kept): void;
  /** Counts a message that a device will not get: its event is stored all the same. */
  countDropped(): void;
}

/** A budget. */
export class DownlinkBudget {
  readonly #maxBytes: number;
  readonly #counts: ListenerCounts;
  /** Bytes of each source that has any. */
  readonly #ofSource = new Map<string, number>();
  #used = 0;

  constructor(maxBytes: number, counts: ListenerCounts) {
    this.#maxBytes = maxBytes;
    this.#counts = counts;
  }

  /** Bytes kept. */
  get used(): number {
    return this.#used;
  }

  /** The share of a source, by the key of its devices. */
  of(source: string): DownlinkShare {
    return {
      take: (message) => this.#take(source, weightOf(message)),
      give: (message) => this.#change(source, -weightOf(message)),
      countDropped: () => this.#counts.refuse('listener.downlink_full'),
    };
  }

  /** A source may have as much as is left free beside it: however many take all they can, the next one still finds room. */
  #take(source: string, bytes: number): boolean {
    const own = this.#ofSource.get(source) ?? 0;
    if (own + bytes > this.#maxBytes - this.#used) return false;
    this.#change(source, bytes);
    return true;
  }

  #change(source: string, bytes: number): void {
    this.#used += bytes;
    const own = (this.#ofSource.get(source) ?? 0) + bytes;
    if (own > 0) this.#ofSource.set(source, own);
    else this.#ofSource.delete(source);
  }
}

function weightOf({ topic, payload }: Kept): number {
  return 2 * topic.length + payload.length + OVERHEAD;
}
