/**
 * Events of one group by event time, for counting in sliding windows at millisecond resolution. A window ends at an event and reaches
 * back a timespan, both ends included. Appending in order and counting take logarithmic time; an out-of-order event shifts what follows it.
 */

/** All events of one millisecond. */
export interface Bucket {
  readonly timeMs: number;
  /** Events in it. */
  count: number;
  /** Events in it and in all before it, since the group began. */
  total: number;
  /** The first of its events by (source, id): names the episode that begins here. */
  source: string;
  eventId: string;
}

/** A stretch of event time, both ends included, milliseconds since 1970. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Index of the first bucket at or after a time. */
export function firstFrom(buckets: readonly Bucket[], timeMs: number): number {
  let low = 0;
  let high = buckets.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buckets[middle] as Bucket).timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Events within a stretch. */
export function countWithin(buckets: readonly Bucket[], stretch: Stretch): number {
  return countBetween(buckets, firstFrom(buckets, stretch.fromMs), firstFrom(buckets, stretch.toMs + 1));
}

/** Adds an event. */
export function insertEvent(
  buckets: Bucket[],
  event: { readonly timeMs: number; readonly source: string; readonly eventId: string },
): void {
  const at = firstFrom(buckets, event.timeMs);
  const there = buckets[at];
  if (there?.timeMs === event.timeMs) {
    there.count += 1;
    if (event.source < there.source || (event.source === there.source && event.eventId < there.eventId)) {
      there.source = event.source;
      there.eventId = event.eventId;
    }
  } else {
    const total = at > 0 ? (buckets[at - 1] as Bucket).total : there === undefined ? 0 : there.total - there.count;
    buckets.splice(at, 0, { timeMs: event.timeMs, count: 1, total, source: event.source, eventId: event.eventId });
  }
  for (let i = at; i < buckets.length; i++) (buckets[i] as Bucket).total += 1;
}

/** What a condition says about a count. */
export type CountTest = (count: number) => boolean;

/** The windows ending in a stretch that satisfy the condition, in order; each from its first event to its last. */
export function* satisfyingWindows(
  buckets: readonly Bucket[],
  ends: Stretch,
  options: { timespanMs: number; meets: CountTest },
): Generator<Stretch> {
  let low = 0;
  for (let high = firstFrom(buckets, ends.fromMs); high < buckets.length; high++) {
    const toMs = (buckets[high] as Bucket).timeMs;
    if (toMs > ends.toMs) return;
    if (low === 0) low = firstFrom(buckets, toMs - options.timespanMs);
    while ((buckets[low] as Bucket).timeMs < toMs - options.timespanMs) low += 1;
    if (options.meets(countBetween(buckets, low, high + 1))) yield { fromMs: (buckets[low] as Bucket).timeMs, toMs };
  }
}

/** Windows that share events, joined: the episodes of a group. */
export function joinWindows(windows: Iterable<Stretch>): Stretch[] {
  const joined: Stretch[] = [];
  for (const window of windows) {
    const last = joined[joined.length - 1];
    if (last !== undefined && window.fromMs <= last.toMs) joined[joined.length - 1] = { fromMs: last.fromMs, toMs: window.toMs };
    else joined.push(window);
  }
  return joined;
}

function countBetween(buckets: readonly Bucket[], low: number, high: number): number {
  if (high <= low) return 0;
  const first = buckets[low] as Bucket;
  return (buckets[high - 1] as Bucket).total - first.total + first.count;
}
