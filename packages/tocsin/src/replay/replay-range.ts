/** The part of the log that a replay reads, worked out once when it begins: what is stored later is not in it. */
import { encodePosition, parsePosition, type ReplayLog, type StreamInfo } from '@tocsin/bus';
import { type Lane, type Position, TocsinError } from '@tocsin/core';
import { DEDUP_WINDOW_MS } from '../duties/frame-dedup.ts';
import { EVENT_LANES, EVENTS_STREAM, eventsFilter } from '../subjects.ts';
import type { LaneRange, ReplayRange, ReplaySpec } from './replay-order.ts';

/** How much later than received an event may be stored, milliseconds: more than any commit takes. */
const STORED_LATER_MS = 60_000;
/** How far behind its event time an event may have been received, milliseconds: more than any allowed skew of a producer's clock. */
const RECEIVED_EARLIER_MS = 86_400_000;

/** The range as of now. @throws replay.bad_range, bus.bad_position */
export async function resolveRange(log: Pick<ReplayLog, 'read' | 'get' | 'info'>, spec: ReplaySpec, nowMs: number): Promise<ReplayRange> {
  const { fromMs, toMs, time } = spec;
  if (fromMs !== undefined && toMs !== undefined && fromMs >= toMs)
    throw new TocsinError('replay.bad_range', { reason: `it begins at ${new Date(fromMs).toISOString()} and ends no later` });
  const lanes: Partial<Record<Lane, LaneRange>> = {};
  let [startMs, endMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const lane of lanesOf(spec)) {
    const found = await laneRange(log, lane, spec);
    if (found === undefined) continue;
    lanes[lane] = found.range;
    startMs = Math.min(startMs, found.startMs);
    endMs = Math.max(endMs, found.endMs);
  }
  const lastMs = finite(endMs, nowMs);
  if (spec.toPosition !== undefined) return { lanes, startMs: finite(startMs, nowMs), endMs: lastMs, lastMs };
  const start = time === 'received' && fromMs !== undefined ? fromMs : finite(startMs, nowMs);
  return { lanes, startMs: start, endMs: time === 'received' ? Math.min(toMs ?? nowMs, nowMs) : nowMs, lastMs };
}

/** Part of the range that is read, 0 … 1, given the number of the message read last in each lane. */
export function shareRead({ lanes }: ReplayRange, read: Readonly<Partial<Record<Lane, Position>>>): number {
  let [all, done] = [0, 0];
  for (const lane of EVENT_LANES) {
    const range = lanes[lane];
    if (range === undefined) continue;
    all += parsePosition(range.last).sequence - range.first + 1;
    const position = read[lane];
    if (position !== undefined) done += Math.max(0, parsePosition(position).sequence - range.first + 1);
  }
  return all === 0 ? 1 : Math.min(1, done / all);
}

function lanesOf({ lanes, fromPosition, toPosition }: ReplaySpec): readonly Lane[] {
  const named = [fromPosition, toPosition].flatMap((position) => (position === undefined ? [] : [parsePosition(position).stream]));
  const asked = lanes.length === 0 ? EVENT_LANES : EVENT_LANES.filter((lane) => lanes.includes(lane));
  if (new Set(named).size > 1) throw new TocsinError('replay.bad_range', { reason: 'its two positions are of different streams' });
  const [stream] = named;
  if (stream === undefined) return asked;
  const ofPosition = asked.filter((lane) => EVENTS_STREAM[lane] === stream);
  if (ofPosition.length === 0)
    throw new TocsinError('replay.bad_range', { reason: `a position of ${stream} is none of the events that are asked for` });
  return ofPosition;
}

interface FoundLane {
  readonly range: LaneRange;
  readonly startMs: number;
  readonly endMs: number;
}

/** Undefined where the lane holds nothing of the range. */
async function laneRange(log: Pick<ReplayLog, 'read' | 'get' | 'info'>, lane: Lane, spec: ReplaySpec): Promise<FoundLane | undefined> {
  const info = await log.info(eventsFilter(lane));
  const last = await lastOf(log, lane, { spec, info });
  if (last === undefined || info.messages === 0) return undefined;
  const sinceMs = Math.max(0, await sinceOf(log, spec));
  for await (const stored of log.read(eventsFilter(lane), new Date(sinceMs), { limit: 1 })) {
    const first = parsePosition(stored.position).sequence;
    if (first > parsePosition(last).sequence) return undefined;
    const [end] = await log.get([last]);
    return { range: { sinceMs, first, last }, startMs: stored.storedMs, endMs: end?.storedMs ?? stored.storedMs };
  }
  return undefined;
}

async function lastOf(
  log: Pick<ReplayLog, 'read' | 'get'>,
  lane: Lane,
  { spec, info }: { spec: ReplaySpec; info: StreamInfo },
): Promise<Position | undefined> {
  if (spec.toPosition !== undefined) {
    // Refused where it is beyond the end, or of another life of the stream.
    await log.get([spec.toPosition]);
    return spec.toPosition;
  }
  if (spec.time === 'event' || spec.toMs === undefined) return info.last;
  for await (const stored of log.read(eventsFilter(lane), new Date(spec.toMs + STORED_LATER_MS), { limit: 1 }))
    return before(stored.position);
  return info.last;
}

/** Time since which messages are read: earlier than wanted by as much as duplicates may lie apart. */
async function sinceOf(log: Pick<ReplayLog, 'get'>, { fromPosition, fromMs, time }: ReplaySpec): Promise<number> {
  const warmUpMs = DEDUP_WINDOW_MS + STORED_LATER_MS;
  if (fromPosition !== undefined) {
    const [first] = await log.get([fromPosition]);
    return first === undefined ? 0 : first.storedMs - warmUpMs;
  }
  if (fromMs === undefined) return 0;
  return fromMs - warmUpMs - (time === 'event' ? RECEIVED_EARLIER_MS : 0);
}

function before(position: Position): Position | undefined {
  const parts = parsePosition(position);
  return parts.sequence === 1 ? undefined : encodePosition({ ...parts, sequence: parts.sequence - 1 });
}

function finite(ms: number, fallbackMs: number): number {
  return Number.isFinite(ms) ? ms : fallbackMs;
}
