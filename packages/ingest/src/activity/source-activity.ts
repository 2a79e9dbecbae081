/**
 * What each source does: when it was heard last, how fast it sends, what became of its records, how old its events are when they come.
 * Told once per batch; memory is bounded by the number of sources. Who shows it and who keeps it over a restart is the composition root's.
 */
import { type Clock, type ErrorCode, type FrameRecord, tenantKey } from '@tocsin/core';
import type { RecordResult, Source } from '../source.ts';
import { LagHistogram } from './lag-histogram.ts';

/** What is known of one source since this process started. Times in milliseconds since 1970. */
export interface SourceFacts {
  readonly tenant: string;
  readonly source: string;
  /** When something of it was taken last; undefined where nothing was. */
  readonly lastTakenMs: number | undefined;
  /** When it was heard last, whatever became of it. */
  readonly lastHeardMs: number;
  readonly records: number;
  readonly bytes: number;
  readonly stored: number;
  readonly duplicates: number;
  /** Dropped by its rules, and dropped before sending as the producer says. */
  readonly dropped: number;
  /** Of `dropped`, by the name of the rule. */
  readonly droppedBy: Readonly<Record<string, number>>;
  readonly droppedByProducer: number;
  /** Kept aside because they do not fit the schema of their type, and stored although they do not. */
  readonly quarantined: number;
  readonly misfits: number;
  /** Records with a secret in them. */
  readonly secrets: number;
  /** Records that no mapping knows more of than their format. */
  readonly unmapped: number;
  /** By error code. */
  readonly rejected: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Over about the last minute. */
  readonly eventsPerSecond: number;
  readonly bytesPerSecond: number;
  /** Time of receipt less event time: of half of the newest events at most, of the newest batch, the most ever. Undefined before the first event. */
  readonly lag: { readonly medianMs: number; readonly newestMs: number; readonly maxMs: number } | undefined;
  /** When each of its credentials was used last, by the beginning of its id. */
  readonly credentials: Readonly<Record<string, number>>;
}

/** One batch that was answered. */
export interface TakenBatch {
  readonly bytes: number;
  readonly results: readonly RecordResult[];
  /** What was new in it. */
  readonly events: readonly Pick<FrameRecord, 'timeMs' | 'receivedMs' | 'classUid' | 'flags'>[];
}

/** Sources that are kept; beyond it the one that was told first gives way. */
const MAX_SOURCES = 100_000;
/** Credentials of a source that are kept. */
const MAX_CREDENTIALS = 8;
/** Events of a batch whose lag is counted. */
const LAG_SAMPLES = 16;
const RATE_SPAN_S = 60;

/** Activity of all sources of a process. */
export class SourceActivity {
  readonly #clock: Clock;
  readonly #sources = new Map<string, OneSource>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A batch of a source was answered. */
  took(source: Source, batch: TakenBatch): void {
    this.#of(source).take(source, batch, this.#clock);
  }

  /** A producer says how many records it did not send. */
  droppedBefore(source: Source, records: number): void {
    this.#of(source).droppedByProducer += records;
  }

  /** What is known, of one tenant or of all. */
  facts(tenant?: string): SourceFacts[] {
    const found: SourceFacts[] = [];
    for (const one of this.#sources.values()) if (tenant === undefined || one.tenant === tenant) found.push(one.facts(this.#clock));
    return found;
  }

  #of({ tenant, name }: Source): OneSource {
    const key = tenantKey(tenant, name);
    const known = this.#sources.get(key);
    if (known !== undefined) return known;
    const made = new OneSource(tenant, name, this.#clock);
    this.#sources.set(key, made);
    const [oldest] = this.#sources.size > MAX_SOURCES ? this.#sources.keys() : [];
    if (oldest !== undefined) this.#sources.delete(oldest);
    return made;
  }
}

class OneSource {
  readonly tenant: string;
  readonly #name: string;
  #lastTakenMs: number | undefined;
  #lastHeardMs: number;
  #records = 0;
  #bytes = 0;
  #stored = 0;
  #duplicates = 0;
  #dropped = 0;
  droppedByProducer = 0;
  readonly #droppedBy: Record<string, number> = Object.create(null);
  #quarantined = 0;
  #misfits = 0;
  #secrets = 0;
  #unmapped = 0;
  readonly #rejected: Partial<Record<ErrorCode, number>> = {};
  readonly #lags = new LagHistogram();
  #newestLagMs: number | undefined;
  #maxLagMs = 0;
  /** Decaying sums, as of `#ratedMs` of the monotonic clock. */
  #eventRate = 0;
  #byteRate = 0;
  #ratedMs: number;
  readonly #credentials = new Map<string, number>();

  constructor(tenant: string, name: string, clock: Clock) {
    this.tenant = tenant;
    this.#name = name;
    this.#lastHeardMs = clock.nowMs();
    this.#ratedMs = clock.monotonicMs();
  }

  take({ credential }: Source, { bytes, results, events }: TakenBatch, clock: Clock): void {
    const nowMs = clock.nowMs();
    this.#lastHeardMs = nowMs;
    this.#records += results.length;
    this.#bytes += bytes;
    const before = this.#taken;
    for (const result of results) this.#count(result);
    if (this.#taken > before) this.#lastTakenMs = nowMs;
    for (const { classUid, flags } of events) {
      if (classUid === 0) this.#unmapped += 1;
      if (flags.length === 0) continue;
      if (flags.includes('secret_found')) this.#secrets += 1;
      if (flags.includes('schema_invalid')) this.#misfits += 1;
    }
    this.#noteLag(events);
    this.#decay(clock);
    this.#eventRate += results.length / RATE_SPAN_S;
    this.#byteRate += bytes / RATE_SPAN_S;
    if (credential !== undefined) this.#noteCredential(credential.slice(0, 12), nowMs);
  }

  facts(clock: Clock): SourceFacts {
    this.#decay(clock);
    const medianMs = this.#lags.medianMs;
    return {
      tenant: this.tenant,
      source: this.#name,
      lastTakenMs: this.#lastTakenMs,
      lastHeardMs: this.#lastHeardMs,
      records: this.#records,
      bytes: this.#bytes,
      stored: this.#stored,
      duplicates: this.#duplicates,
      dropped: this.#dropped,
      droppedBy: { ...this.#droppedBy },
      droppedByProducer: this.droppedByProducer,
      quarantined: this.#quarantined,
      misfits: this.#misfits,
      secrets: this.#secrets,
      unmapped: this.#unmapped,
      rejected: { ...this.#rejected },
      eventsPerSecond: round(this.#eventRate),
      bytesPerSecond: round(this.#byteRate),
      lag: medianMs === undefined ? undefined : { medianMs, newestMs: this.#newestLagMs ?? 0, maxMs: this.#maxLagMs },
      credentials: Object.fromEntries(this.#credentials),
    };
  }

  get #taken(): number {
    return this.#stored + this.#duplicates + this.#dropped + this.#quarantined;
  }

  #count(result: RecordResult): void {
    if (result.status === 'rejected') this.#rejected[result.code] = (this.#rejected[result.code] ?? 0) + 1;
    else if (result.status === 'dropped') {
      this.#dropped += 1;
      this.#droppedBy[result.rule] = (this.#droppedBy[result.rule] ?? 0) + 1;
    } else if (result.status === 'quarantined') this.#quarantined += 1;
    else if (result.status === 'stored') this.#stored += 1;
    else this.#duplicates += 1;
  }

  #noteLag(events: TakenBatch['events']): void {
    const step = Math.max(1, Math.ceil(events.length / LAG_SAMPLES));
    let least: number | undefined;
    for (let at = 0; at < events.length; at += step) {
      const { timeMs, receivedMs, flags } = events[at] as TakenBatch['events'][number];
      // Where the record gives no time, its time is that of receipt and says nothing.
      if (flags.length > 0 && flags.includes('time_missing')) continue;
      const lagMs = Math.max(0, receivedMs - timeMs);
      this.#lags.add(lagMs);
      if (lagMs > this.#maxLagMs) this.#maxLagMs = lagMs;
      if (least === undefined || lagMs < least) least = lagMs;
    }
    if (least !== undefined) this.#newestLagMs = least;
  }

  #decay(clock: Clock): void {
    const nowMs = clock.monotonicMs();
    const kept = Math.exp(-(nowMs - this.#ratedMs) / 1000 / RATE_SPAN_S);
    this.#eventRate *= kept;
    this.#byteRate *= kept;
    this.#ratedMs = nowMs;
  }

  #noteCredential(id: string, nowMs: number): void {
    this.#credentials.delete(id);
    this.#credentials.set(id, nowMs);
    const [oldest] = this.#credentials.size > MAX_CREDENTIALS ? this.#credentials.keys() : [];
    if (oldest !== undefined) this.#credentials.delete(oldest);
  }
}

function round(rate: number): number {
  return rate < 0.005 ? 0 : Math.round(rate * 100) / 100;
}
