/**
 * The frames of a range in the order in which they were received, at the pace that is asked for. Lanes are merged by time of receipt, since
 * that is what the log is ordered by and what idle sources, absence and lateness depend on; event times may jump, and would have to wait
 * for nothing or for years. Between frames the replay's clock goes on, so that whoever reads sees time pass.
 */
import type { ReplayLog } from '@tocsin/bus';
import type { Clock, Lane, Position } from '@tocsin/core';
import { type FedFrame, type FrameFeed, type FrameFeedOptions, openFed } from '../duties/frame-feed.ts';
import { TICK_MS } from '../duties/tick.ts';
import { pause } from '../state/commit-until-stored.ts';
import { EVENT_LANES, eventsFilter } from '../subjects.ts';
import type { EventChoice } from './event-choice.ts';
import type { ReplayClock } from './replay-clock.ts';

/** What a feed is made of. */
export interface ReplayFeedOptions {
  readonly log: Pick<ReplayLog, 'read'>;
  readonly choice: Pick<EventChoice, 'hasAny'>;
  /** The replay's own clock. */
  readonly clock: ReplayClock;
  /** Time of receipt at which it ends. */
  readonly endMs: number;
  /** How many times as fast as received; 0: as fast as it goes. */
  readonly speed: number;
  /** Time of receipt that may pass within a batch, milliseconds: the resolution at which time is seen to pass. */
  readonly spanMs: number;
  /** The time that people wait by. */
  readonly realTime: Pick<Clock, 'monotonicMs'>;
  /** Told of each frame that is given out. */
  readonly onFrame: (lane: Lane, position: Position) => void;
}

/** Frames and bytes of a batch at most. */
const MOST_FRAMES = 1024;
const MOST_BYTES = 8 << 20;

interface Head {
  readonly lane: Lane;
  readonly iterator: AsyncIterator<FedFrame>;
  fed: FedFrame | undefined;
}

/** How long `take` waits when nothing is due, by the pace; 0 where time has passed already and the taker must see it. */
interface NotDue {
  readonly waitMs: number;
}

/** One reading of the range; another one begins where the reader says. */
export class ReplayFeed implements FrameFeed {
  readonly #options: ReplayFeedOptions;
  readonly #signal: AbortSignal;
  readonly #heads: Promise<Head[]>;
  /** Where both clocks stood when the first frame was due. */
  #anchor: { readonly realMs: number; readonly replayMs: number } | undefined;
  #finished = false;
  #isOver = false;

  constructor(options: ReplayFeedOptions, { from, signal }: Pick<FrameFeedOptions, 'from' | 'signal'>) {
    this.#options = options;
    this.#signal = signal;
    this.#heads = Promise.all(EVENT_LANES.map((lane) => openHead(lane, frames(options.log, lane, { from, signal }))));
    // Whoever takes is told of a failure; until then it is nobody's surprise.
    void Promise.allSettled([this.#heads]);
  }

  get finished(): boolean {
    return this.#finished;
  }

  /** Whether the whole range was given out and its end was seen. */
  get isOver(): boolean {
    return this.#isOver;
  }

  nudge(): void {
    // Nobody shares a replay: what is owned never changes.
  }

  /** What is due; empty where time alone has passed. */
  async take(_most: number, waitMs: number): Promise<FedFrame[]> {
    try {
      return await this.#takeDue(waitMs);
    } catch (error) {
      if (!this.#signal.aborted) throw error;
      this.#finished = true;
      return [];
    }
  }

  async #takeDue(waitMs: number): Promise<FedFrame[]> {
    const { clock, endMs, onFrame } = this.#options;
    const heads = await this.#heads;
    const taken: FedFrame[] = [];
    const sinceMs = clock.nowMs();
    for (let bytes = 0; taken.length < MOST_FRAMES && bytes < MOST_BYTES; ) {
      const head = earliest(heads);
      if (head?.fed === undefined) {
        if (taken.length > 0) break;
        // The end of the range is seen as time: what waited for it is decided.
        clock.advance(endMs);
        this.#finished = this.#isOver = true;
        break;
      }
      const notDue = this.#due(head.fed, taken.length > 0 ? sinceMs : undefined);
      if (notDue !== undefined) {
        if (taken.length === 0 && notDue.waitMs > 0) await this.#wait(Math.min(notDue.waitMs, waitMs), head.fed.stored.storedMs);
        break;
      }
      taken.push(head.fed);
      bytes += head.fed.stored.body.length;
      onFrame(head.lane, head.fed.position);
      head.fed = await nextOf(head.iterator);
    }
    return taken;
  }

  /** Moves the clock to a frame that is due; otherwise says how long it is not. Frames without a chosen event are always due, and no time passes with them. */
  #due(fed: FedFrame, batchSinceMs: number | undefined): NotDue | undefined {
    const { choice, clock, speed, spanMs } = this.#options;
    if (!choice.hasAny(fed)) return undefined;
    const { storedMs } = fed.stored;
    const waitMs = speed === 0 ? 0 : this.#dueInMs(storedMs);
    if (waitMs > 0) return { waitMs };
    if (storedMs - (batchSinceMs ?? clock.nowMs()) > spanMs) {
      if (batchSinceMs === undefined) clock.advance(storedMs - 1);
      return { waitMs: 0 };
    }
    clock.advance(storedMs);
    return undefined;
  }

  #dueInMs(storedMs: number): number {
    const { clock, speed, realTime } = this.#options;
    // What stands before the first frame is nobody's to wait for.
    this.#anchor ??= { realMs: realTime.monotonicMs(), replayMs: Math.max(clock.nowMs(), storedMs) };
    return this.#anchor.realMs + (storedMs - this.#anchor.replayMs) / speed - realTime.monotonicMs();
  }

  /** Waits a while, and lets the clock go on meanwhile; no further than to the next frame. */
  async #wait(waitMs: number, nextMs: number): Promise<void> {
    const { clock, speed, realTime } = this.#options;
    await pause(Math.min(waitMs, TICK_MS / speed), this.#signal);
    if (this.#anchor === undefined) return;
    const paceMs = this.#anchor.replayMs + (realTime.monotonicMs() - this.#anchor.realMs) * speed;
    clock.advance(Math.min(Math.floor(paceMs), nextMs - 1));
  }
}

async function* frames(
  log: Pick<ReplayLog, 'read'>,
  lane: Lane,
  { from, signal }: Pick<FrameFeedOptions, 'from' | 'signal'>,
): AsyncGenerator<FedFrame, void, undefined> {
  for await (const stored of log.read(eventsFilter(lane), from(lane), { signal })) yield openFed(lane, stored);
}

async function openHead(lane: Lane, iterator: AsyncIterator<FedFrame>): Promise<Head> {
  return { lane, iterator, fed: await nextOf(iterator) };
}

async function nextOf(iterator: AsyncIterator<FedFrame>): Promise<FedFrame | undefined> {
  const { value, done } = await iterator.next();
  return done === true ? undefined : (value as FedFrame);
}

/** The head received first; of two at once that of the live lane. */
function earliest(heads: readonly Head[]): Head | undefined {
  let first: Head | undefined;
  for (const head of heads) {
    if (head.fed !== undefined && (first?.fed === undefined || head.fed.stored.storedMs < first.fed.stored.storedMs)) first = head;
  }
  return first;
}
