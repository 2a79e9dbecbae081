/** A few events of each mapping that come in, so that people can be told which fields there are. Kept in memory, never sent out: only names of fields are. */
import type { Fields } from '@tocsin/core';

/** Events kept per tenant and mapping, mappings per tenant, and tenants. */
const MAX_SAMPLES = 32;
const MAX_MAPPINGS = 500;
const MAX_TENANTS = 100;
/** Once there are as many, every so many events one takes the place of the oldest. */
const RENEW_EVERY = 1024;

interface Sampled {
  readonly events: Fields[];
  seen: number;
}

/** Samples of events, by tenant and mapping. */
export class EventSamples {
  readonly #byTenant = new Map<string, Map<string, Sampled>>();

  /** An event of the mapping came in; `read` is called only where it becomes a sample. */
  offer(tenant: string, mapping: string, read: () => Fields | undefined): void {
    const sampled = this.#sampled(tenant, mapping);
    if (sampled === undefined) return;
    const place =
      sampled.seen < MAX_SAMPLES ? sampled.seen : sampled.seen % RENEW_EVERY === 0 ? (sampled.seen / RENEW_EVERY) % MAX_SAMPLES : -1;
    sampled.seen += 1;
    const fields = place < 0 ? undefined : read();
    if (fields !== undefined) sampled.events[Math.min(place, sampled.events.length)] = fields;
  }

  /** Samples of a tenant by mapping. */
  of(tenant: string): ReadonlyMap<string, readonly Fields[]> {
    const found = this.#byTenant.get(tenant) ?? new Map<string, Sampled>();
    return new Map([...found].map(([mapping, { events }]) => [mapping, events]));
  }

  #sampled(tenant: string, mapping: string): Sampled | undefined {
    let mappings = this.#byTenant.get(tenant);
    if (mappings === undefined) {
      if (this.#byTenant.size >= MAX_TENANTS) return undefined;
      mappings = new Map();
      this.#byTenant.set(tenant, mappings);
    }
    let sampled = mappings.get(mapping);
    if (sampled === undefined && mappings.size < MAX_MAPPINGS) {
      sampled = { events: [], seen: 0 };
      mappings.set(mapping, sampled);
    }
    return sampled;
  }
}
