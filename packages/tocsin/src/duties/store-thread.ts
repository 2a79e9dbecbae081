/** The store thread: keeps the projections and answers from them. */
import { join } from 'node:path';
import { comparePositions } from '@tocsin/bus';
import type { Position } from '@tocsin/core';
import { openAlertTable, openFrameCatalogue } from '@tocsin/store';
import { wireStore } from '../wire.ts';
import { type BusAddress, openBus } from './open-bus.ts';
import type { StoreApi } from './store-api.ts';
import { bootData, endOnFailure, serveThread, threadSurroundings } from './thread-boot.ts';

/** What the thread is started with. */
export interface StoreBoot {
  readonly store: BusAddress;
  /** Folder of the projections' files; must exist. */
  readonly folder: string;
  /** How long the log keeps events, milliseconds; 0 for ever. */
  readonly keptMs: number;
}

const boot = bootData<StoreBoot>();
const around = threadSurroundings();
const alerts = openAlertTable({ path: join(boot.folder, 'alerts.sqlite') });
const frames = openFrameCatalogue({ path: join(boot.folder, 'frames.sqlite') });
const bus = await openBus(boot.store);
const waiting = new Set<() => void>();

const onAlerts = (): void => {
  for (const resolve of waiting) resolve();
  waiting.clear();
};
const work = endOnFailure(wireStore(bus, { alerts, frames }, { ...around, keptMs: boot.keptMs, onAlerts }), around);

serveThread({
  listAlerts: (query) => alerts.list(query),
  getAlert: (tenant, id) => alerts.get(tenant, id),
  countAlerts: (tenant) => alerts.counts(tenant),
  alertsReached,
  sourceTotals: (tenant) => frames.sources(tenant),
  totals: () => ({ ...frames.totals(), missing: frames.gaps().reduce((sum, gap) => sum + gap.missing, 0) }),
  async stop() {
    await around.stop(work);
    await bus[Symbol.asyncDispose]();
    alerts[Symbol.dispose]();
    frames[Symbol.dispose]();
  },
} satisfies StoreApi);

async function alertsReached(position: Position, waitMs: number): Promise<boolean> {
  const deadline = AbortSignal.timeout(waitMs);
  for (;;) {
    const applied = alerts.applied();
    if (applied !== undefined && comparePositions(applied, position) >= 0) return true;
    if (deadline.aborted) return false;
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      deadline.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
