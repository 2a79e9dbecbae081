/**
 * All replays as one process sees them: knows every order and state by following them on the bus, runs those that are its own, so many at
 * once, and takes up after a restart what it had not finished. Who may ask for what is decided before.
 */
import { type EventBus, type ReplayLog, type Stored } from '@tocsin/bus';
import { type Clock, decodeToken, isTocsinError, messageOf, type Position, TocsinError, tenantKey } from '@tocsin/core';
import type { RuleFile } from '../rules/rule-book.ts';
import { REPLAY_PARTS_FILTER, REPLAYS_FILTER, replayFilter, replaySubject } from '../subjects.ts';
import { NOTHING_DONE, parsePart, type ReplayOrder, type ReplayPhase, type ReplayState } from './replay-order.ts';
import { rulesMessages } from './replay-rules.ts';

/** A replay as it stands. */
export interface ReplayView {
  readonly order: ReplayOrder;
  /** Undefined until it first ran. */
  readonly state: ReplayState | undefined;
  readonly phase: ReplayPhase;
}

/** A run under way; disposing stops it where it is. */
export interface RunningReplay extends AsyncDisposable {
  /** How often it ended by itself and was begun again. */
  readonly restarts: () => number;
}

/** What the desk is made of. */
export interface ReplayDeskOptions {
  readonly bus: Pick<EventBus, 'commit'> & ReplayLog;
  readonly clock: Clock;
  readonly nextId: () => string;
  /** Name of this process. */
  readonly member: string;
  readonly bounds: { readonly maxRunning: number; readonly maxKept: number; readonly runMaxBytes: number; readonly maxBytes: number };
  /** Begins a run. */
  readonly start: (order: ReplayOrder) => Promise<RunningReplay>;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** Beginnings after which a run that always ends is given up. */
const MOST_RESTARTS = 5;
const LOOK_EVERY_MS = 2000;
/** How long to wait until an order is seen, milliseconds. */
const SEEN_WITHIN_MS = 15_000;
/** Pause before following is tried again, milliseconds. */
const AGAIN_AFTER_MS = 1000;

/** The desk. Disposing stops what runs here; it goes on with the next start. */
export class ReplayDesk implements AsyncDisposable {
  readonly #options: ReplayDeskOptions;
  readonly #runs = new Map<string, { order: ReplayOrder | undefined; state: ReplayState | undefined }>();
  readonly #running = new Map<string, Promise<RunningReplay | undefined>>();
  readonly #waiting = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #followed: Position | undefined;
  #following: Promise<void> = Promise.resolve();
  #work: Promise<void> = Promise.resolve();

  private constructor(options: ReplayDeskOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#schedule(), LOOK_EVERY_MS).unref();
  }

  /** Opens the desk; resolves when every replay there is is known. */
  static async open(options: ReplayDeskOptions): Promise<ReplayDesk> {
    const desk = new ReplayDesk(options);
    for await (const stored of options.bus.read(REPLAY_PARTS_FILTER, 'first')) desk.#take(stored);
    desk.#following = desk.#follow();
    desk.#schedule();
    return desk;
  }

  /** A tenant's replays, the newest first. */
  list(tenant: string): ReplayView[] {
    return this.#views()
      .filter(({ order }) => order.tenant === tenant)
      .sort((a, b) => b.order.createdMs - a.order.createdMs);
  }

  /** One of them. @throws api.not_found */
  get(tenant: string, id: string): ReplayView {
    const view = this.list(tenant).find(({ order }) => order.id === id);
    if (view === undefined) throw new TocsinError('api.not_found', { what: 'replay', id });
    return view;
  }

  /** Whether there is room for another one. @throws replay.too_many, replay.no_room */
  async checkRoom(tenant: string): Promise<void> {
    const { bounds, bus } = this.#options;
    const kept = this.list(tenant).length;
    if (kept >= bounds.maxKept) throw new TocsinError('replay.too_many', { kept, most: bounds.maxKept });
    const { bytes } = await bus.info(REPLAYS_FILTER);
    if (bytes + bounds.runMaxBytes > bounds.maxBytes) throw noRoom(bytes, bounds.maxBytes);
  }

  /** Orders a replay, by these rules where any are given. */
  async order(order: Pick<ReplayOrder, 'id' | 'tenant' | 'spec' | 'actor'>, files: readonly RuleFile[]): Promise<ReplayView> {
    const { bus, clock, member } = this.#options;
    if (files.length > 0) await bus.commit(await rulesMessages(order.tenant, order.id, { files, quarantine: [] }));
    return await this.#put({ ...order, wanted: 'run', createdMs: clock.nowMs(), member, attempt: 1 });
  }

  /** Stops one where it is. @throws replay.not_running */
  async stop(tenant: string, id: string): Promise<ReplayView> {
    const { order, state, phase } = this.get(tenant, id);
    if (phase !== 'running' && phase !== 'waiting') throw new TocsinError('replay.not_running', { id, phase });
    await this.#put({ ...order, wanted: 'stop' });
    // One that waits, or whose process has gone, is nobody's to stop.
    if (phase === 'waiting' || order.member !== this.#options.member) await this.#say(order, state, { phase: 'stopped' });
    return await this.#until(tenant, id, (view) => view.phase === 'stopped');
  }

  /** Lets one go on that was stopped or has failed. @throws replay.running */
  async resume(tenant: string, id: string): Promise<ReplayView> {
    const { order, phase } = this.get(tenant, id);
    if (phase === 'running' || phase === 'waiting') throw new TocsinError('replay.running', { id, phase });
    if (phase === 'done') throw new TocsinError('replay.not_running', { id, phase });
    return await this.#put({ ...order, wanted: 'run', member: this.#options.member, attempt: order.attempt + 1 });
  }

  /** Removes one with everything it has written. @throws replay.running */
  async remove(tenant: string, id: string): Promise<void> {
    const { order, phase } = this.get(tenant, id);
    if (phase === 'running' || phase === 'waiting') throw new TocsinError('replay.running', { id, phase });
    await this.#commit(order, 'order', { ...order, wanted: 'removed' });
    await this.#purge(tenant, id);
    this.#runs.delete(tenantKey(tenant, id));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    clearInterval(this.#timer);
    await this.#following;
    await this.#work;
    await Promise.all([...this.#running.keys()].map((key) => this.#end(key)));
  }

  #views(): ReplayView[] {
    return [...this.#runs.values()].flatMap(({ order, state }) =>
      order === undefined || order.wanted === 'removed' ? [] : [viewOf(order, state)],
    );
  }

  async #put(order: ReplayOrder): Promise<ReplayView> {
    await this.#commit(order, 'order', order);
    return await this.#until(order.tenant, order.id, (view) => view.order.wanted === order.wanted && view.order.attempt === order.attempt);
  }

  async #say(order: ReplayOrder, state: ReplayState | undefined, news: Pick<ReplayState, 'phase'> & Partial<ReplayState>): Promise<void> {
    const nowMs = this.#options.clock.nowMs();
    const blank = { startedMs: nowMs, share: 0, position: {}, ...NOTHING_DONE };
    const { etaMs: _, reason: __, ...known } = state ?? { ...blank, etaMs: undefined, reason: undefined };
    await this.#commit(order, 'state', { ...known, ...news, attempt: order.attempt, updatedMs: nowMs, perSecond: 0 });
  }

  async #commit({ tenant, id }: ReplayOrder, part: 'order' | 'state', value: ReplayOrder | ReplayState): Promise<void> {
    const message = {
      subject: replaySubject(tenant, id, part),
      id: `${id}.${this.#options.nextId()}`,
      body: Buffer.from(JSON.stringify(value)),
    };
    await this.#options.bus.commit([message]);
  }

  /** Resolves when a replay is seen to be so; with how it is after a while. */
  async #until(tenant: string, id: string, isSo: (view: ReplayView) => boolean): Promise<ReplayView> {
    const deadline = AbortSignal.timeout(SEEN_WITHIN_MS);
    for (;;) {
      const seen = this.#runs.get(tenantKey(tenant, id));
      const view = seen?.order && viewOf(seen.order, seen.state);
      if (view !== undefined && (isSo(view) || deadline.aborted)) return view;
      if (deadline.aborted) throw new TocsinError('api.not_found', { what: 'replay', id });
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        deadline.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  async #follow(): Promise<void> {
    const { bus, onTrouble } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const from = this.#followed === undefined ? 'first' : { after: this.#followed };
        for await (const stored of bus.read(REPLAY_PARTS_FILTER, from, { follow: true, signal })) {
          this.#take(stored);
          this.#schedule();
        }
      } catch (error) {
        if (signal.aborted) return;
        if (isTocsinError(error, 'bus.bad_position')) this.#followed = undefined;
        onTrouble(error, 'following replays');
        await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
      }
    }
  }

  #take(stored: Stored): void {
    this.#followed = stored.position;
    const [, tenant = '', id = '', part] = stored.subject.split('.');
    const key = tenantKey(decodeToken(tenant), decodeToken(id));
    const known = this.#runs.get(key) ?? { order: undefined, state: undefined };
    if (part === 'order') known.order = parsePart<ReplayOrder>(stored);
    else if (part === 'state') {
      const state = parsePart<ReplayState>(stored);
      // What the thread of an earlier attempt says while it is being ended is no news of the present one.
      if (known.state === undefined || state.attempt >= known.state.attempt) known.state = state;
    }
    this.#runs.set(key, known);
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#stop.signal.aborted) return;
    this.#work = this.#work.then(() => this.#look()).catch((error: unknown) => this.#options.onTrouble(error, 'looking after replays'));
  }

  /** Ends what is to end, begins what is to begin. */
  async #look(): Promise<void> {
    const { bounds, member } = this.#options;
    for (const key of Array.from(this.#running.keys())) await this.#tried(() => this.#lookAt(key), 'looking after a replay');
    for (const { order } of this.#runs.values())
      if (order?.wanted === 'removed' && order.member === member) await this.#tried(() => this.#purgeRemains(order), 'removing a replay');
    const open = await this.#wanting();
    const runningOf = (tenant: string): number => [...this.#running.keys()].filter((key) => key.startsWith(tenantKey(tenant, ''))).length;
    // Who has the least running is next: nobody's queue holds up everybody.
    while (open.length > 0 && this.#running.size < bounds.maxRunning && !this.#stop.signal.aborted) {
      open.sort((a, b) => runningOf(a.order.tenant) - runningOf(b.order.tenant) || a.order.createdMs - b.order.createdMs);
      const next = open.shift();
      if (next !== undefined && !(await this.#beginIfThereIsRoom(next))) break;
    }
  }

  /** Replays of this process that are to run and do not; of those that are to stop and do not run it is said that they have. */
  async #wanting(): Promise<ReplayView[]> {
    const { member } = this.#options;
    const own = this.#views().filter(({ order, phase }) => order.member === member && (phase === 'waiting' || phase === 'running'));
    const idle = own.filter(({ order }) => !this.#running.has(tenantKey(order.tenant, order.id)));
    for (const { order, state } of idle)
      if (order.wanted === 'stop') await this.#tried(() => this.#say(order, state, { phase: 'stopped' }), 'stopping a replay');
    return idle.filter(({ order }) => order.wanted === 'run');
  }

  /** One replay's trouble is not that of the others; the next look tries it again. */
  async #tried(work: () => Promise<void>, what: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#options.onTrouble(error, what);
    }
  }

  /** What runs may still write counts as written. False where it waits for room that others may leave. */
  async #beginIfThereIsRoom(next: ReplayView): Promise<boolean> {
    const { bounds, bus } = this.#options;
    const { bytes } = await bus.info(REPLAYS_FILTER);
    const running = [...this.#running.keys()].map((key) => this.#runs.get(key)?.state?.bytes ?? 0);
    const promised = running.reduce((sum, written) => sum + Math.max(0, bounds.runMaxBytes - written), bytes);
    if (promised + bounds.runMaxBytes <= bounds.maxBytes) this.#begin(next);
    else if (running.length > 0) return false;
    else await this.#say(next.order, next.state, { phase: 'failed', reason: noRoom(bytes, bounds.maxBytes).message });
    return true;
  }

  #begin({ order, state }: ReplayView): void {
    const key = tenantKey(order.tenant, order.id);
    const begun = this.#options.start(order).catch(async (error: unknown) => {
      this.#options.onTrouble(error, `starting replay ${order.id}`);
      await this.#sayNotBegun(key, { order, state }, error);
      return undefined;
    });
    this.#running.set(key, begun);
  }

  /** One of which not even that can be said is begun again by the next look. */
  async #sayNotBegun(key: string, { order, state }: Pick<ReplayView, 'order' | 'state'>, cause: unknown): Promise<void> {
    try {
      await this.#say(order, state, { phase: 'failed', reason: messageOf(cause) });
    } catch (error) {
      this.#options.onTrouble(error, `saying that replay ${order.id} did not begin; it is begun again`);
      this.#running.delete(key);
    }
  }

  async #lookAt(key: string): Promise<void> {
    const { order, state } = this.#runs.get(key) ?? {};
    if (order === undefined || order.member !== this.#options.member) return await this.#end(key);
    if (order.wanted !== 'run') return await this.#endAs(key, order, { phase: 'stopped' });
    if (viewOf(order, state).phase !== 'running' && state?.attempt === order.attempt) return await this.#end(key);
    const running = await this.#running.get(key);
    if ((running?.restarts() ?? 0) < MOST_RESTARTS) return;
    const { message } = new TocsinError('replay.broken', { id: order.id, reason: `its thread ended ${MOST_RESTARTS} times` });
    await this.#endAs(key, order, { phase: 'failed', reason: message });
  }

  /** Ends a run, and says how where nobody else has said it. */
  async #endAs(key: string, order: ReplayOrder, news: Pick<ReplayState, 'phase' | 'reason'>): Promise<void> {
    await this.#end(key);
    const state = this.#runs.get(key)?.state;
    const hasEnded = state?.attempt === order.attempt && state.phase !== 'running';
    if (order.wanted !== 'removed' && !hasEnded) await this.#say(order, state, news);
  }

  async #end(key: string): Promise<void> {
    const running = await this.#running.get(key);
    await running?.[Symbol.asyncDispose]();
    this.#running.delete(key);
  }

  /** Of one whose removal was broken off. */
  async #purgeRemains({ tenant, id }: ReplayOrder): Promise<void> {
    await this.#purge(tenant, id);
    this.#runs.delete(tenantKey(tenant, id));
  }

  async #purge(tenant: string, id: string): Promise<void> {
    const { bus } = this.#options;
    const { last } = await bus.info(REPLAYS_FILTER);
    if (last !== undefined) await bus.purge(replayFilter(tenant, id), last);
  }
}

function noRoom(bytes: number, maxBytes: number): TocsinError {
  return new TocsinError('replay.no_room', { bytes, maxBytes });
}

/** A state of an earlier attempt says what was done, not what goes on. */
function viewOf(order: ReplayOrder, state: ReplayState | undefined): ReplayView {
  const isOfNow = state !== undefined && state.attempt === order.attempt;
  return { order, state, phase: isOfNow ? state.phase : 'waiting' };
}
