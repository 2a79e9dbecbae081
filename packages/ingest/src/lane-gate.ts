/**
 * Weights of the lanes at the framer: while live frames are being committed, bulk waits, but never for more than a few live cycles in
 * a row nor for long; and while live frames come at all, bulk commits little at a time, so that the next live cycle soon has the disk.
 */
import type { Clock, Lane } from '@tocsin/core';

/** Bounds of one cycle. */
export interface CycleLimits {
  readonly maxFrames: number;
  readonly maxBytes: number;
}

/** Who may commit now. */
export interface LaneGate {
  /** Whether a cycle of the lane may begin; where not, `onFree` is called once it is worth asking again. */
  mayBegin(lane: Lane): boolean;
  /** A cycle of the lane begins; answers its bounds. */
  begin(lane: Lane): CycleLimits;
  /** The cycle has settled. */
  end(lane: Lane): void;
}

/** Most frames in one atomic batch (nats-server 2.12 and later), and bytes of records: bounds how long a later arrival waits for the encoding of earlier ones. */
const WHOLE: CycleLimits = { maxFrames: 1000, maxBytes: 8 * 1024 * 1024 };
/** A cycle of bulk while live frames come. */
const SMALL: CycleLimits = { maxFrames: 8, maxBytes: 1024 * 1024 };
/** Live cycles after which a waiting bulk cycle goes beside the next one. */
const LIVE_PER_BULK = 4;
/** How long a bulk cycle waits for live ones at most, milliseconds: a live cycle that is not answered must not hold up bulk too. */
const WAIT_MS = 50;
/** How long after a live cycle live frames are taken to come, milliseconds. */
const LIVE_RECENT_MS = 1000;

/** A gate for one framer. `onFree` is told that bulk may ask again. */
export function createLaneGate(clock: Pick<Clock, 'monotonicMs'>, onFree: () => void): LaneGate {
  let liveBusy = false;
  let liveSinceBulk = 0;
  let liveMs = Number.NEGATIVE_INFINITY;
  let isOverdue = false;
  let waiting: NodeJS.Timeout | undefined;
  const overdue = (): void => {
    isOverdue = true;
    onFree();
  };
  return {
    mayBegin(lane) {
      if (lane === 'live' || !liveBusy || liveSinceBulk >= LIVE_PER_BULK || isOverdue) return true;
      waiting ??= setTimeout(overdue, WAIT_MS);
      return false;
    },
    begin(lane) {
      if (lane === 'live') {
        liveBusy = true;
        liveSinceBulk += 1;
        liveMs = clock.monotonicMs();
        return WHOLE;
      }
      clearTimeout(waiting);
      [liveSinceBulk, isOverdue, waiting] = [0, false, undefined];
      return clock.monotonicMs() - liveMs < LIVE_RECENT_MS ? SMALL : WHOLE;
    },
    end(lane) {
      if (lane === 'bulk') return;
      liveBusy = false;
      onFree();
    },
  };
}
