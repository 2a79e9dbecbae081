/**
 * What waits in the framer, of one lane: records in order per (partition, tenant), and how a cycle is cut from them. A cycle
 * takes one frame of each in turn until its bounds are reached, so that one tenant's flood leaves room for the others.
 */
import type { EventPosition, FrameRecord } from '@tocsin/core';

/** One addition that waits for its answer. */
export interface Waiter {
  readonly positions: EventPosition[];
  missing: number;
  failed: boolean;
  readonly resolve: (positions: EventPosition[]) => void;
  readonly reject: (error: unknown) => void;
}

/** What records weigh: their bytes and an estimate of their columns. */
export interface Weights {
  readonly each: readonly number[];
  readonly total: number;
}

/** Records added together. */
export interface Addition {
  readonly records: readonly FrameRecord[];
  readonly weights: Weights;
  readonly waiter: Waiter;
}

/** A frame to be made: records of one tenant and partition, and whose they are. */
export interface FramePlan {
  readonly tenant: string;
  readonly partition: number;
  /** May be none, where everything was dropped. */
  readonly records: readonly FrameRecord[];
  /** Weight that the queue has held for it, with that of dropped records of failed additions. */
  readonly weight: number;
  /** In the order of `records`. */
  readonly segments: readonly { readonly waiter: Waiter; readonly from: number; readonly count: number }[];
}

/** Records waiting in one lane. */
export interface FramerQueue {
  readonly isEmpty: boolean;
  /** Weight of what waits. */
  readonly bytes: number;
  weigh(records: readonly FrameRecord[]): Weights;
  push(group: { readonly tenant: string; readonly partition: number }, addition: Addition): void;
  /** Cuts the next cycle; empty only where nothing waits. */
  takeCycle(limits: { readonly maxFrames: number; readonly maxBytes: number }): FramePlan[];
}

/** Frame limits of wire.md; the weights keep below them because they count columns too. */
const MAX_FRAME_EVENTS = 512;
const MAX_FRAME_BYTES = 256 * 1024;
/** Fixed columns of one event and its share of the dictionaries. */
const COLUMN_BYTES = 64;

/** Additions taken before the list is shortened: a group that never empties must not keep them all. */
const FORGET_FROM = 256;

interface Group {
  readonly tenant: string;
  readonly partition: number;
  /** Additions in order; the first may be taken in part. */
  readonly waiting: Addition[];
  /** Records already taken of `waiting[head]`. */
  taken: number;
  /** First addition not wholly taken: moving an index is cheaper than shifting. */
  head: number;
}

/** An empty queue. */
export function createFramerQueue(): FramerQueue {
  const groups = new Map<string, Group>();
  let bytes = 0;
  return {
    get isEmpty() {
      return groups.size === 0;
    },
    get bytes() {
      return bytes;
    },
    weigh,
    push({ tenant, partition }, addition) {
      const key = `${partition}:${tenant}`;
      let group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { tenant, partition, waiting: [], taken: 0, head: 0 }));
      group.waiting.push(addition);
      bytes += addition.weights.total;
    },
    takeCycle(limits) {
      const plans: FramePlan[] = [];
      let cycleBytes = 0;
      while (groups.size > 0 && plans.length < limits.maxFrames && cycleBytes < limits.maxBytes) {
        const [key, group] = groups.entries().next().value as [string, Group];
        const plan = takeFrame(group);
        cycleBytes += plan.weight;
        plans.push(plan);
        // Back to the end of the row, so that the others come first.
        groups.delete(key);
        if (group.head < group.waiting.length) groups.set(key, group);
      }
      bytes -= cycleBytes;
      return plans;
    },
  };
}

function weigh(records: readonly FrameRecord[]): Weights {
  let total = 0;
  const each = records.map((record) => {
    const weight = weightOf(record);
    total += weight;
    return weight;
  });
  return { each, total };
}

function weightOf(record: FrameRecord): number {
  let weight = record.record.length + COLUMN_BYTES + record.id.length + record.type.length;
  for (const name in record.attributes) weight += record.attributes[name as keyof typeof record.attributes]?.length ?? 0;
  return weight + lengthOf(record.subject) + lengthOf(record.correlationId) + lengthOf(record.causationId) + lengthOf(record.traceparent);
}

function lengthOf(text: string | undefined): number {
  return text === undefined ? 0 : text.length;
}

function takeFrame(group: Group): FramePlan {
  const records: FrameRecord[] = [];
  const segments: { waiter: Waiter; from: number; count: number }[] = [];
  let bytes = 0;
  let droppedBytes = 0;
  while (group.head < group.waiting.length) {
    const addition = group.waiting[group.head] as Addition;
    const from = group.taken;
    const { length } = addition.records;
    // The sender of a failed addition repeats the whole: its rest would only be stored twice.
    const end = addition.waiter.failed
      ? length
      : lastThatFits(addition, from, {
          events: MAX_FRAME_EVENTS - records.length,
          bytes: MAX_FRAME_BYTES - bytes,
          isFirst: records.length === 0,
        });
    const weight = weightBetween(addition, from, end);
    if (addition.waiter.failed) droppedBytes += weight;
    else if (end > from) {
      bytes += weight;
      for (let i = from; i < end; i++) records.push(addition.records[i] as FrameRecord);
      segments.push({ waiter: addition.waiter, from, count: end - from });
    }
    group.taken = end;
    if (end < length) break;
    group.head++;
    group.taken = 0;
  }
  if (group.head >= FORGET_FROM) {
    group.waiting.splice(0, group.head);
    group.head = 0;
  }
  return { tenant: group.tenant, partition: group.partition, records, weight: bytes + droppedBytes, segments };
}

function weightBetween(addition: Addition, from: number, end: number): number {
  let weight = 0;
  for (let i = from; i < end; i++) weight += addition.weights.each[i] as number;
  return weight;
}

/** One past the last record that the frame has room for; a frame's first record always fits. */
function lastThatFits(addition: Addition, from: number, room: { events: number; bytes: number; isFirst: boolean }): number {
  let end = from;
  let bytes = 0;
  while (end < addition.records.length && end - from < room.events) {
    bytes += addition.weights.each[end] as number;
    if (bytes > room.bytes && !(room.isFirst && end === from)) break;
    end++;
  }
  return end;
}
