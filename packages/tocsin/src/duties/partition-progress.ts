/**
 * How far the matcher has come, restored from the log: for each partition it owns the newest step, the watermarks, and the
 * dedup window before it. A step says how far its own partition is read, so that a partition can pass from owner to owner.
 */
import { comparePositions, type ReplayLog, type Start, type Stored } from '@tocsin/bus';
import { type FrameView, type Lane, type MatchStep, type Position, sourceKey } from '@tocsin/core';
import { EVENT_LANES, eventsFilter, matchesSubject, partitionEventsFilter } from '../subjects.ts';
import { DEDUP_WINDOW_MS, type FrameDedup } from './frame-dedup.ts';
import { type FedFrame, type FrameInput, openFed } from './frame-feed.ts';
import { TICK_MS } from './tick.ts';
import { Watermarks } from './watermarks.ts';

/** Positions by lane. */
export type ReadPositions = Readonly<Partial<Record<Lane, Position>>>;

/** One partition as its owner sees it. */
export interface PartitionProgress {
  readonly partition: number;
  /** Position of its newest step: what the next one expects. */
  last: Position | 'none';
  /** Read and judged by now, and as of its newest step. */
  read: ReadPositions;
  written: ReadPositions;
  /** Rule set of its newest step. */
  ruleSet: string | undefined;
  /** Order of that rule set. */
  order: number;
  /** Whether its newest step was written by a version whose steps said how far all partitions together were read. */
  readonly isFormer: boolean;
  readonly watermarks: Watermarks;
}

/** What restoring works with. */
export interface RestoreContext {
  readonly log: ReplayLog;
  readonly dedup: FrameDedup;
  /** Partitions of the installation. */
  readonly count: number;
  /** What was sent to nobody while nobody ran is still to come; milliseconds since 1970. */
  readonly nowMs: number;
  /** As `WatermarkOptions` have it. */
  readonly steadyMs?: (() => number) | undefined;
  readonly idleAfterMs: number;
  /** Which events count; all of them where absent. */
  readonly input?: Pick<FrameInput, 'choose'> | undefined;
}

/** Partitions restored side by side: each fills a buffer of its own. */
const AT_ONCE = 4;

/** Restores partitions from MATCHES, and the dedup window of each from EVENTS. */
export async function restorePartitions(context: RestoreContext, partitions: readonly number[]): Promise<PartitionProgress[]> {
  const restored: PartitionProgress[] = [];
  const former = await readByFormer(context, partitions);
  for (let i = 0; i < partitions.length; i += AT_ONCE) {
    const some = partitions.slice(i, i + AT_ONCE);
    restored.push(...(await Promise.all(some.map((partition) => restorePartition(context, partition, former)))));
  }
  return restored;
}

/**
 * Where to read on in a lane so that nothing of these partitions is missed: behind what all of them have read. A partition that has been
 * quiet since it was read does not hold the others back.
 */
export async function startOf(log: ReplayLog, lane: Lane, partitions: readonly PartitionProgress[]): Promise<Start> {
  const { last, messages } = await log.info(eventsFilter(lane));
  if (last === undefined || messages === 0) return 'first';
  const starts = await Promise.all(partitions.map((one) => startOfPartition(log, lane, { one, last })));
  const least = starts.reduce((a, b) => (a === undefined || b === undefined ? undefined : earlier(a, b)), last as Position | undefined);
  return least === undefined ? 'first' : { after: least };
}

/** Of two sets of positions the later of each lane. */
export function furthest(a: ReadPositions, b: ReadPositions): ReadPositions {
  const both: Partial<Record<Lane, Position>> = { ...a };
  for (const lane of EVENT_LANES) {
    const known = both[lane];
    const other = b[lane];
    if (other !== undefined && (known === undefined || comparePositions(known, other) < 0)) both[lane] = other;
  }
  return both;
}

/** The first frame of a partition behind a position, up to another; undefined where there is none. */
export async function firstFrame(
  log: Pick<ReplayLog, 'read'>,
  { lane, partition, after, until }: { lane: Lane; partition: number; after: Position | undefined; until: Position },
): Promise<Position | undefined> {
  const start = after === undefined ? 'first' : { after };
  for await (const stored of log.read(partitionEventsFilter(lane, partition), start, { until, limit: 1 })) return stored.position;
  return undefined;
}

/** A step as stored on MATCHES. */
export function parseStep(stored: Stored): MatchStep {
  return JSON.parse(Buffer.from(stored.body).toString()) as MatchStep;
}

/** Takes note of the times of a frame's events, or of those chosen among them. */
export function observeTimes({ watermarks }: PartitionProgress, frame: FrameView, isChosen?: (index: number) => boolean): void {
  let source: string | undefined;
  let key = '';
  for (let i = 0; i < frame.header.count; i++) {
    if (isChosen?.(i) === false) continue;
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
  { dedup, lane, until, filter = eventsFilter(lane) }: RefillOptions,
  onFrame?: (fed: FedFrame, frame: FrameView) => void,
): Promise<void> {
  const [newest] = await log.get([until]);
  const from = newest === undefined ? 'first' : new Date(newest.storedMs - DEDUP_WINDOW_MS - STORED_LATER_MS);
  for await (const stored of log.read(filter, from, { until })) {
    const fed = openFed(lane, stored);
    if (!fed.frame) continue;
    dedup.judge(lane, fed.frame);
    onFrame?.(fed, fed.frame);
    fed.frame.release();
  }
}

/** What a dedup fold is refilled with. */
export interface RefillOptions {
  readonly dedup: FrameDedup;
  readonly lane: Lane;
  readonly until: Position;
  /** The lane where absent. */
  readonly filter?: string | undefined;
}

/** How much later than received an event may be stored, milliseconds: more than any commit takes. */
const STORED_LATER_MS = 60_000;
/** How far back the last step of every source lies at most: those of idle ones come with each tick. */
const WATERMARKS_BACK_MS = 10 * TICK_MS;

async function restorePartition(context: RestoreContext, partition: number, former: ReadPositions): Promise<PartitionProgress> {
  const { log, dedup, nowMs, idleAfterMs, steadyMs } = context;
  const watermarks = new Watermarks({ idleAfterMs, listeningSinceMs: nowMs, steadyMs });
  const stored = await log.last(matchesSubject(partition));
  const none = { partition, last: 'none', read: {}, written: {}, ruleSet: undefined, order: 0, isFormer: false, watermarks } as const;
  if (!stored) return { ...none };
  const step = parseStep(stored);
  const isFormer = step.order === undefined;
  const read = isFormer ? former : step.read;
  await restoreWatermarks(log, { partition, watermarks }, stored);
  const own = { ...none, last: stored.position, read, written: read, ruleSet: step.ruleSet, order: step.order ?? 0, isFormer };
  for (const lane of EVENT_LANES) {
    const until = read[lane];
    if (until === undefined) continue;
    const filter = partitionEventsFilter(lane, partition);
    await refillDedup(log, { dedup, lane, until, filter }, (fed, frame) => observeTimes(own, frame, context.input?.choose(fed, frame)));
  }
  return own;
}

/**
 * Steps of former versions said, with the last step of each commit, how far all partitions together were read: the furthest that any
 * names was reached by all. Asked of all partitions, only where there is such a step.
 */
async function readByFormer({ log, count }: RestoreContext, partitions: readonly number[]): Promise<ReadPositions> {
  const [first] = partitions;
  const probe = first === undefined ? undefined : await log.last(matchesSubject(first));
  const others = await Promise.all(partitions.slice(1).map((partition) => log.last(matchesSubject(partition))));
  const seen = [probe, ...others].flatMap((stored) => (stored ? [parseStep(stored)] : []));
  if (!seen.some((step) => step.order === undefined)) return {};
  let read: ReadPositions = {};
  for (let partition = 0; partition < count; partition++) {
    const stored = await log.last(matchesSubject(partition));
    const step = stored && parseStep(stored);
    if (step && step.order === undefined) read = furthest(read, step.read);
  }
  return read;
}

async function startOfPartition(
  log: ReplayLog,
  lane: Lane,
  { one, last }: { one: PartitionProgress; last: Position },
): Promise<Position | undefined> {
  const after = one.read[lane];
  if (after !== undefined && comparePositions(after, last) >= 0) return last;
  const next = await firstFrame(log, { lane, partition: one.partition, after, until: last });
  return next === undefined ? last : after;
}

function earlier(a: Position, b: Position): Position {
  return comparePositions(a, b) <= 0 ? a : b;
}

/** Ticks write every source's watermark: the steps of the last few ticks hold all of them. */
async function restoreWatermarks(
  log: ReplayLog,
  { partition, watermarks }: Pick<PartitionProgress, 'partition' | 'watermarks'>,
  newest: Stored,
): Promise<void> {
  const from = new Date(newest.storedMs - WATERMARKS_BACK_MS);
  for await (const stored of log.read(matchesSubject(partition), from)) watermarks.restore(parseStep(stored).watermarks, stored.storedMs);
}
