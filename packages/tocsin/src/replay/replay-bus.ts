/**
 * The bus as a replay sees it: the frames of its tenant within its range, where the live ones are; and everything else in a namespace of its
 * own. Matcher and folds run on it as they run on the bus itself. What it writes carries the replay's clock, which is then what it was
 * stored at, so that a replay that goes on finds everything as it left it. That it can write nowhere else is not its promise alone: its key
 * on the bus allows no more.
 */
import type {
  CommitOptions,
  EventBus,
  Outgoing,
  Published,
  ReadOptions,
  ReplayLog,
  Start,
  Stored,
  StreamInfo,
  Subscription,
} from '@tocsin/bus';
import { type Clock, type Lane, type MatchStep, type Position, TocsinError } from '@tocsin/core';
import { ALERTS_FILTER, eventsOfTenant, inReplay, isEvents, MATCHES_FILTER, outOfReplay, replayNamespace } from '../subjects.ts';
import { NOTHING_DONE, type ReplayCounts, type ReplayRange } from './replay-order.ts';

/** What it is made of. */
export interface ReplayBusOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly tenant: string;
  readonly run: string;
  readonly range: ReplayRange;
  readonly clock: Clock;
  /** Most bytes written. */
  readonly maxBytes: number;
}

/** Header with the time of the replay's clock. */
const AT = 'replay-at';
/** What a message takes beside its body, bytes: subject, id and headers. */
const OVERHEAD_BYTES = 200;

/** Bus of one replay. */
export class ReplayBus implements ReplayLog, Pick<EventBus, 'commit' | 'subscribe'> {
  readonly #options: ReplayBusOptions;
  readonly #namespace: string;
  #counts: ReplayCounts = NOTHING_DONE;

  constructor(options: ReplayBusOptions) {
    this.#options = options;
    this.#namespace = replayNamespace(options.tenant, options.run);
  }

  /** What was written so far, that of former attempts included. */
  get counts(): ReplayCounts {
    return this.#counts;
  }

  /** Counts what former attempts have written; resolves with the latest time they were at, undefined where there is nothing. */
  async recount(signal: AbortSignal): Promise<number | undefined> {
    this.#counts = NOTHING_DONE;
    let latestMs: number | undefined;
    for (const filter of [MATCHES_FILTER, ALERTS_FILTER]) {
      for await (const stored of this.read(filter, 'first', { signal })) {
        this.#count(stored);
        if (filter === MATCHES_FILTER) latestMs = Math.max(latestMs ?? 0, stored.storedMs);
      }
    }
    return latestMs;
  }

  /** @throws replay.full */
  async commit(messages: readonly Outgoing[], options?: CommitOptions): Promise<Published[]> {
    const { bus, run, clock, maxBytes } = this.#options;
    if (this.#counts.bytes > maxBytes) throw new TocsinError('replay.full', { bytes: this.#counts.bytes, maxBytes });
    const at = String(clock.nowMs());
    const renamed = messages.map((message) => ({
      ...message,
      subject: this.#inside(message.subject),
      // Ids are remembered per stream, which all replays share.
      id: `${run}.${message.id}`,
      headers: { ...message.headers, [AT]: at },
    }));
    const published = await bus.commit(renamed, options);
    published.forEach(({ duplicate }, i) => {
      const message = messages[i];
      if (!duplicate && message !== undefined) this.#count(message);
    });
    return published.map((one) => ({ ...one, subject: this.#outside(one.subject), id: one.id.slice(run.length + 1) }));
  }

  /** Nothing is ever given back to a replay: what it subscribes to stays empty. */
  async subscribe(_filter: string, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<Subscription> {
    const ended = Promise.withResolvers<void>();
    signal?.addEventListener('abort', () => ended.resolve(), { once: true });
    if (signal?.aborted === true) ended.resolve();
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          await ended.promise;
          return { done: true, value: undefined };
        },
      }),
      async [Symbol.asyncDispose]() {
        ended.resolve();
      },
    };
  }

  async *read(filter: string, from: Start, options: ReadOptions = {}): AsyncGenerator<Stored, void, undefined> {
    const { bus, tenant } = this.#options;
    if (isEvents(filter)) {
      const lane = this.#laneOf(filter);
      if (lane === undefined) return;
      const start = from === 'first' ? new Date(lane.sinceMs) : from;
      yield* bus.read(eventsOfTenant(filter, tenant), start, { ...options, until: options.until ?? lane.last, follow: false });
      return;
    }
    // What it wrote was stored now; the time it means is that of its own clock.
    const sinceMs = from instanceof Date ? from.getTime() : Number.NEGATIVE_INFINITY;
    for await (const stored of bus.read(this.#inside(filter), from instanceof Date ? 'first' : from, options)) {
      const own = this.#own(stored);
      if (own.storedMs >= sinceMs) yield own;
    }
  }

  async get(positions: readonly Position[]): Promise<Stored[]> {
    return (await this.#options.bus.get(positions)).map((stored) => (isEvents(stored.subject) ? stored : this.#own(stored)));
  }

  async last(subject: string): Promise<Stored | undefined> {
    const stored = await this.#options.bus.last(this.#inside(subject));
    return stored && this.#own(stored);
  }

  async info(filter: string): Promise<StreamInfo> {
    if (!isEvents(filter)) return await this.#options.bus.info(this.#inside(filter));
    const lane = this.#laneOf(filter);
    const info = await this.#options.bus.info(filter);
    return lane === undefined ? { ...info, messages: 0, first: undefined, last: undefined } : { ...info, last: lane.last };
  }

  /** Replays are removed as a whole. */
  purge(filter: string): Promise<number> {
    return Promise.reject(new TocsinError('bus.forbidden', { subject: filter, name: 'A replay' }));
  }

  #laneOf(filter: string): ReplayRange['lanes'][Lane] {
    return this.#options.range.lanes[filter.split('.')[2] as Lane];
  }

  #inside(subject: string): string {
    if (isEvents(subject)) throw new TocsinError('bus.forbidden', { subject, name: 'A replay' });
    return inReplay(this.#namespace, subject);
  }

  #outside(subject: string): string {
    return outOfReplay(this.#namespace, subject);
  }

  #own(stored: Stored): Stored {
    const id = stored.id.slice(this.#options.run.length + 1);
    return { ...stored, id, subject: this.#outside(stored.subject), storedMs: Number(stored.headers[AT] ?? stored.storedMs) };
  }

  #count({ subject, id, body }: Pick<Outgoing, 'subject' | 'id' | 'body'>): void {
    const counts = { ...this.#counts, bytes: this.#counts.bytes + body.byteLength + OVERHEAD_BYTES };
    if (subject.startsWith(MATCHES_FILTER.slice(0, -1))) {
      const { judged, duplicates, matches } = JSON.parse(Buffer.from(body).toString()) as MatchStep;
      counts.events += judged;
      counts.duplicates += duplicates;
      counts.matches += matches.length;
    }
    // The first message of an alert expected none before it.
    if (subject.startsWith(ALERTS_FILTER.slice(0, -1)) && id.endsWith('.none')) counts.alerts += 1;
    this.#counts = counts;
  }
}
