/**
 * How far the matcher has come, restored from the log: the newest step of each partition, its watermarks, and the dedup
 * window before it. One reader serves all partitions and commits their steps together, the last of which says how far it has
 * come: the furthest position any step names has been reached by all.
 */
import { comparePositions, type ReplayLog, type Start, type Stored } from '@tocsin/bus';
import { type FrameView, type Lane, type MatchStep, type Position, sourceKey } from '@tocsin/core';
import { eventsFilter, matchesSubject } from '../subjects.ts';
import { DEDUP_WINDOW_MS, FrameDedup } from './frame-dedup.ts';
import { openFed } from './frame-feed.ts';
import { TICK_MS } from './tick.ts';
import { Watermarks } from './watermarks.ts';

/** One partition as its owner sees it. */
export interface PartitionProgress {
  readonly partition: number;
  /** Position of its newest step: what the next one expects. */
  last: Position | 'none';
  readonly watermarks: Watermarks;
}

/** All partitions and the positions read. */
export interface Progress {
  readonly partitions: readonly PartitionProgress[];
  readonly read: Partial<Record<Lane, Position>>;
  readonly dedup: FrameDedup;
}

/** Where to read on in a lane. */
export function startOf(progress: Progress, lane: Lane): Start {
  const after = progress.read[lane];
  return after === undefined ? 'first' : { after };
}

/** Restores progress from MATCHES and the dedup window from EVENTS. `nowMs`: what was sent to nobody while nobody ran is still to come. */
export async function restoreProgress(
  log: ReplayLog,
  { count, nowMs, idleAfterMs }: { count: number; nowMs: number; idleAfterMs: number },
): Promise<Progress> {
  const progress: Progress = {
    partitions: Array.from({ length: count }, (_, partition) => ({
      partition,
      last: 'none',
      watermarks: new Watermarks({ idleAfterMs, listeningSinceMs: nowMs }),
    })),
    read: {},
    dedup: new FrameDedup(),
  };
  for (const partition of progress.partitions) {
    const stored = await log.last(matchesSubject(partition.partition));
    if (!stored) continue;
    partition.last = stored.position;
    advanceRead(progress, parseStep(stored));
    await restoreWatermarks(log, partition, stored);
  }
  for (const lane of ['live', 'bulk'] as const) {
    const until = progress.read[lane];
    if (until === undefined) continue;
    await refillDedup(log, { dedup: progress.dedup, lane, until }, (frame, partition) => {
      const own = progress.partitions[partition];
      if (own) observeTimes(own, frame);
    });
  }
  return progress;
}

/** A step as stored on MATCHES. */
export function parseStep(stored: Stored): MatchStep {
  return JSON.parse(Buffer.from(stored.body).toString()) as MatchStep;
}

/** Takes note of the times of a frame's events. */
export function observeTimes({ watermarks }: PartitionProgress, frame: FrameView): void {
  let source: string | undefined;
  let key = '';
  for (let i = 0; i < frame.header.count; i++) {
    if (frame.source(i) !== source) {
      source = frame.source(i);
      key = sourceKey(frame.header.tenant, source);
    }
    const receivedMs = frame.receivedMs(i);
    // A time in the future is one record's claim: taken for the source's time it would make everybody else's events late.
    watermarks.observe(key, Math.min(frame.timeMs(i), receivedMs), receivedMs);
  }
}

/**
 * Feeds the window before a position through a dedup fold, so that it judges what comes next as if it had never stopped. The window
 * ends where reading stopped, not where the clock stands: who was behind has older ids to remember.
 */
export async function refillDedup(
  log: Pick<ReplayLog, 'read' | 'get'>,
  { dedup, lane, until }: { readonly dedup: FrameDedup; readonly lane: Lane; readonly until: Position },
  onFrame?: (frame: FrameView, partition: number) => void,
): Promise<void> {
  const [newest] = await log.get([until]);
  const from = newest === undefined ? 'first' : new Date(newest.storedMs - DEDUP_WINDOW_MS - STORED_LATER_MS);
  for await (const stored of log.read(eventsFilter(lane), from, { until })) {
    const { frame, partition } = openFed(lane, stored);
    if (!frame) continue;
    dedup.judge(lane, frame);
    onFrame?.(frame, partition);
  }
}

/** How much later than received an event may be stored, milliseconds: more than any commit takes. */
const STORED_LATER_MS = 60_000;
/** How far back the last step of every source lies at most: those of idle ones come with each tick. */
const WATERMARKS_BACK_MS = 10 * TICK_MS;

function advanceRead(progress: Progress, step: MatchStep): void {
  for (const [lane, position] of Object.entries(step.read) as [Lane, Position][]) {
    const known = progress.read[lane];
    if (known === undefined || comparePositions(known, position) < 0) progress.read[lane] = position;
  }
}

/** Ticks write every source's watermark: the steps of the last few ticks hold all of them. */
async function restoreWatermarks(log: ReplayLog, { partition, watermarks }: PartitionProgress, newest: Stored): Promise<void> {
  const from = new Date(newest.storedMs - WATERMARKS_BACK_MS);
  for await (const stored of log.read(matchesSubject(partition), from)) watermarks.restore(parseStep(stored).watermarks, stored.storedMs);
}
