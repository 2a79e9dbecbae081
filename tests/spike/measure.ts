/** Figures without faults: acks per second, ack latency at an offered rate, fsyncs per event. Never asserted, only printed. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Load } from './producers.ts';
import { withRig } from './scenario.ts';
import type { FromWriter } from './writer.ts';

/** One row of the table of figures. */
export type Figure = {
  readonly loop: 'open' | 'closed';
  readonly sources: number;
  readonly tenants: number;
  readonly offered: number | null;
  readonly batchFrom: number;
  readonly seconds: number;
  readonly ackedPerSecond: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
  readonly cyclesPerSecond: number;
  readonly framesPerCycle: number;
  readonly eventsPerFrame: number;
  readonly writerCpuUsPerEvent: number;
};

/** Load for `seconds` (after a warm-up of one second), then the figures. Writer, reader, driver and server share the machine. */
export async function measureLoad(load: Load, seconds: number): Promise<Figure> {
  return withRig(load, async ({ producers, writer }) => {
    await delay(1000); // warm-up, not waited-for work
    const before = await askCounts(writer.child);
    const start = { acked: producers.acked.size, latencies: producers.latenciesMs.length, at: performance.now() };
    await delay(seconds * 1000); // length of the measurement
    const elapsed = (performance.now() - start.at) / 1000;
    const acked = producers.acked.size - start.acked;
    const latencies = producers.latenciesMs.slice(start.latencies).sort((a, b) => a - b);
    const after = await askCounts(writer.child);
    await producers.finish();
    const cycles = after.counts.cycles - before.counts.cycles;
    const frames = after.counts.frames - before.counts.frames;
    return {
      loop: load.rate === undefined ? 'closed' : 'open',
      sources: load.sources,
      tenants: load.tenants,
      offered: load.rate ?? null,
      batchFrom: load.batchFrom ?? 2,
      seconds: round(elapsed),
      ackedPerSecond: Math.round(acked / elapsed),
      ackP50Ms: round(latencies[Math.floor(latencies.length * 0.5)]),
      ackP99Ms: round(latencies[Math.floor(latencies.length * 0.99)]),
      cyclesPerSecond: Math.round(cycles / elapsed),
      framesPerCycle: round(frames / cycles),
      eventsPerFrame: round(acked / frames),
      writerCpuUsPerEvent: round((1000 * (after.cpuMs - before.cpuMs)) / acked),
    };
  });
}

/** Durable writes of the server per acked event under `strace`, which slows it; null where strace isn't installed. */
export type SyncFigure = {
  readonly sources: number;
  readonly batchFrom: number;
  readonly events: number;
  readonly fsyncs: number;
  readonly syncedFileWrites: number;
  readonly fsyncsPerEvent: number;
} | null;

/** Counts fsync, fdatasync and files opened with O_SYNC (JetStream's batch staging writes those) over the whole run, alert writes included. */
export async function measureSyncs(load: Load, seconds: number): Promise<SyncFigure> {
  if (spawnSync('strace', ['-V']).status !== 0) return null;
  const trace = join(tmpdir(), `tocsin-spike-strace-${process.pid}`);
  const prefix = ['strace', '-f', '-o', trace, '-e', 'trace=fsync,fdatasync,openat'];
  const events = await withRig(
    load,
    async ({ producers }) => {
      await delay(seconds * 1000); // length of the measurement
      await producers.finish();
      return producers.acked.size;
    },
    { prefix },
  );
  const lines = readFileSync(trace, 'utf8').split('\n');
  const fsyncs = lines.filter((line) => / (fsync|fdatasync)\(/.test(line)).length;
  return {
    sources: load.sources,
    batchFrom: load.batchFrom ?? 2,
    events,
    fsyncs,
    syncedFileWrites: lines.filter((line) => line.includes('O_SYNC')).length,
    fsyncsPerEvent: round(fsyncs / events),
  };
}

/** One listener until the answer: `once` in a loop would miss answers that arrive in the same tick as others. */
function askCounts(child: ChildProcess): Promise<Extract<FromWriter, { cpuMs: number }>> {
  return new Promise((resolve) => {
    const listen = (message: FromWriter): void => {
      if (!('cpuMs' in message)) return;
      child.off('message', listen);
      resolve(message);
    };
    child.on('message', listen);
    child.send({ ask: 'counts' });
  });
}

function round(value: number | undefined): number {
  return Math.round((value ?? Number.NaN) * 1000) / 1000;
}
