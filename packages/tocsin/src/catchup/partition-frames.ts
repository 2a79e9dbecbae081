/** The frames of one partition and lane in order, read again: what was judged as a duplicate then is one now. */
import { comparePositions, type ReplayLog, type Stored } from '@tocsin/bus';
import type { DedupVerdict, Lane, Position } from '@tocsin/core';
import { FrameDedup } from '../duties/frame-dedup.ts';
import { type FedFrame, openFed } from '../duties/frame-feed.ts';
import { refillDedup } from '../duties/partition-progress.ts';
import { eventsFilter, partitionEventsFilter } from '../subjects.ts';

/** A frame and what was said of its events. */
export interface ReadFrame {
  readonly fed: FedFrame;
  readonly verdicts: readonly DedupVerdict[];
}

/** What is read from. */
export interface PartitionFramesOptions {
  readonly log: Pick<ReplayLog, 'read' | 'get' | 'info'>;
  readonly lane: Lane;
  readonly partition: number;
  readonly signal: AbortSignal;
}

/** A reader. Not for concurrent use; disposing ends what it has open. */
export class PartitionFrames implements AsyncDisposable {
  readonly #options: PartitionFramesOptions;
  #dedup = new FrameDedup();
  #open: AsyncIterator<Stored> | undefined;
  /** What is open ends here. */
  #until: Position | undefined;
  /** Everything up to here has been given out, or was passed over. */
  #after: Position | undefined;
  #next: FedFrame | undefined;

  constructor(options: PartitionFramesOptions) {
    this.#options = options;
  }

  /** Where it stands; undefined at the beginning. */
  get after(): Position | undefined {
    return this.#after;
  }

  /** Goes on behind a position. What lies between is not read. */
  async seek(after: Position | undefined): Promise<void> {
    if (after === undefined || (this.#after !== undefined && comparePositions(after, this.#after) <= 0)) return;
    await this.#close();
    this.#after = after;
  }

  /** The next frame up to a position, for which `isWanted`; undefined where there is none. Bytes that are no frame are passed over. */
  async take(upTo: Position | undefined, isWanted: (fed: FedFrame) => boolean = () => true): Promise<ReadFrame | undefined> {
    for (;;) {
      const next = this.#next ?? (await this.#read(upTo));
      this.#next = next;
      if (next === undefined || (upTo !== undefined && comparePositions(next.position, upTo) > 0) || !isWanted(next)) return undefined;
      this.#next = undefined;
      this.#after = next.position;
      if (next.frame !== undefined) return { fed: next, verdicts: this.#dedup.judge(this.#options.lane, next.frame) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }

  async #read(upTo: Position | undefined): Promise<FedFrame | undefined> {
    while (await this.#isThereMore()) {
      const read = await this.#open?.next();
      if (read !== undefined && read.done !== true) return openFed(this.#options.lane, read.value);
      this.#open = undefined;
      if (upTo === undefined || (this.#until !== undefined && comparePositions(this.#until, upTo) >= 0)) return undefined;
    }
    return undefined;
  }

  /** Whether something is open to read from; opens what has come since. */
  async #isThereMore(): Promise<boolean> {
    if (this.#open !== undefined) return true;
    const { lane, log } = this.#options;
    const { last, messages } = await log.info(eventsFilter(lane));
    if (last === undefined || messages === 0) return false;
    if (this.#after !== undefined && comparePositions(this.#after, last) >= 0) return false;
    await this.#begin(last);
    return true;
  }

  /** A seen id is a duplicate whether it was seen here or before: the window before is read first. */
  async #begin(until: Position): Promise<void> {
    const { lane, partition, log, signal } = this.#options;
    const filter = partitionEventsFilter(lane, partition);
    this.#dedup = new FrameDedup();
    if (this.#after !== undefined) await refillDedup(log, { dedup: this.#dedup, lane, until: this.#after, filter });
    const from = this.#after === undefined ? 'first' : { after: this.#after };
    this.#until = until;
    this.#open = log.read(filter, from, { until, signal })[Symbol.asyncIterator]();
  }

  async #close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#next = undefined;
    await open?.return?.();
  }
}
