/**
 * Group commit: all frames waiting, of all tenants and partitions, go out as one cycle (one atomic batch, or a few plain publishes); while a cycle is in flight the next one fills.
 * An idle source's event goes at once. An uncertain cycle is resent exactly as it was before anything newer is sent.
 */
import type { BatchMessage, BatchOutcome, BatchPublisher } from './batch-publisher.ts';
import { encodeFrame, frameId, maxFrameBytes, maxFrameEvents, partitionOf, type SpikeEvent } from './frame.ts';

/** Accepts posts and makes them durable. */
export interface Framer {
  /** Resolves once every event of the post is durable; rejects when the bus refused them. */
  post(events: readonly SpikeEvent[]): Promise<void>;
  /** Cycles, frames and resends so far. */
  readonly counts: { cycles: number; frames: number; resends: number };
}

type Post = { readonly events: readonly SpikeEvent[]; readonly resolve: () => void; readonly reject: (reason: Error) => void };

const maxBatchMessages = 1000;
const maxCycleEvents = 20_000;

/** `ready` resolves when the connection is usable; asked before each resend. `batchFrom`: cycles of fewer frames go as plain publishes (docs/decisions/0001). */
export function createFramer(publisher: BatchPublisher, ready: () => Promise<void>, batchFrom = 2): Framer {
  const counts = { cycles: 0, frames: 0, resends: 0 };
  const waiting: Post[] = [];
  let isRunning = false;

  async function run(): Promise<void> {
    isRunning = true;
    while (waiting.length > 0) await commitCycle(takeCycle(waiting));
    isRunning = false;
  }

  /**
   * A batch is refused as `duplicate` when *any* of its frames is stored, and then says nothing of the others: after a writer's death
   * re-posted events may make some frames anew and some alike. Each frame alone is idempotent, so the answer is to publish them one by one, in order.
   */
  async function attempt(frames: readonly BatchMessage[]): Promise<BatchOutcome> {
    if (frames.length < batchFrom) return publishEach(frames);
    const outcome = await publisher.commit(frames);
    return outcome.kind === 'duplicate' ? publishEach(frames) : outcome;
  }

  /** Pipelined, in order. A kill cuts the pipeline: a prefix is stored, so that sending all of it again keeps the order. */
  async function publishEach(frames: readonly BatchMessage[]): Promise<BatchOutcome> {
    const outcomes = await Promise.all(frames.map((frame) => publisher.commit([frame])));
    return outcomes.find((each) => each.kind !== 'stored' && each.kind !== 'duplicate') ?? { kind: 'duplicate' };
  }

  async function commitCycle(posts: readonly Post[]): Promise<void> {
    const frames = makeFrames(posts.flatMap((post) => post.events));
    counts.cycles++;
    counts.frames += frames.length;
    let outcome = await attempt(frames);
    while (isRetryable(outcome)) {
      counts.resends++;
      await ready();
      outcome = await attempt(frames);
    }
    const isDurable = outcome.kind === 'stored' || outcome.kind === 'duplicate';
    for (const post of posts) {
      if (isDurable) post.resolve();
      else post.reject(new Error(JSON.stringify(outcome)));
    }
  }

  return {
    counts,
    post(events) {
      return new Promise((resolve, reject) => {
        waiting.push({ events, resolve, reject });
        if (!isRunning) void Promise.resolve().then(() => (isRunning ? undefined : run()));
      });
    },
  };
}

/** 10176 incomplete (server restarted, or batch abandoned) and 10210 too many open batches: nothing was stored by that attempt. */
function isRetryable(outcome: BatchOutcome): boolean {
  return outcome.kind === 'unknown' || (outcome.kind === 'refused' && (outcome.code === 10176 || outcome.code === 10210));
}

/** Whole posts only, so that a post is durable when its cycle is. */
function takeCycle(waiting: Post[]): Post[] {
  let events = 0;
  let count = 0;
  for (const post of waiting) {
    if (count > 0 && (count === maxBatchMessages / 2 || events + post.events.length > maxCycleEvents)) break;
    events += post.events.length;
    count++;
  }
  return waiting.splice(0, count);
}

/** Order within (tenant, partition) is kept; identical events posted twice into one cycle would share a frame id only if framed alike. */
function makeFrames(events: readonly SpikeEvent[]): BatchMessage[] {
  const open = new Map<string, { events: SpikeEvent[]; bytes: number }>();
  const frames = new Map<string, BatchMessage>();
  const close = (subject: string, group: readonly SpikeEvent[]): void => {
    const id = frameId(group);
    frames.set(id, { subject, id, body: encodeFrame(group) });
  };
  for (const event of events) {
    const subject = `tocsin.events.live.${partitionOf(event.tenant, event.source)}.${event.tenant}`;
    const bytes = event.text.length + 128;
    let group = open.get(subject);
    if (group !== undefined && (group.events.length === maxFrameEvents || group.bytes + bytes > maxFrameBytes)) {
      close(subject, group.events);
      group = undefined;
    }
    if (group === undefined) open.set(subject, (group = { events: [], bytes: 0 }));
    group.events.push(event);
    group.bytes += bytes;
  }
  for (const [subject, group] of open) close(subject, group.events);
  return [...frames.values()];
}
