/**
 * Raises an alert when a source that was sending is silent, raises its severity when it stays so, and closes it when the source is heard
 * again. It reads ingest's own facts and writes ALERTS itself: a matcher or fold that stands still neither hides a silence nor makes one.
 * Its ids are deterministic, and every write is compare-and-set: two watches, or one that begins anew, write the same.
 */
import type { EventBus, ReplayLog, StateBucket } from '@tocsin/bus';
import { type Alert, type Clock, isTocsinError, TocsinError, tenantKey } from '@tocsin/core';
import { parseAlert } from '../duties/alert-writer.ts';
import type { SourceRecord } from '../registry/registry.ts';
import { alertSubject } from '../subjects.ts';
import type { KnownSource } from './facts-keeper.ts';
import { silenceAlert, silenceAlertId, silenceOver } from './silence-alert.ts';
import { nextStep, type OpenSilence, type Outage, type SilenceStep, silenceAfter } from './silence-state.ts';
import { FACT_SHARDS, shardOf } from './stored-facts.ts';
import { WatchMemory } from './watch-memory.ts';

/** What a watch is made of. */
export interface SilenceWatchOptions {
  readonly bus: Pick<EventBus, 'commit'> & Pick<ReplayLog, 'last'>;
  readonly bucket: StateBucket;
  /** When each source was heard last, by what is kept. */
  readonly known: () => Promise<ReadonlyMap<string, KnownSource>>;
  /** A source as it is registered; undefined where it is not, or was revoked. */
  readonly sourceOf: (tenant: string, source: string) => SourceRecord | undefined;
  readonly settings: { readonly alerts: boolean; readonly first: number; readonly second: number; readonly checkEvery: number };
  readonly clock: Clock;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Steps of one look; what is left waits for the next. */
const MAX_STEPS = 1000;
const WRITE_ATTEMPTS = 5;

/** The watch. Disposing ends it. */
export class SilenceWatch implements AsyncDisposable {
  readonly #options: SilenceWatchOptions;
  readonly #memory: WatchMemory;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(options: SilenceWatchOptions, memory: WatchMemory) {
    this.#options = options;
    this.#memory = memory;
  }

  /** Reads what was told before, then begins to look. @throws bus.* */
  static async open(options: SilenceWatchOptions): Promise<SilenceWatch> {
    const { bucket, clock, settings } = options;
    const memory = await WatchMemory.open({ bucket, nowMs: clock.nowMs(), everyMs: settings.checkEvery });
    const watch = new SilenceWatch(options, memory);
    watch.#schedule();
    return watch;
  }

  /** Looks once, now. Never rejects: what could not be done is done by the next look. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(async () => {
      try {
        await this.#look();
      } catch (error) {
        this.#options.onTrouble(error, 'looking for silent sources; it is tried again');
      }
    });
    return this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { clock, known } = this.#options;
    const nowMs = clock.nowMs();
    await this.#memory.noteAlive(nowMs);
    const sources = await known();
    const steps = this.#stepsOf(sources, nowMs).slice(0, MAX_STEPS);
    for (let shard = 0; shard < FACT_SHARDS; shard++) {
      const some = steps.filter(({ silence }) => shardOf(silence) === shard);
      if (some.length > 0) await this.#passing(() => this.#take(shard, some, nowMs), `${some.length} silences`);
    }
  }

  /** Whether it was done. What cannot be done for its own sake is told and passed; an outage concerns everything, and ends the look. */
  async #passing(work: () => Promise<void>, of: string): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      if (error instanceof TocsinError && error.retry !== 'never') throw error;
      this.#options.onTrouble(error, `telling ${of}; it is tried again, and others are told`);
      return false;
    }
  }

  #stepsOf(sources: ReadonlyMap<string, KnownSource>, nowMs: number): SilenceStep[] {
    const { settings, sourceOf } = this.#options;
    const outages: readonly Outage[] = this.#memory.outages;
    const keys = new Set([...sources.keys(), ...this.#memory.openKeys()]);
    return [...keys].flatMap((key) => {
      const open = this.#memory.openOf(key);
      const { tenant, source } = sources.get(key) ?? (open as OpenSilence);
      const record = sourceOf(tenant, source);
      const lastTakenMs = sources.get(key)?.lastTakenMs ?? 0;
      const watched = { tenant, source, lastTakenMs, after: record && silenceAfter(record, settings) };
      return nextStep(watched, open, { nowMs, outages }) ?? [];
    });
  }

  /** Writes what begins before its alert and what ends after it: an alert is never left open that nobody remembers. */
  async #take(shard: number, steps: readonly SilenceStep[], nowMs: number): Promise<void> {
    const told = steps.filter((step) => step.kind === 'tell');
    await this.#memory.change(shard, (open) => {
      // Of a level of its own only once it is written: what is not would not be tried again.
      for (const { silence } of told) if (!open.has(keyOf(silence))) open.set(keyOf(silence), { ...silence, level: 0 });
    });
    const done: SilenceStep[] = [];
    try {
      for (const step of steps) {
        const { tenant, source } = step.silence;
        if (await this.#passing(() => this.#write(step, nowMs), `the silence of source ${source} of tenant ${tenant}`)) done.push(step);
      }
    } finally {
      await this.#remember(shard, done);
    }
  }

  async #remember(shard: number, done: readonly SilenceStep[]): Promise<void> {
    if (done.length === 0) return;
    await this.#memory.change(shard, (open) => {
      for (const { kind, silence } of done) {
        if (kind === 'tell') open.set(keyOf(silence), silence);
        else open.delete(keyOf(silence));
      }
    });
  }

  async #write(step: SilenceStep, nowMs: number): Promise<void> {
    const { bus } = this.#options;
    const id = silenceAlertId(step.silence);
    const subject = alertSubject(step.silence.tenant, id);
    for (let attempt = 1; ; attempt++) {
      const stored = await bus.last(subject);
      const alert = alertAfter(step, stored && parseAlert(stored), nowMs);
      if (alert === undefined) return;
      const expect = stored?.position ?? 'none';
      try {
        await bus.commit([{ subject, id: `${id}.${alert.foldRevision}.${expect}`, body: Buffer.from(JSON.stringify(alert)), expect }]);
        return;
      } catch (error) {
        // Somebody has acted on it meanwhile, or another watch was first: read again.
        if (!isTocsinError(error, 'bus.fenced') || attempt === WRITE_ATTEMPTS) throw error;
      }
    }
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => void this.look().then(() => this.#schedule()), this.#options.settings.checkEvery);
    this.#timer.unref();
  }
}

/** The alert after a step; undefined where it says so already. */
function alertAfter(step: SilenceStep, before: Alert | undefined, nowMs: number): Alert | undefined {
  if (step.kind === 'over') return before && silenceOver(before, { heardMs: step.heardMs, nowMs });
  const next = silenceAlert(step.silence, before, nowMs);
  return before !== undefined && before.severity >= next.severity ? undefined : next;
}

function keyOf({ tenant, source }: OpenSilence): string {
  return tenantKey(tenant, source);
}
