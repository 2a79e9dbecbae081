/** Flow control of an installation, put together: quotas, admission and what may refuse beside them. What the keeper and lag add is in their files. */
import { type Clock, type Lane, TocsinError } from '@tocsin/core';
import { type Admission, createAdmission, createStallGuard, type StallGuard } from '@tocsin/ingest';
import type { InstallationSettings } from '../config/settings.ts';
import type { Registry } from '../registry/registry.ts';
import { EVENTS_STREAM } from '../subjects.ts';
import type { DiskGuard } from './disk-guard.ts';
import type { FlowReport, FlowWatch } from './flow-watch.ts';
import { QuotaBook } from './quota-book.ts';

/** What the API and the listeners use of it. */
export interface FlowControl {
  readonly quotas: QuotaBook;
  readonly admission: Admission;
  /** Watches the framer's commits. */
  readonly stall: StallGuard;
  /** What was found at the last look at the log. */
  readonly report: FlowReport;
  readonly isDegraded: boolean;
  /** As `FlowWatch.makeRoom`. */
  makeRoom(lane: Lane): Promise<boolean>;
  /** From when on there is somebody who looks. */
  attach(watch: FlowWatch): void;
}

/** What it is made of. */
export interface FlowControlOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly settings: InstallationSettings['quotas'];
  readonly disk: Pick<DiskGuard, 'gate'>;
}

/** How soon a tenant whose store is full may hope for room, milliseconds. */
const TENANT_FULL_RETRY_MS = 5000;

/** Opens nothing. */
export function createFlowControl({ clock, registry, settings, disk }: FlowControlOptions): FlowControl {
  const quotas = new QuotaBook(registry, settings);
  const stall = createStallGuard(clock);
  let watch: FlowWatch | undefined;
  const admission = createAdmission({
    clock,
    quotaOf: (scope, owner) => quotas.of(scope, owner),
    gates: [
      () => disk.gate(),
      ({ tenant, name }) => {
        const { storedBytes: maxBytes } = quotas.of('tenant', { tenant, source: name });
        const storedBytes = maxBytes > 0 ? watch?.report.kept?.get(tenant) : undefined;
        if (storedBytes === undefined || storedBytes < maxBytes) return;
        // Without waiting for the next look.
        for (const stream of Object.values(EVENTS_STREAM)) void watch?.makeRoom(stream);
        throw new TocsinError('flow.tenant_full', { tenant, storedBytes, maxBytes, retryAfterMs: TENANT_FULL_RETRY_MS });
      },
      (_, take) => stall.gate(take),
    ],
  });
  return {
    quotas,
    admission,
    stall,
    get report() {
      return watch?.report ?? { lag: [], alarms: [], kept: undefined };
    },
    get isDegraded() {
      return watch?.isDegraded ?? false;
    },
    makeRoom: async (lane) => (await watch?.makeRoom(EVENTS_STREAM[lane])) ?? false,
    attach: (attached) => void (watch = attached),
  };
}
