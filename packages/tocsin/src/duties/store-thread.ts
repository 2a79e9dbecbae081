/** The store thread: keeps the projections and answers from them. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { comparePositions } from '@tocsin/bus';
import { isTocsinError, type Position, TocsinError } from '@tocsin/core';
import { isDamaged, MATCHES_STREAM, openAlertTable, openCoverageLedger, openFrameCatalogue } from '@tocsin/store';
import { catchUpStart, findMissed } from '../catchup/find-missed.ts';
import { reportCoverage } from '../coverage/report-coverage.ts';
import { EVENTS_STREAM } from '../subjects.ts';
import { wireStore } from '../wire.ts';
import { type BusAddress, openBus } from './open-bus.ts';
import type { StoreApi } from './store-api.ts';
import { bootData, endOnFailure, serveThread, threadSurroundings } from './thread-boot.ts';
import { whileSound } from './while-sound.ts';

/** What the thread is started with. */
export interface StoreBoot {
  readonly store: BusAddress;
  /** Folder of the projections' files; must exist. */
  readonly folder: string;
  /** How far out of order events may come before they count as late, milliseconds. */
  readonly latenessMs: number;
}

const boot = bootData<StoreBoot>();
const around = threadSurroundings();
const paths = {
  alerts: join(boot.folder, 'alerts.sqlite'),
  frames: join(boot.folder, 'frames.sqlite'),
  coverage: join(boot.folder, 'coverage.sqlite'),
};
const alerts = openAlertTable({ path: paths.alerts });
const frames = openFrameCatalogue({ path: paths.frames });
const coverage = openCoverageLedger({ path: paths.coverage });
const bus = await openBus(boot.store);
const waiting = new Set<() => void>();

const onApplied = (): void => {
  for (const resolve of waiting) resolve();
  waiting.clear();
};
const work = endOnFailure(
  wireStore(bus, { alerts, frames, coverage }, { ...around, latenessMs: boot.latenessMs, onApplied }).catch(forgetUseless),
  around,
);

const answers = {
  listAlerts: (query) => alerts.list(query),
  getAlert: (tenant, id) => alerts.get(tenant, id),
  countAlerts: (tenant) => alerts.counts(tenant),
  alertsReached: (position, waitMs) => reached(() => alerts.applied(), position, waitMs),
  framesReached: (lane, position, waitMs) => reached(() => frames.applied(EVENTS_STREAM[lane]), position, waitMs),
  coverageReached: (position, waitMs) => reached(() => coverage.applied(MATCHES_STREAM), position, waitMs),
  sourceTotals: (tenant) => frames.sources(tenant),
  totals: () => ({ ...frames.totals(), missing: frames.gaps().reduce((sum, gap) => sum + gap.missing, 0) }),
  progress: () => ({ alerts: alerts.applied(), live: frames.applied(EVENTS_STREAM.live), bulk: frames.applied(EVENTS_STREAM.bulk) }),
  kept: () => frames.kept(),
  oldest: (tenant, going) => frames.oldest(tenant, going),
  forget: (removed) => frames.forget(removed),
  recent: (stream, newest) => frames.recent(stream, newest),
  after: (stream, sequence) => frames.after(stream, sequence),
  coverage: (query) => reportCoverage(coverage, query),
  seenMappings: (tenant) => coverage.mappings(tenant),
  missed: (wanted) => findMissed(coverage, wanted),
  catchUpStart: (tenant, fromMs) => catchUpStart(coverage, tenant, fromMs),
  rebuild() {
    removeProjections();
    setImmediate(() => {
      throw new TocsinError('store.rebuilding', { why: 'asked' });
    });
    // The end of the thread is the answer: as long as it lives it would answer from what is removed.
    return new Promise<never>(() => undefined);
  },
  async stop() {
    await around.stop(work);
    await bus[Symbol.asyncDispose]();
    alerts[Symbol.dispose]();
    frames[Symbol.dispose]();
    coverage[Symbol.dispose]();
  },
} satisfies StoreApi;
serveThread(
  whileSound(answers, (error) => {
    const rebuilding = damaged(error);
    setImmediate(() => {
      throw rebuilding;
    });
    return rebuilding;
  }),
);

/**
 * Projections of another log, or of an earlier life of this one, can never be read on from their position, and damaged ones never at all: they
 * are removed, and the next thread builds them anew from the log that is there.
 */
function forgetUseless(error: unknown): never {
  if (isDamaged(error)) throw damaged(error);
  if (isTocsinError(error, 'bus.bad_position')) {
    around.onTrouble(error, 'The projections belong to another log; they are removed and built anew');
    removeProjections();
  }
  throw error;
}

function damaged(cause: unknown): TocsinError {
  around.onTrouble(cause, 'A file of the projections is damaged; they are removed and built anew');
  removeProjections();
  return new TocsinError('store.rebuilding', { why: 'damaged' }, { cause });
}

function removeProjections(): void {
  for (const path of Object.values(paths)) for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
}

async function reached(appliedNow: () => Position | undefined, position: Position, waitMs: number): Promise<boolean> {
  const deadline = AbortSignal.timeout(waitMs);
  for (;;) {
    const applied = appliedNow();
    if (applied !== undefined && comparePositions(applied, position) >= 0) return true;
    if (deadline.aborted) return false;
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      deadline.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
