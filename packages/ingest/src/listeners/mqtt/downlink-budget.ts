/** How many bytes of messages to devices are kept, all sources together, and what is counted where there is no room. */
import type { ListenerCounts } from '../listener-counts.ts';

/** What a kept message takes beside its bytes. */
const OVERHEAD = 256;

interface Kept {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** A budget. */
export class DownlinkBudget {
  readonly #maxBytes: number;
  readonly #counts: ListenerCounts;
  #used = 0;

  constructor(maxBytes: number, counts: ListenerCounts) {
    this.#maxBytes = maxBytes;
    this.#counts = counts;
  }

  /** Bytes kept. */
  get used(): number {
    return this.#used;
  }

  /** Makes room for a message; false where there is none. */
  take(message: Kept): boolean {
    const bytes = weightOf(message);
    if (this.#used + bytes > this.#maxBytes) return false;
    this.#used += bytes;
    return true;
  }

  /** A message is kept no more. */
  give(message: Kept): void {
    this.#used -= weightOf(message);
  }

  /** Counts a message that a device will not get: its event is stored all the same. */
  countDropped(): void {
    this.#counts.refuse('listener.downlink_full');
  }
}

function weightOf({ topic, payload }: Kept): number {
  return 2 * topic.length + payload.length + OVERHEAD;
}
