/** The thread of one replay, under the key that can write nowhere but to replays. */
import { isTocsinError } from '@tocsin/core';
import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { openDetectors } from '../duties/isolation/detector-ground.ts';
import type { Watched } from '../duties/isolation/suspect.ts';
import { type BusAddress, openBus } from '../duties/open-bus.ts';
import { bootData, endOnFailure, serveThread, threadSurroundings } from '../duties/thread-boot.ts';
import { replaySubject } from '../subjects.ts';
import { parsePart, type ReplayOrder, type ReplayState } from './replay-order.ts';
import { ReplayProgress } from './replay-progress.ts';
import { type ReplayBounds, runReplay } from './run-replay.ts';

/** What the thread is started with. */
export interface ReplayBoot extends Partial<Watched> {
  readonly replay: BusAddress;
  readonly order: ReplayOrder;
  readonly bounds: ReplayBounds;
  /** Files of detectors. */
  readonly detectors: readonly string[];
}

/** What others ask of the thread: to end. How far it is stands in its namespace. */
export type ReplayApi = { readonly stop: () => Promise<void> };

const boot = bootData<ReplayBoot>();
const around = threadSurroundings();
const bus = await openBus(boot.replay);
const { order } = boot;
const progress = new ReplayProgress({ ...around, bus, order, realTime: around.clock });

const work = endOnFailure(run(), around);
serveThread({
  async stop() {
    await around.stop(work);
    await progress.pause();
    await bus[Symbol.asyncDispose]();
  },
} satisfies ReplayApi);

async function run(): Promise<void> {
  try {
    const detectors = await openDetectors(boot, around.onTrouble);
    const mappings = loadMappings(readShippedMappings());
    const { range, position = {} } = await stateOfBefore();
    progress.goOn(position);
    if (await runReplay({ bus, order, range, progress, mappings, detectors, around, bounds: boot.bounds })) await progress.end('done');
  } catch (error) {
    // What would be no better the next time is said; everything else is tried again by the next thread.
    if (around.signal.aborted || !isTocsinError(error) || error.retry !== 'never') throw error;
    await progress.end('failed', error.message);
  }
}

/** An attempt goes on in the range of the first one: what was stored since is not part of it. */
async function stateOfBefore(): Promise<Partial<ReplayState>> {
  const stored = await bus.last(replaySubject(order.tenant, order.id, 'state'));
  return stored === undefined ? {} : parsePart<ReplayState>(stored);
}
