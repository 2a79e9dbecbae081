/** One fault scenario: load, kills at seeded moments, then the independent check against a run without faults. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createRandom } from '../seeded-random.ts';
import { alertStream, eventStream } from './frame.ts';
import { openWorker, type Worker } from './processes.ts';
import { createProducers, type Load, type Producers } from './producers.ts';
import { openServer, type Server, type ServerOptions } from './server.ts';
import { type Readings, readBack, waitCaughtUp } from './verify.ts';

/** Counts of a fault scenario; all of `failures` must be 0. */
export type FaultResult = {
  readonly sources: number;
  readonly tenants: number;
  readonly seed: number;
  readonly serverKills: number;
  readonly writerKills: number;
  readonly readerKills: number;
  readonly attempted: number;
  readonly acked: number;
  readonly repeatsInLog: number;
  readonly alerts: number;
  readonly failures: {
    lost: number;
    unacked: number;
    unexpected: number;
    foreign: number;
    alertsTwice: number;
    alertsMissing: number;
    alertsExtra: number;
    refusals: number;
  };
};

/** A server with its streams, a writer, a reader and producers. */
export type Rig = {
  readonly directory: string;
  readonly server: Server;
  readonly writer: Worker;
  readonly reader: Worker;
  readonly producers: Producers;
};

/** Runs `work` on a fresh rig and removes everything afterwards. */
export async function withRig<T>(load: Load, work: (rig: Rig) => Promise<T>, options: Partial<ServerOptions> = {}): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'tocsin-spike-'));
  try {
    await using server = await openServer({ directory, ...options });
    await createStreams(server.url);
    const producers = createProducers(load);
    await using reader = await openWorker('reader.ts', server.url);
    await using writer = await openWorker('writer.ts', server.url, (child) => producers.attach(child), [String(load.batchFrom ?? 2)]);
    return await work({ directory, server, writer, reader, producers });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `kills` kills of the server and `kills` of writer or reader, then the check. */
export async function runFaults(load: Load & { readonly rate: number }, kills: number): Promise<FaultResult> {
  const tally = { server: 0, writer: 0, reader: 0 };
  const { counts, readings, producers } = await withRig(load, async (rig) => {
    await injectFaults(rig, kills, createRandom(load.seed), tally);
    await rig.producers.finish();
    await waitCaughtUp(rig.server.url, 30_000);
    return { counts: rig.producers.counts(), readings: await readBack(rig.server.url), producers: rig.producers };
  });
  const { rate: _rate, ...closedLoop } = load;
  const expected = await withRig({ ...closedLoop, perSource: counts }, async (rig) => {
    await rig.producers.done();
    await waitCaughtUp(rig.server.url, 30_000);
    return readBack(rig.server.url);
  });
  return {
    sources: load.sources,
    tenants: load.tenants,
    seed: load.seed,
    serverKills: tally.server,
    writerKills: tally.writer,
    readerKills: tally.reader,
    attempted: producers.attempted.size,
    acked: producers.acked.size,
    repeatsInLog: readings.repeats,
    alerts: readings.alerts.size,
    failures: compare(producers, readings, expected),
  };
}

/** A server kill may fall into the restart of a process and the other way round: the two sequences run side by side. */
async function injectFaults(
  rig: Rig,
  kills: number,
  random: () => number,
  tally: { server: number; writer: number; reader: number },
): Promise<void> {
  const serverMoments = Array.from({ length: kills }, () => 150 + random() * 600);
  const processMoments = Array.from({ length: kills }, (_, i) => ({ afterMs: 150 + random() * 600, isWriter: i % 2 === 0 }));
  await Promise.all([killServers(), killProcesses()]);

  async function killServers(): Promise<void> {
    for (const afterMs of serverMoments) {
      await delay(afterMs);
      await rig.server.kill();
      await rig.server.restart();
      tally.server++;
    }
  }
  async function killProcesses(): Promise<void> {
    for (const { afterMs, isWriter } of processMoments) {
      await delay(afterMs);
      await (isWriter ? rig.writer : rig.reader).replace();
      tally[isWriter ? 'writer' : 'reader']++;
    }
  }
}

function compare(producers: Producers, readings: Readings, expected: Readings): FaultResult['failures'] {
  const missing = (from: Iterable<string>, inside: { has(key: string): boolean }): number =>
    [...from].filter((key) => !inside.has(key)).length;
  return {
    lost: missing(producers.acked, readings.events),
    unacked: producers.attempted.size - producers.acked.size,
    unexpected: missing(readings.events, producers.attempted),
    foreign: readings.foreign,
    alertsTwice: readings.alertsTwice.length,
    alertsMissing: [...expected.alerts].filter(([subject, body]) => readings.alerts.get(subject) !== body).length,
    alertsExtra: missing(readings.alerts.keys(), expected.alerts),
    refusals: producers.refusals.length,
  };
}

async function createStreams(url: string): Promise<void> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  const common: Partial<StreamConfig> = { allow_atomic: true, allow_direct: true, discard: 'new', duplicate_window: 120_000_000_000 };
  await manager.streams.add({ ...common, name: eventStream, subjects: ['tocsin.events.live.>'] });
  await manager.streams.add({ ...common, name: alertStream, subjects: ['tocsin.alerts.>', 'tocsin.checkpoint.*'] });
  await connection.close();
}
