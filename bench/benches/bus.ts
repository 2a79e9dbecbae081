/** `bus` and `replay`: frames encoded and committed, acknowledged after the fsync; then read back, opened, every event decoded. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { type CompleteBus, encodeFrame, MAX_FRAME_BYTES, type Outgoing, openFrame } from '@tocsin/bus';
import { openNatsBus, startNatsServer } from '@tocsin/bus/nats';
import type { FrameRecord } from '@tocsin/core';
import { root } from '../clone.ts';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { type Lane, mixedLane } from '../lanes.ts';
import { usageOf } from '../processes.ts';
import { fittingFrames, framedLane } from './framed-lane.ts';

const SECONDS = 6;
/** Frames per commit, and commits in flight. */
const CYCLE_FRAMES = 32;
const IN_FLIGHT = 2;

/** Writing. */
export const bus: Bench = {
  about: 'frames encoded, committed, acknowledged after fsync',
  run: async (context) => [(await fill(context, () => undefined)).figure],
};

/** Writing, then reading what was written. */
export const replay: Bench = {
  about: 'frames read, opened, every event decoded',
  run: async (context) => {
    const figures: Figure[] = [];
    await fill(context, async (opened, filled) => void figures.push(await readBack(context, opened, filled)));
    return figures;
  },
};

interface Filled {
  readonly lane: Lane;
  readonly events: number;
  readonly figure: Figure;
}

/** Fills a fresh stream for some seconds, then hands it on. */
async function fill(context: BenchContext, then: (opened: CompleteBus, filled: Filled) => unknown): Promise<Filled> {
  const lane = mixedLane(root, context.progress);
  context.progress('bus: making frames');
  const frames = fittingFrames(await framedLane(lane), MAX_FRAME_BYTES);
  const topology = {
    streams: [{ name: 'BENCH', subjects: ['bench.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 120_000 }],
    buckets: [],
  };
  await using server = await startNatsServer({
    directory: mkdtempSync(join(context.folder, 'bus-')),
    site: 'bench',
    binary: { configured: undefined, environment: context.natsServer, path: process.env['PATH'] },
    duties: { bench: { publish: ['bench.>'], subscribe: ['bench.>'], buckets: [] } },
    topology,
    log: () => undefined,
  });
  const open = (duty: string): Promise<CompleteBus> =>
    openNatsBus({
      servers: server.url,
      credential: server.credential(duty),
      site: 'bench',
      name: duty,
      commitTimeoutMs: 10_000,
      durability: 'fsync',
    });
  {
    await using admin = await open('admin');
    await admin.ensure(topology);
  }
  await using opened = await open('bench');
  context.progress('bus: committing');
  const cpu = process.cpuUsage();
  const serverBefore = usageOf(server.pid ?? 0).cpuSeconds;
  const { events, bytes, seconds } = await commitFor(opened, frames);
  const { user, system } = process.cpuUsage(cpu);
  const figure: Figure = {
    figure: 'bus, encode and commit',
    value: events / seconds,
    unit: 'events/s',
    goal: { atLeast: 150_000 },
    conditions: {
      lane: lane.name,
      bytes_per_event: lane.bytesPerEvent,
      events_per_frame: Math.round(frames.flat().length / frames.length),
      frames_per_commit: CYCLE_FRAMES,
      commits_in_flight: IN_FLIGHT,
      stored_bytes_per_event: Math.round(bytes / events),
      client_cpu_us_per_event: Number(((user + system) / events).toFixed(2)),
      server_cpu_us_per_event: Number((((usageOf(server.pid ?? 0).cpuSeconds - serverBefore) * 1e6) / events).toFixed(2)),
    },
  };
  const filled = { lane, events, figure };
  await then(opened, filled);
  return filled;
}

async function commitFor(
  opened: CompleteBus,
  frames: readonly FrameRecord[][],
): Promise<{ events: number; bytes: number; seconds: number }> {
  const begunMs = performance.now();
  let next = 0;
  let events = 0;
  let bytes = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() - begunMs < SECONDS * 1000) {
      const messages: Outgoing[] = [];
      let held = 0;
      for (let i = 0; i < CYCLE_FRAMES; i++) {
        const records = frames[next % frames.length] as FrameRecord[];
        const partition = next % 8;
        const id = `e.${partition}.live.${next++}`;
        const body = encodeFrame({ id, tenant: 'default', lane: 'live', partition, epoch: 'e', ordinal: next, site: 'bench' }, records);
        messages.push({ subject: `bench.${partition}`, id, body });
        held += records.length;
        bytes += body.length;
      }
      await opened.commit(messages);
      events += held;
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
  return { events, bytes, seconds: (performance.now() - begunMs) / 1000 };
}

async function readBack(context: BenchContext, opened: CompleteBus, { lane, events }: Filled): Promise<Figure> {
  context.progress('replay: reading');
  const begunMs = performance.now();
  const cpu = process.cpuUsage();
  let found = 0;
  let recordBytes = 0;
  for await (const { body } of opened.read('bench.>', 'first')) {
    const frame = openFrame(body);
    for (let i = 0; i < frame.header.count; i++) recordBytes += frame.event(i).record.length;
    found += frame.header.count;
  }
  const seconds = (performance.now() - begunMs) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  requireEqual('events read against events committed', events, found);
  return {
    figure: 'replay, read and decode every event',
    value: found / seconds,
    unit: 'events/s',
    goal: { atLeast: 300_000 },
    conditions: {
      lane: lane.name,
      bytes_per_event: Math.round(recordBytes / found),
      events: found,
      client_cpu_us_per_event: Number(((user + system) / found).toFixed(2)),
    },
  };
}
