/**
 * Catch-ups of an installation: keeps those that are asked for, runs them one after the other in a thread of their own, and goes on with what
 * was not finished when the process ended. Several processes agree by the record of a catch-up: who writes it last runs it.
 */
import { setTimeout } from 'node:timers/promises';
import { comparePositions } from '@tocsin/bus';
import { type Clock, isTocsinError, messageOf, type Position, TocsinError } from '@tocsin/core';
import type { DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import type { AuditTrail } from '../security/audit-trail.ts';
import { getChunked } from '../state/chunked-value.ts';
import { ALERTS_FILTER } from '../subjects.ts';
import { CATCH_UP_BUCKET, CONTROL_BUCKET } from '../topology.ts';
import type { Bus } from '../wire.ts';
import {
  type CatchUpJob,
  type FoundAlert,
  foundKey,
  type KeptJob,
  listJobs,
  makeRoom,
  nextRevision,
  putJob,
  readJob,
} from './catch-up-job.ts';
import { forgetPoint } from './catch-up-point.ts';
import type { CatchUpApi } from './catch-up-thread.ts';
import { supersedeAlerts } from './supersede-alerts.ts';

/** A thread that runs catch-ups. */
export interface CatchUpThread extends AsyncDisposable {
  readonly client: Pick<ThreadClient<CatchUpApi>, 'run'>;
}

/** What the desk is made of. */
export interface CatchUpDeskOptions {
  readonly bus: Bus;
  readonly store: ThreadClient<StoreApi>;
  readonly detect: ThreadClient<DetectApi>;
  readonly trail: AuditTrail;
  readonly startThread: () => Promise<CatchUpThread>;
  /** How long a record that nobody changes must stand before it is taken over from whoever ran it, milliseconds; 0 where nobody else can be there. */
  readonly leaseMs: number;
  /** Pause before what did not succeed is tried again, milliseconds; a second where absent. */
  readonly againAfterMs?: number | undefined;
  readonly clock: Clock;
  readonly nextId: () => string;
  readonly onTrouble: (error: unknown, what: string) => void;
}

/** A new catch-up: everything that whoever asks for it has to say. */
export type NewCatchUp = Omit<CatchUpJob, 'id' | 'revision' | 'state' | 'judged' | 'gone' | 'share' | 'alerts' | 'createdMs' | 'updatedMs'>;

/** Threads that may end in one catch-up before it is given up. */
const MAX_CRASHES = 3;
const AGAIN_AFTER_MS = 1000;
/** How long correlators may take to reach the note, and the alert table what was written; and how often to look. Milliseconds. */
const FOLDED_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 100;

/** The desk. Disposing ends what runs; it goes on with the next start. */
export class CatchUpDesk implements AsyncDisposable {
  readonly #options: CatchUpDeskOptions;
  readonly #stop = new AbortController();
  readonly #crashes = new Map<string, number>();
  #work: Promise<void> | undefined;
  #isAsked = false;

  constructor(options: CatchUpDeskOptions) {
    this.#options = options;
    this.wake();
  }

  /** Keeps a catch-up and sees to it that it is run. @throws catchup.too_many */
  async add(wanted: NewCatchUp): Promise<CatchUpJob> {
    const { clock, nextId } = this.#options;
    await makeRoom(this.#bucket());
    const nowMs = clock.nowMs();
    const none = { raised: 0, changed: 0, confirmed: 0, superseded: 0 };
    const begun = { state: 'waiting', judged: 0, gone: 0, share: 0, alerts: none, createdMs: nowMs, updatedMs: nowMs } as const;
    const job: CatchUpJob = { ...wanted, ...begun, id: nextId(), revision: await nextRevision(this.#options.bus.bucket(CONTROL_BUCKET)) };
    await putJob(this.#bucket(), { job, at: 0 });
    this.wake();
    return job;
  }

  /** A tenant's catch-ups, the newest first. */
  async list(tenant: string): Promise<CatchUpJob[]> {
    return (await listJobs(this.#bucket())).map(({ job }) => job).filter((job) => job.tenant === tenant);
  }

  /** Looks for work. */
  wake(): void {
    this.#isAsked = true;
    this.#work ??= this.#run().finally(() => {
      this.#work = undefined;
      if (this.#isAsked && !this.#stop.signal.aborted) this.wake();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  #bucket() {
    return this.#options.bus.bucket(CATCH_UP_BUCKET);
  }

  /** Runs whatever is to be run; troubles are told and tried again. */
  async #run(): Promise<void> {
    const thread = new ThreadOnDemand(this.#options.startThread);
    try {
      while (this.#isAsked && !this.#stop.signal.aborted) {
        this.#isAsked = false;
        const open = (await listJobs(this.#bucket())).filter(({ job }) => isOpen(job)).reverse();
        for (const kept of open) await this.#runOne(kept, thread);
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#options.onTrouble(error, 'running catch-ups');
      this.#isAsked = true;
      await this.#pause();
    } finally {
      await thread[Symbol.asyncDispose]();
    }
  }

  /** Whether nobody else runs it. */
  async #isFree({ job, at }: KeptJob): Promise<boolean> {
    const { leaseMs } = this.#options;
    if (leaseMs === 0 || job.state === 'waiting') return true;
    await setTimeout(leaseMs, undefined, { signal: this.#stop.signal }).catch(() => 'stopped');
    return (await readJob(this.#bucket(), job.id))?.at === at;
  }

  async #runOne(kept: KeptJob, thread: ThreadOnDemand): Promise<void> {
    if (this.#stop.signal.aborted || !(await this.#isFree(kept))) return;
    try {
      await this.#finish(kept.job.state === 'folded' ? kept : await this.#fold(kept, thread));
    } catch (error) {
      if (this.#stop.signal.aborted || isTocsinError(error, 'bus.fenced')) return;
      await this.#settleFailure(kept.job.id, error);
    }
  }

  /** Runs one in its thread until the folds have been told. A thread that ends on the way is counted against the catch-up. */
  async #fold(kept: KeptJob, thread: ThreadOnDemand): Promise<KeptJob> {
    const client = await thread.client();
    try {
      return await this.#untilStopped(() => client.run(kept));
    } catch (error) {
      if (isTocsinError(error, 'api.duty_down')) this.#crashes.set(kept.job.id, (this.#crashes.get(kept.job.id) ?? 0) + 1);
      throw error;
    }
  }

  /** A thread that is stopped takes its questions with it. */
  async #untilStopped<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.#stop;
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await Promise.race([work(), promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** When the folds have taken over and the table shows it, alerts that are void now are marked. */
  async #finish({ job, at }: KeptJob): Promise<void> {
    const { bus, clock } = this.#options;
    await this.#untilFolded(job);
    const bytes = await getChunked(this.#bucket(), foundKey(job.id));
    const found = bytes === undefined ? [] : (JSON.parse(Buffer.from(bytes).toString()) as FoundAlert[]);
    const superseded = await supersedeAlerts(job, found, this.#options);
    const shown = await bus.info(ALERTS_FILTER);
    if (shown.last !== undefined && shown.messages > 0) await this.#options.store.alertsReached(shown.last, FOLDED_WITHIN_MS);
    const done: CatchUpJob = { ...job, state: 'done', share: 1, alerts: { ...job.alerts, superseded }, updatedMs: clock.nowMs() };
    await this.#sayOutcome(done, 'done');
    await putJob(this.#bucket(), { job: done, at });
    await forgetPoint(this.#bucket(), job.id);
    this.#crashes.delete(job.id);
  }

  /** On AUDIT, once per catch-up. */
  async #sayOutcome({ id, tenant, actor, judged, gone, alerts }: CatchUpJob, result: string): Promise<void> {
    const { clock, trail } = this.#options;
    await trail.append({
      id,
      phase: 'outcome',
      atMs: clock.nowMs(),
      tenant,
      actor,
      credentialId: 'none',
      action: 'rules.write',
      resource: `catch-up/${id}`,
      after: { judged, gone, ...alerts },
      result,
    });
  }

  /** @throws catchup.not_folded where it takes too long: what is marked by older alerts would miss some */
  async #untilFolded({ id, doneAt }: CatchUpJob): Promise<void> {
    const { store, bus } = this.#options;
    const late = (): TocsinError => new TocsinError('catchup.not_folded', { id, withinMs: FOLDED_WITHIN_MS });
    if (doneAt !== undefined) {
      const position = doneAt as Position;
      if (!(await this.#isReached(position)) || !(await store.coverageReached(position, FOLDED_WITHIN_MS))) throw late();
    }
    const { last, messages } = await bus.info(ALERTS_FILTER);
    if (last !== undefined && messages > 0 && !(await store.alertsReached(last, FOLDED_WITHIN_MS))) throw late();
  }

  /** Whether the correlators come so far in time. */
  async #isReached(position: Position): Promise<boolean> {
    const { detect, clock } = this.#options;
    const deadlineMs = clock.monotonicMs() + FOLDED_WITHIN_MS;
    while (clock.monotonicMs() < deadlineMs) {
      const reached = await detect.foldedTo();
      if (reached !== undefined && comparePositions(reached, position) >= 0) return true;
      await setTimeout(LOOK_EVERY_MS, undefined, { signal: this.#stop.signal });
    }
    return false;
  }

  /** An outage is waited out; what ends the thread again and again, or cannot be, is given up and says why. */
  async #settleFailure(id: string, error: unknown): Promise<void> {
    const canGoOn = isTocsinError(error) && error.retry !== 'never' && (this.#crashes.get(id) ?? 0) < MAX_CRASHES;
    this.#options.onTrouble(error, `catch-up ${id}`);
    if (canGoOn) {
      this.#isAsked = true;
      await this.#pause();
      return;
    }
    const kept = await readJob(this.#bucket(), id);
    if (kept === undefined || !isOpen(kept.job)) return;
    const reason = messageOf(error);
    await this.#sayOutcome(kept.job, isTocsinError(error) ? `${error.code}: ${reason}` : reason);
    await putJob(this.#bucket(), { ...kept, job: { ...kept.job, state: 'failed', reason, updatedMs: this.#options.clock.nowMs() } });
    this.#crashes.delete(id);
  }

  async #pause(): Promise<void> {
    const { againAfterMs = AGAIN_AFTER_MS } = this.#options;
    await setTimeout(againAfterMs, undefined, { signal: this.#stop.signal }).catch(() => 'stopped');
  }
}

/** A thread that is started when it is first asked for. */
class ThreadOnDemand implements AsyncDisposable {
  readonly #start: () => Promise<CatchUpThread>;
  #thread: CatchUpThread | undefined;

  constructor(start: () => Promise<CatchUpThread>) {
    this.#start = start;
  }

  async client(): Promise<CatchUpThread['client']> {
    this.#thread ??= await this.#start();
    return this.#thread.client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.[Symbol.asyncDispose]();
  }
}

function isOpen({ state }: CatchUpJob): boolean {
  return state === 'waiting' || state === 'running' || state === 'folded';
}
