/** A registered source as ingest takes it. */
import type { Source } from '@tocsin/ingest';
import type { SourceRecord } from './registry.ts';

/** The source of a tenant, with what it says about its own events. */
export function sourceOf(tenant: string, { name, format, lane, logSource }: SourceRecord): Source {
  return { tenant, name, format, lane, shard: '', ...(logSource === undefined ? {} : { logSource }) };
}
