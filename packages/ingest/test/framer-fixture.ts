/** A framer over a commit that the test answers, and what it needs around it. */
import type { Clock, FrameRecord, Position } from '@tocsin/core';
import { createFramer, type Framer, type FramerOptions, type OutgoingFrame } from '../src/framer.ts';

/** One commit that the framer asked for and the test answers. */
export interface AskedCommit {
  readonly frames: readonly OutgoingFrame[];
  store(): void;
  fail(error: unknown): void;
}

/** A framer whose commits wait for the test. */
export interface HeldFramer {
  readonly framer: Framer;
  /** Every commit so far. */
  readonly commits: AskedCommit[];
  /** Resolves when there are `count` commits. */
  until(count: number): Promise<void>;
}

/** A clock that stands still. */
export const stillClock: Clock = { nowMs: () => 1_700_000_000_000, monotonicMs: () => 0 };

/** A framer whose frames are JSON: readable in a test. */
export function holdFramer(over: Partial<FramerOptions> = {}): HeldFramer {
  const commits: AskedCommit[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let stored = 0;
  const framer = createFramer({
    partitions: 4,
    site: 'here',
    clock: { nowMs: () => Date.now(), monotonicMs: () => performance.now() },
    nextId: () => 'EPOCH',
    encode: (fields, records) => new TextEncoder().encode(JSON.stringify({ ...fields, ids: records.map((record) => record.id) })),
    commit: (frames) =>
      new Promise<Position[]>((resolve, reject) => {
        commits.push({ frames, fail: reject, store: () => resolve(frames.map(() => `p${stored++}` as Position)) });
        for (const one of waiting) if (commits.length >= one.count) one.resolve();
      }),
    ...over,
  });
  return {
    framer,
    commits,
    until: (count) =>
      new Promise((resolve) => {
        if (commits.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}

/** What a frame of `holdFramer` says. */
export function readFrame(frame: OutgoingFrame): {
  id: string;
  tenant: string;
  lane: string;
  partition: number;
  ordinal: number;
  ids: string[];
} {
  return JSON.parse(new TextDecoder().decode(frame.bytes)) as ReturnType<typeof readFrame>;
}

/** Records with these ids, each of `bytes` bytes. */
export function recordsOf(ids: readonly string[], bytes = 10): FrameRecord[] {
  return ids.map((id) => ({
    id,
    source: 's',
    type: 't',
    mapping: 'm',
    schemaVersion: 1,
    timeMs: 1,
    receivedMs: 2,
    severity: 1,
    classUid: 0,
    activityId: 0,
    attributes: {},
    flags: [],
    producerId: true,
    record: new Uint8Array(bytes),
  }));
}
