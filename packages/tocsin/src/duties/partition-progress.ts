/**
 * How far the matcher has come, restored from the log: the newest step of each partition, its watermarks, and the dedup
 * window before it. One reader serves all partitions and commits their steps together, so the furthest position any step
 * names has been reached by all.
 */
import { comparePositions, type ReplayLog, type Start, type Stored } from '@tocsin/bus';
import type { Lane, MatchStep, Position } from '@tocsin/core';
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
export async function restoreProgress(log: ReplayLog, { count, nowMs }: { count: number; nowMs: number }): Promise<Progress> {
  const progress: Progress = {
    partitions: Array.from({ length: count }, (_, partition) => ({ partition, last: 'none', watermarks: new Watermarks(nowMs) })),
    read: {},
    dedup: new FrameDedup(),
  };
  let newestMs = 0;
  for (const partition of progress.partitions) {
    const stored = await log.last(matchesSubject(partition.partition));
    if (!stored) continue;
    partition.last = stored.position;
    newestMs = Math.max(newestMs, stored.storedMs);
    advanceRead(progress, parseStep(stored));
    await restoreWatermarks(log, partition, stored);
  }
  if (newestMs > 0) await refillDedup(log, progress, newestMs);
  return progress;
}

/** A step as stored on MATCHES. */
export function parseStep(stored: Stored): MatchStep {
  return JSON.parse(Buffer.from(stored.body).toString()) as MatchStep;
}

function advanceRead(progress: Progress, step: MatchStep): void {
  for (const [lane, position] of Object.entries(step.read) as [Lane, Position][]) {
    const known = progress.read[lane];
    if (known === undefined || comparePositions(known, position) < 0) progress.read[lane] = position;
  }
}

/** Ticks write every source's watermark: the steps of the last few ticks hold all of them. */
async function restoreWatermarks(log: ReplayLog, { partition, watermarks }: PartitionProgress, newest: Stored): Promise<void> {
  const from = new Date(newest.storedMs - 5 * TICK_MS);
  for await (const stored of log.read(matchesSubject(partition), from)) watermarks.restore(parseStep(stored).watermarks, stored.storedMs);
}

/** Feeds the window before the checkpoint through the dedup fold, and the watermarks with it. */
async function refillDedup(log: ReplayLog, progress: Progress, newestMs: number): Promise<void> {
  for (const [lane, until] of Object.entries(progress.read) as [Lane, Position][]) {
    for await (const stored of log.read(eventsFilter(lane), new Date(newestMs - DEDUP_WINDOW_MS), { until })) {
      const { frame, partition } = openFed(lane, stored);
      const own = progress.partitions[partition];
      if (!frame || !own) continue;
      progress.dedup.judge(lane, frame);
      for (let i = 0; i < frame.header.count; i++) {
        own.watermarks.observe(`${frame.header.tenant}/${frame.source(i)}`, frame.timeMs(i), frame.receivedMs(i));
      }
    }
  }
}
