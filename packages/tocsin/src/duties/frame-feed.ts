/**
 * The frames of both lanes, opened and in the order of each partition, from given positions on: what the matcher and the
 * frame catalogue read. A message that is no frame is handed on as such; it never stops the feed.
 */
import { type OpenedFrame, openFrame, type ReplayLog, type Start, type Stored } from '@tocsin/bus';
import { decodeToken, type FrameView, isTocsinError, type Lane, type Position } from '@tocsin/core';
import { EVENT_LANES, eventsFilter } from '../subjects.ts';
import { LaneFeed } from './lane-feed.ts';

/** One message of EVENTS: a frame, or bytes that are none and why. */
export interface FedFrame {
  readonly lane: Lane;
  readonly position: Position;
  readonly partition: number;
  readonly tenant: string;
  readonly stored: Stored;
  /** To be released by whoever is done with it. */
  readonly frame?: OpenedFrame | undefined;
  readonly unreadable?: string | undefined;
}

/** Where whoever reads frames in batches takes them from. */
export type FrameFeed = Pick<LaneFeed<FedFrame>, 'take' | 'finished' | 'nudge'>;

/** What is read in the place of the lanes as they grow: part of the log, by its own clock. */
export interface FrameInput {
  /** Begins to read; nothing is lost where it is done again. */
  open(options: FrameFeedOptions): FrameFeed;
  /** Which events of a frame are to be judged; undefined: all of them. */
  choose(fed: FedFrame, frame: FrameView): ((index: number) => boolean) | undefined;
  /** Whether everything was given out: there is nothing to wait for. */
  readonly isOver: boolean;
}

/** What a feed is made of. */
export interface FrameFeedOptions {
  readonly from: (lane: Lane) => Start;
  /** Whether frames of a partition are wanted; others are handed on unopened, for their position. */
  readonly wants?: ((partition: number) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** Follows both lanes until aborted, live before bulk. Errors of reading come out of `take`. */
export function openFrameFeed(log: Pick<ReplayLog, 'read'>, { from, wants, signal }: FrameFeedOptions): LaneFeed<FedFrame> {
  const feed = new LaneFeed<FedFrame>();
  const reading = EVENT_LANES.map(async (lane) => {
    for await (const stored of log.read(eventsFilter(lane), from(lane), { follow: true, signal })) {
      const partition = Number(stored.subject.split('.')[3]);
      const isWanted = wants === undefined || wants(partition);
      await feed.put(lane, isWanted ? openFed(lane, stored) : { lane, position: stored.position, partition, tenant: '', stored });
    }
  });
  Promise.all(reading).then(
    () => feed.end(),
    (error: unknown) => feed.end(signal.aborted ? undefined : { error }),
  );
  return feed;
}

/** Opens one message of EVENTS. A frame whose own tenant is not its subject's is refused as unreadable. */
export function openFed(lane: Lane, stored: Stored): FedFrame {
  const [, , , partition = '', tenantToken = ''] = stored.subject.split('.');
  const fed = { lane, position: stored.position, partition: Number(partition), stored };
  try {
    const tenant = decodeToken(tenantToken);
    return { ...fed, tenant, frame: openFrame(stored.body, { tenant }) };
  } catch (error) {
    if (!isTocsinError(error, 'bus.bad_frame') && !isTocsinError(error, 'bus.bad_name')) throw error;
    return { ...fed, tenant: isTocsinError(error, 'bus.bad_name') ? tenantToken : decodeToken(tenantToken), unreadable: error.message };
  }
}
