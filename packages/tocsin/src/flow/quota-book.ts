/** The quotas in force: what was set for a tenant or a source, else what the settings say for all. Kept current by the registry. */
import { tenantKey } from '@tocsin/core';
import type { Quota, QuotaScope } from '@tocsin/ingest';
import type { InstallationSettings } from '../config/settings.ts';
import type { QuotaRecord, Registry } from '../registry/registry.ts';

/** Id on CHANGES of a tenant's own quota. */
export const TENANT_QUOTA = 'tenant';

/** Id on CHANGES of a source's quota. */
export function sourceQuotaId(source: string): string {
  return `source:${source}`;
}

/** A quota as it applies: 0 is no limit. */
export interface QuotaInForce extends Quota {
  readonly storedBytes: number;
  readonly storedEvents: number;
  readonly storedDays: number;
  /** Whether it was set for this owner or holds for all. */
  readonly isOwn: boolean;
}

const NO_BOUNDS = { storedEvents: 0, storedDays: 0 };

/** Answers which quota applies. The same object as long as it does not change. */
export class QuotaBook {
  readonly #registry: Registry;
  #defaults: Readonly<Record<QuotaScope, QuotaInForce>>;
  readonly #own = new Map<string, { readonly record: QuotaRecord; readonly quota: QuotaInForce }>();

  constructor(registry: Registry, settings: InstallationSettings['quotas']) {
    this.#registry = registry;
    this.#defaults = defaultsOf(settings);
  }

  /** What holds from now on for all who have no quota of their own. */
  setDefaults(settings: InstallationSettings['quotas']): void {
    const defaults = defaultsOf(settings);
    // The same objects where nothing has changed: a new one fills its bucket anew.
    if (JSON.stringify(defaults) !== JSON.stringify(this.#defaults)) this.#defaults = defaults;
  }

  /** The quota of a tenant, or of one of its sources. */
  of(scope: QuotaScope, { tenant, source }: { readonly tenant: string; readonly source: string }): QuotaInForce {
    const id = scope === 'tenant' ? TENANT_QUOTA : sourceQuotaId(source);
    const record = this.#registry.get(tenant, 'quota', id)?.value;
    if (record === undefined) return this.#defaults[scope];
    const key = tenantKey(tenant, id);
    const known = this.#own.get(key);
    if (known?.record === record) return known.quota;
    const quota = { ...this.#defaults[scope], ...given(record), isOwn: true };
    this.#own.set(key, { record, quota });
    return quota;
  }
}

/** What a record says, without what it leaves to the settings. */
function given({ setMs: _, ...limits }: QuotaRecord): Partial<QuotaInForce> {
  return Object.fromEntries(Object.entries(limits).filter(([, limit]) => limit !== undefined));
}

function defaultsOf(settings: InstallationSettings['quotas']): Readonly<Record<QuotaScope, QuotaInForce>> {
  const burstSeconds = settings.burst / 1000;
  const { tenantEventsPerSecond, tenantBytesPerSecond, tenantStoredBytes, sourceEventsPerSecond, sourceBytesPerSecond } = settings;
  return {
    tenant: {
      eventsPerSecond: tenantEventsPerSecond,
      bytesPerSecond: tenantBytesPerSecond,
      burstSeconds,
      storedBytes: tenantStoredBytes,
      ...NO_BOUNDS,
      isOwn: false,
    },
    source: {
      eventsPerSecond: sourceEventsPerSecond,
      bytesPerSecond: sourceBytesPerSecond,
      burstSeconds,
      storedBytes: 0,
      ...NO_BOUNDS,
      isOwn: false,
    },
  };
}
