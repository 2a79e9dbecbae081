/**
 * The retention keeper: removes what everybody who must read it has read, by age, before a stream reaches its size limit, and where a
 * tenant reaches his. What has not been read stays, and an alarm says so; only where the settings allow it is unread data evicted, after
 * an alarm, with a gap record on AUDIT that counts what went. How far everybody is comes from `survey.ts`.
 */
import type { ReplayLog, SubjectFilter } from '@tocsin/bus';
import type { Clock, Lane } from '@tocsin/core';
import type { Kept } from '@tocsin/store';
import type { InstallationSettings } from '../config/settings.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import type { AuditTrail } from '../security/audit-trail.ts';
import { EVENTS_STREAM, tenantLaneFilter } from '../subjects.ts';
import { ALERTS_KEPT_MS, MATCHES_KEPT_MS } from '../topology.ts';
import { countGap, recordGap } from './gap-record.ts';
import { positionAt } from './lag.ts';
import { type SurveyedStream, sequenceOf } from './survey.ts';

/** What a tenant may keep of his events; 0: no limit. */
export interface TenantBounds {
  readonly storedBytes: number;
  readonly storedEvents: number;
  readonly storedDays: number;
}

/** What the keeper works with. */
export interface KeeperOptions {
  readonly bus: ReplayLog;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly trail: AuditTrail;
  readonly store: Pick<ThreadClient<StoreApi>, 'kept' | 'oldest' | 'forget'>;
  readonly settings: InstallationSettings['retention'];
  readonly eventsMaxAgeMs: number;
  /** What a tenant may keep. */
  readonly tenantBounds: (tenant: string) => TenantBounds;
  readonly onTrouble: (error: unknown, what: string) => void;
  /** Told of what was removed. */
  readonly onRemoved: (stream: string, messages: number, why: string) => void;
}

/** What somebody should look at. */
export interface Alarm {
  readonly stream: string;
  readonly reason: string;
}

/** What one round did. */
export interface KeeperRound {
  /** Messages removed. */
  readonly removed: number;
  /** Streams of which there were some. */
  readonly shrunk: ReadonlySet<string>;
  readonly alarms: readonly Alarm[];
  /** Bytes of events kept by each tenant; undefined while the store does not answer. */
  readonly kept: ReadonlyMap<string, number> | undefined;
}

/** Share of his quota at which a tenant's oldest are removed, and down to which. */
const TENANT_PURGE_AT = 0.95;
const TENANT_PURGE_TO = 0.85;
const DAY_MS = 86_400_000;
const LANES: readonly Lane[] = ['live', 'bulk'];

/** Keeps the streams within their bounds, a round at a time. Not for concurrent use. */
export class RetentionKeeper {
  readonly #options: KeeperOptions;
  /** Streams whose unread data had an alarm in the round before. */
  #alarmed = new Set<string>();

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** One round over all streams. @throws bus errors */
  async round(streams: readonly SurveyedStream[]): Promise<KeeperRound> {
    const alarms: Alarm[] = [];
    const gone = new Map<string, number>();
    for (const stream of streams) {
      const isHeld = readByAll(stream) < this.#oldestOf(stream, this.#options.settings.purgeToPercent);
      const read = (await this.#byAge(stream)) + (await this.#bySize(stream));
      // A reader that reads on may still be too slow: what is left counts.
      const left = read > 0 ? { ...stream, ...(await this.#options.bus.info(stream.filter)) } : stream;
      const alarm = read === 0 || isHeld ? this.#alarmOf(left) : undefined;
      if (alarm !== undefined) alarms.push(alarm);
      gone.set(stream.name, read + (alarm === undefined ? 0 : await this.#evict(left)));
    }
    this.#alarmed = new Set(alarms.map(({ stream }) => stream));
    const kept = await this.#keptByTenant();
    for (const one of kept ?? []) await this.#byTenant(streams, one, gone);
    return {
      removed: [...gone.values()].reduce((sum, each) => sum + each, 0),
      shrunk: new Set([...gone].filter(([, each]) => each > 0).map(([name]) => name)),
      alarms,
      kept: kept && new Map(kept.map(({ tenant, bytes }) => [tenant, bytes])),
    };
  }

  async #byAge(stream: SurveyedStream): Promise<number> {
    const ageMs = this.#maxAgeOf(stream.name);
    if (ageMs === 0 || stream.first === undefined) return 0;
    const cutoffMs = this.#options.clock.nowMs() - ageMs;
    const [oldest] = await this.#options.bus.get([stream.first]);
    if (oldest === undefined || oldest.storedMs >= cutoffMs) return 0;
    let upTo = sequenceOf(stream.last);
    for await (const stored of this.#options.bus.read(stream.filter, new Date(cutoffMs), { limit: 1 }))
      upTo = sequenceOf(stored.position) - 1;
    return this.#remove(stream, Math.min(upTo, readByAll(stream)), 'age');
  }

  async #bySize(stream: SurveyedStream): Promise<number> {
    const { purgeAtPercent, purgeToPercent } = this.#options.settings;
    if (stream.bytes < (stream.maxBytes * purgeAtPercent) / 100) return 0;
    return this.#remove(stream, Math.min(this.#oldestOf(stream, purgeToPercent), readByAll(stream)), 'size');
  }

  /** Number of the message up to which must go so that about this share of the limit is left: messages are taken to be of one size. */
  #oldestOf({ bytes, maxBytes, first, last }: SurveyedStream, percent: number): number {
    const share = Math.min(1, Math.max(0, (bytes - (maxBytes * percent) / 100) / bytes));
    const from = sequenceOf(first);
    return from - 1 + Math.ceil((sequenceOf(last) - from + 1) * share);
  }

  #alarmOf(stream: SurveyedStream): Alarm | undefined {
    const percent = stream.maxBytes <= 0 ? 0 : (100 * stream.bytes) / stream.maxBytes;
    if (percent < this.#options.settings.purgeAtPercent || stream.messages === 0) return undefined;
    const slowest = stream.readers.reduce((least, reader) => (reader.sequence < least.sequence ? reader : least), {
      name: 'nobody',
      sequence: Number.POSITIVE_INFINITY,
    });
    return { stream: stream.name, reason: `${stream.name} is ${Math.floor(percent)} % full of what ${slowest.name} has not read yet` };
  }

  /** Removes unread data, where that is allowed, from the second round of an alarm on; what goes is on AUDIT first. */
  async #evict(stream: SurveyedStream): Promise<number> {
    const { evictUnreadPercent, purgeToPercent } = this.#options.settings;
    const isFull = evictUnreadPercent > 0 && stream.bytes >= (stream.maxBytes * evictUnreadPercent) / 100;
    if (!isFull || !this.#alarmed.has(stream.name) || stream.last === undefined) return 0;
    const upTo = positionAt(stream.last, this.#oldestOf(stream, purgeToPercent));
    const gap = await countGap(this.#options.bus, stream.filter, upTo);
    return recordGap(this.#options, { stream: stream.name, gap }, () => this.#remove(stream, sequenceOf(upTo), 'unread data was evicted'));
  }

  async #remove(stream: SurveyedStream, upTo: number, why: string): Promise<number> {
    if (stream.first === undefined || stream.last === undefined || upTo < sequenceOf(stream.first)) return 0;
    let removed = 0;
    for (const [filter, sequence] of purgesOf(stream, upTo)) {
      removed += await this.#options.bus.purge(filter, positionAt(stream.last, sequence));
    }
    if (removed > 0) this.#options.onRemoved(stream.name, removed, why);
    return removed;
  }

  async #keptByTenant(): Promise<readonly Kept[] | undefined> {
    try {
      return await this.#options.store.kept();
    } catch (error) {
      this.#options.onTrouble(error, 'asking what tenants keep');
      return undefined;
    }
  }

  /** Adds to what has gone of each stream. */
  async #byTenant(streams: readonly SurveyedStream[], kept: Kept, gone: Map<string, number>): Promise<void> {
    const { bus, clock, store, tenantBounds, onRemoved } = this.#options;
    const { tenant } = kept;
    const bounds = tenantBounds(tenant);
    const going = {
      bytes: excessOf(kept.bytes, bounds.storedBytes),
      events: excessOf(kept.events, bounds.storedEvents),
      beforeMs: bounds.storedDays === 0 ? 0 : clock.nowMs() - bounds.storedDays * DAY_MS,
    };
    if (going.bytes === 0 && going.events === 0 && going.beforeMs === 0) return;
    for (const { stream: name, position } of await store.oldest(tenant, going)) {
      const stream = streams.find((each) => each.name === name);
      const lane = LANES.find((each) => EVENTS_STREAM[each] === name);
      if (stream === undefined || lane === undefined) continue;
      const upTo = Math.min(sequenceOf(position), readByAll(stream));
      if (upTo < sequenceOf(stream.first)) continue;
      const removed = await bus.purge(tenantLaneFilter(lane, tenant), positionAt(position, upTo));
      await store.forget({ stream: name, upTo, tenant });
      if (removed > 0) onRemoved(name, removed, `quota of tenant ${tenant}`);
      gone.set(name, (gone.get(name) ?? 0) + removed);
    }
  }

  #maxAgeOf(stream: string): number {
    if (stream.startsWith('EVENTS_')) return this.#options.eventsMaxAgeMs;
    if (stream === 'MATCHES') return MATCHES_KEPT_MS;
    return stream === 'ALERTS' ? ALERTS_KEPT_MS : 0;
  }
}

/** How much must go of what a tenant keeps. */
function excessOf(kept: number, most: number): number {
  return most === 0 || kept < most * TENANT_PURGE_AT ? 0 : kept - most * TENANT_PURGE_TO;
}

/** Number of the last message that everybody has read and will not need again. */
export function readByAll({ readers, last }: SurveyedStream): number {
  return Math.min(sequenceOf(last), ...readers.map(({ sequence, settled = sequence }) => Math.min(sequence, settled)));
}

/** What to purge: of MATCHES the newest step of each partition stays, whatever its age. */
function purgesOf({ filter, newest }: SurveyedStream, upTo: number): (readonly [SubjectFilter, number])[] {
  if (newest === undefined) return [[filter, upTo]];
  return newest.map((each) => [each.filter, Math.min(upTo, each.sequence - 1)] as const).filter(([, sequence]) => sequence > 0);
}
