/** Opens the desk of replays of a process, and starts a thread for each that it runs. */
import { join, resolve } from 'node:path';
import type { Scope } from '@tocsin/core';
import type { InstallationBus } from '../duties/installation-bus.ts';
import { SupervisedThread } from '../duties/supervised-thread.ts';
import type { InstallationOptions } from '../installation-options.ts';
import type { Bus, Surroundings } from '../wire.ts';
import { ReplayDesk } from './replay-desk.ts';
import type { ReplayOrder } from './replay-order.ts';
import type { ReplayApi, ReplayBoot } from './replay-thread.ts';
import type { ReplayBounds } from './run-replay.ts';

/** What the desk stands on. */
export interface ReplayGround {
  readonly bus: InstallationBus;
  /** The connection by which orders are written and followed. */
  readonly apiBus: Bus;
  readonly member: string;
  readonly around: Surroundings;
  readonly scope: Scope;
}

/** Heaps of a replay's thread, MiB. */
const REPLAY_HEAP = { heapMiB: 768, youngMiB: 24 };
/** Memory by which the process may grow while one frame is judged, bytes; and heap of the process that judges suspected events, MiB. */
const MAX_GROWTH_BYTES = 1024 ** 3;
const SANDBOX_HEAP_MIB = 512;
/** Nobody waits for a replay: a frame may take so many times as long as it may live, before its thread is ended for it. */
const PATIENCE = 10;

/** Opens the desk; what was not finished is taken up. The scope closes it. */
export async function startReplays(
  options: InstallationOptions,
  { bus, apiBus, member, around, scope }: ReplayGround,
): Promise<ReplayDesk> {
  const desk = await ReplayDesk.open({
    bus: apiBus,
    clock: around.clock,
    nextId: around.nextId,
    onTrouble: around.onTrouble,
    member,
    bounds: options.settings.replays,
    start: (order) => startThread(options, bus, order),
  });
  return scope.add('replays', desk);
}

/** Bounds and habits of every replay of an installation. */
function replayBounds({ dataDir, settings }: Pick<InstallationOptions, 'dataDir' | 'settings'>): ReplayBounds {
  return {
    partitions: settings.bus.partitions,
    idleAfterMs: settings.detect.idleAfter,
    latenessMs: settings.detect.allowedLateness,
    maxBytes: settings.replays.runMaxBytes,
    sandbox: { deadlineMs: settings.detect.deadline, heapMiB: SANDBOX_HEAP_MIB },
    cacheFolder: join(dataDir, 'cache'),
  };
}

async function startThread(options: InstallationOptions, bus: InstallationBus, order: ReplayOrder) {
  const { dataDir, settings, logger } = options;
  const data: ReplayBoot = {
    replay: bus.address('replay'),
    order,
    bounds: replayBounds(options),
    detectors: settings.detect.detectors.map((path) => resolve(dataDir, path)),
  };
  const thread = await SupervisedThread.start<ReplayApi>({
    name: `replay ${order.id}`,
    script: new URL(`./replay-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url),
    data,
    logger,
    watch: { deadlineMs: settings.detect.deadline * PATIENCE, maxGrowthBytes: MAX_GROWTH_BYTES },
    ...REPLAY_HEAP,
  });
  return { restarts: () => thread.status().restarts, [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose]() };
}
