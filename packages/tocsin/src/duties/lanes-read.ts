/** How far a matcher has read each lane of EVENTS, and up to what time that means that everything is judged. Partitions have progress of their own. */
import { comparePositions, type ReplayLog, type Start } from '@tocsin/bus';
import { isTocsinError, type Lane } from '@tocsin/core';
import { EVENT_LANES, eventsFilter } from '../subjects.ts';
import type { FedFrame } from './frame-feed.ts';
import type { ReadPositions } from './partition-progress.ts';

/** What reading is compared with. */
export interface LanesReadOptions {
  readonly bus: Pick<ReplayLog, 'info'>;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** What has been read of the lanes since a feed was opened. */
export class LanesRead {
  readonly #options: LanesReadOptions;
  #read: ReadPositions = {};
  /** When the frame read last was stored, by lane; milliseconds since 1970. */
  readonly #storedMs: Partial<Record<Lane, number>> = {};

  constructor(options: LanesReadOptions) {
    this.#options = options;
  }

  /** Position of the last frame read, by lane. */
  get read(): ReadPositions {
    return this.#read;
  }

  /** A feed begins here: what stands before has been read. */
  startAt({ live, bulk }: Readonly<Record<Lane, Start>>): void {
    this.#read = { ...readBefore('live', live), ...readBefore('bulk', bulk) };
  }

  /** A frame has been read. */
  note({ lane, position, stored }: FedFrame): void {
    this.#read = { ...this.#read, [lane]: position };
    this.#storedMs[lane] = stored.storedMs;
  }

  /**
   * Time up to which everything stored has been read. A source whose events still wait to be read is not idle: measured by the clock
   * alone, catching up after a pause would make all of them late. 0 while the log cannot be asked.
   */
  async upToMs(nowMs: number): Promise<number> {
    let upToMs = nowMs;
    for (const lane of EVENT_LANES) {
      try {
        const { last, messages } = await this.#options.bus.info(eventsFilter(lane));
        const read = this.#read[lane];
        if (last === undefined || messages === 0 || (read !== undefined && comparePositions(read, last) >= 0)) continue;
        upToMs = Math.min(upToMs, this.#storedMs[lane] ?? 0);
      } catch (error) {
        if (!isTocsinError(error) || error.retry === 'never') throw error;
        this.#options.onTrouble(error, 'looking how far there is to read');
        return 0;
      }
    }
    return upToMs;
  }
}

function readBefore(lane: Lane, start: Start): ReadPositions {
  return typeof start === 'object' && 'after' in start ? { [lane]: start.after } : {};
}
