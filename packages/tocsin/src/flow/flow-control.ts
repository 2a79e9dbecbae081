/** Flow control of an installation, put together: quotas, admission and what may refuse beside them. What the keeper and lag add is in their files. */
import { type Clock, TocsinError } from '@tocsin/core';
import { type Admission, createAdmission, createStallGuard, type StallGuard } from '@tocsin/ingest';
import type { InstallationSettings } from '../config/settings.ts';
import type { Registry } from '../registry/registry.ts';
import type { DiskGuard } from './disk-guard.ts';
import { QuotaBook } from './quota-book.ts';

/** What the API and the listeners use of it. */
export interface FlowControl {
  readonly quotas: QuotaBook;
  readonly admission: Admission;
  /** Watches the framer's commits. */
  readonly stall: StallGuard;
}

/** What it is made of. */
export interface FlowControlOptions {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly settings: InstallationSettings['quotas'];
  readonly disk: Pick<DiskGuard, 'gate'>;
  /** Bytes of events a tenant has stored, and whether nothing of them may be removed; undefined while that is not known. */
  readonly storedOf: (tenant: string) => { readonly bytes: number } | undefined;
}

/** How soon a tenant whose store is full may hope for room, milliseconds. */
const TENANT_FULL_RETRY_MS = 5000;

/** Opens nothing. */
export function createFlowControl({ clock, registry, settings, disk, storedOf }: FlowControlOptions): FlowControl {
  const quotas = new QuotaBook(registry, settings);
  const stall = createStallGuard(clock);
  const admission = createAdmission({
    clock,
    quotaOf: (scope, owner) => quotas.of(scope, owner),
    gates: [
      () => disk.gate(),
      ({ tenant, name }) => {
        const { storedBytes: maxBytes } = quotas.of('tenant', { tenant, source: name });
        const stored = maxBytes > 0 ? storedOf(tenant) : undefined;
        if (stored !== undefined && stored.bytes >= maxBytes)
          throw new TocsinError('flow.tenant_full', { tenant, storedBytes: stored.bytes, maxBytes, retryAfterMs: TENANT_FULL_RETRY_MS });
      },
      (_, take) => stall.gate(take),
    ],
  });
  return { quotas, admission, stall };
}
