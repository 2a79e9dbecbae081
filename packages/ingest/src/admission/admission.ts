/**
 * Admission: whether a source may hand in more now. The one seam that every listener passes: `Intake.emit` asks it before anything is
 * decoded, so that no listener can forget to, and a listener that can refuse without reading (HTTP, MQTT) asks `precheck` before. What is
 * refused is counted by reason. Where quotas come from is the caller's; how much disk there is, too.
 */
import { type Clock, isTocsinError, TocsinError, tenantKey } from '@tocsin/core';
import type { Source } from '../source.ts';
import { createRefusalCounts, type RefusalCounts } from './refusal-counts.ts';
import { type BucketRate, TokenBucket } from './token-bucket.ts';

/** How much a source or a tenant may send. What is undefined or 0 has no limit. */
export interface Quota {
  readonly eventsPerSecond?: number | undefined;
  /** Bytes of records as they arrive, after decompression. */
  readonly bytesPerSecond?: number | undefined;
  /** Seconds of its rate that may come at once after a quiet time; default 5. */
  readonly burstSeconds?: number | undefined;
}

/** What is to be taken in. */
export interface Load {
  readonly records: number;
  readonly bytes: number;
}

/** Whose quota: of one source, or of all sources of a tenant together. */
export type QuotaScope = 'source' | 'tenant';

/** What admission is made of. */
export interface AdmissionOptions {
  readonly clock: Clock;
  /** The quota in force; asked for each request, so that a change is in force with the next one. */
  readonly quotaOf: (scope: QuotaScope, owner: { readonly tenant: string; readonly source: string }) => Quota | undefined;
  /** Other reasons to refuse, asked first: each throws what the sender is to be told. `take`: it is not only a question. */
  readonly gates?: readonly ((source: Source, take: boolean) => void)[] | undefined;
}

/** Decides, and counts what it refused. */
export interface Admission {
  /**
   * Takes what a request costs out of its source's and its tenant's quota, all or nothing. A listener that calls `Intake.emit` must not
   * call it: `emit` does. @throws flow.over_quota (its `retryAfterMs` says when it is worth coming again), and what the gates throw
   */
  admit(source: Source, load: Load): void;
  /** Throws where not even one event would be admitted: for refusing before a body is read. Takes nothing out of a quota. */
  precheck(source: Source): void;
  /** Counts a refusal decided elsewhere, by its error; errors without a code are not counted. */
  refused(source: Source, error: unknown, load: Load): void;
  readonly refusals: Pick<RefusalCounts, 'of' | 'total'>;
}

const DEFAULT_BURST_SECONDS = 5;
/** Owners with a bucket, after which those that are full are forgotten. */
const SWEEP_AT = 10_000;

/** The buckets of one owner, as their quota made them. */
interface OwnerBuckets {
  quota: Quota | undefined;
  events: TokenBucket | undefined;
  bytes: TokenBucket | undefined;
}

/** Something that must hold before a request passes. */
interface Demand {
  readonly bucket: TokenBucket;
  readonly tokens: number;
  readonly refusal: (retryAfterMs: number) => TocsinError;
}

/** Admission by token buckets. */
export function createAdmission({ clock, quotaOf, gates = [] }: AdmissionOptions): Admission {
  const owners = new Map<string, OwnerBuckets>();
  const refusals = createRefusalCounts();

  const demandsOf = (scope: QuotaScope, source: Source, load: Load): Demand[] => {
    const owner = { tenant: source.tenant, source: source.name };
    const quota = quotaOf(scope, owner);
    if (quota === undefined) return [];
    const key = scope === 'tenant' ? `t${source.tenant}` : `s${tenantKey(source.tenant, source.name)}`;
    if (!owners.has(key) && owners.size >= SWEEP_AT) sweep(owners, clock.monotonicMs());
    return demandsUpon(bucketsOf(owners, { key, quota, nowMs: clock.monotonicMs() }), { scope, source, quota, load });
  };
  const decide = (source: Source, load: Load, take: boolean): Demand[] => {
    for (const gate of gates) gate(source, take);
    const demands = [...demandsOf('source', source, load), ...demandsOf('tenant', source, load)];
    const nowMs = clock.monotonicMs();
    let longest: { readonly waitMs: number; readonly demand: Demand } | undefined;
    for (const demand of demands) {
      const waitMs = demand.bucket.waitMs(demand.tokens, nowMs);
      if (waitMs > (longest?.waitMs ?? 0)) longest = { waitMs, demand };
    }
    if (longest !== undefined) throw longest.demand.refusal(longest.waitMs);
    return demands;
  };
  return {
    admit(source, load) {
      const nowMs = clock.monotonicMs();
      for (const { bucket, tokens } of decide(source, load, true)) bucket.take(tokens, nowMs);
    },
    precheck: (source) => void decide(source, { records: 1, bytes: 1 }, false),
    refused(source, error, load) {
      if (isTocsinError(error)) refusals.add({ tenant: source.tenant, source: source.name }, error.code, load);
    },
    refusals,
  };
}

/** Buckets of an owner under the quota in force: made when first needed, kept when the quota changes. */
function bucketsOf(owners: Map<string, OwnerBuckets>, { key, quota, nowMs }: { key: string; quota: Quota; nowMs: number }): OwnerBuckets {
  let own = owners.get(key);
  if (own === undefined) owners.set(key, (own = { quota: undefined, events: undefined, bytes: undefined }));
  if (own.quota === quota) return own;
  own.quota = quota;
  own.events = underRate(own.events, rateOf(quota.eventsPerSecond, quota), nowMs);
  own.bytes = underRate(own.bytes, rateOf(quota.bytesPerSecond, quota), nowMs);
  return own;
}

function underRate(bucket: TokenBucket | undefined, rate: BucketRate | undefined, nowMs: number): TokenBucket | undefined {
  if (rate === undefined) return undefined;
  if (bucket === undefined) return new TokenBucket(rate, nowMs);
  bucket.setRate(rate, nowMs);
  return bucket;
}

function rateOf(perSecond: number | undefined, { burstSeconds = DEFAULT_BURST_SECONDS }: Quota): BucketRate | undefined {
  return perSecond === undefined || perSecond <= 0 ? undefined : { perSecond, capacity: Math.max(1, perSecond * burstSeconds) };
}

function demandsUpon(
  { events, bytes }: OwnerBuckets,
  { scope, source, quota, load }: { scope: QuotaScope; source: Source; quota: Quota; load: Load },
): Demand[] {
  const whose = scope === 'tenant' ? `Tenant ${source.tenant}` : `Source ${source.name}`;
  const demands: Demand[] = [];
  if (events !== undefined) {
    const limit = `${quota.eventsPerSecond} events per second`;
    const refusal = (retryAfterMs: number) => new TocsinError('flow.over_quota', { whose, what: 'events', limit, retryAfterMs });
    demands.push({ bucket: events, tokens: load.records, refusal });
  }
  if (bytes !== undefined) {
    const limit = `${quota.bytesPerSecond} bytes per second`;
    const refusal = (retryAfterMs: number) => new TocsinError('flow.over_quota', { whose, what: 'bytes', limit, retryAfterMs });
    demands.push({ bucket: bytes, tokens: load.bytes, refusal });
  }
  return demands;
}

function sweep(owners: Map<string, OwnerBuckets>, nowMs: number): void {
  for (const [key, { events, bytes }] of owners) {
    if ((events?.isFull(nowMs) ?? true) && (bytes?.isFull(nowMs) ?? true)) owners.delete(key);
  }
}
