/**
 * A duty's thread, started anew when it ends by itself: at once the first time, then with growing pauses. What it lost is
 * nothing, because everything it knew stands in the log.
 */
import { Worker } from 'node:worker_threads';
import { messageOf, TocsinError } from '@tocsin/core';
import type { Logger } from 'pino';
import type { DutyStatus } from '../api/installation-status.ts';
import type { EndReason, Suspect, Watched } from './isolation/suspect.ts';
import { ThreadWatch } from './isolation/thread-watch.ts';
import type { ThreadMessage } from './thread-boot.ts';
import { callThread, type ThreadApi, type ThreadClient } from './thread-call.ts';

/** How a thread is run. */
export interface SupervisedThreadOptions {
  /** Names of the duties inside, for messages. */
  readonly name: string;
  readonly script: URL;
  readonly data: unknown;
  readonly logger: Logger;
  /** Heap limit, MiB: a thread beyond it is ended and started anew. */
  readonly heapMiB: number;
  /** Room for new objects, MiB: little keeps an idle thread small, much saves a busy one collections. */
  readonly youngMiB: number;
  /** Ends the thread when one piece of its work does not end, and tells the next one what it was; not watched where absent. */
  readonly watch?: ThreadLimits | undefined;
}

/** Bounds of one piece of a thread's work: a frame, or a step. */
export interface ThreadLimits {
  /** Longest time, milliseconds. */
  readonly deadlineMs: number;
  /** Memory by which the process may grow meanwhile, bytes. */
  readonly maxGrowthBytes: number;
  /** Told what ended a thread. */
  readonly onSuspect?: ((suspect: Suspect, all: readonly Suspect[]) => void) | undefined;
}

/** Suspects that are remembered: those of before have been dealt with. */
const MAX_SUSPECTS = 256;

/** Pauses between restarts, milliseconds: the longest is kept from then on. */
const PAUSES_MS = [0, 200, 1000, 5000];
/** A thread that ran this long is taken to be well: pauses start over. Milliseconds. */
const WELL_AFTER_MS = 60_000;

type StoppableApi = ThreadApi & { readonly stop: () => Promise<void> };

/** A running thread. Disposing asks it to stop and waits for its end. */
export class SupervisedThread<A extends StoppableApi> implements AsyncDisposable {
  #options: SupervisedThreadOptions;
  #worker: Worker | undefined;
  #client: ThreadClient<A> | undefined;
  #state: DutyStatus['state'] = 'starting';
  #reason: string | undefined;
  #strain: string | undefined;
  #restarts = 0;
  #failures = 0;
  #stopping = false;
  #timer: NodeJS.Timeout | undefined;
  #watch: ThreadWatch | undefined;
  #suspects: readonly Suspect[] = [];
  /** What the thread has left for those after it. */
  #kept: unknown;
  /** Threads that were ended and are not gone yet: one that fills its heap takes seconds to stop. */
  readonly #leaving = new Set<Promise<unknown>>();

  private constructor(options: SupervisedThreadOptions) {
    this.#options = options;
  }

  /** Starts the thread; resolves when it serves. Rejects when its first start fails. */
  static async start<A extends StoppableApi>(options: SupervisedThreadOptions): Promise<SupervisedThread<A>> {
    const thread = new SupervisedThread<A>(options);
    await thread.#start();
    return thread;
  }

  /** Asks the thread that runs when the question is asked. What it answers with rejects while there is none. @throws api.duty_down */
  get client(): ThreadClient<A> {
    return new Proxy({} as ThreadClient<A>, { get: (_, name) => (this.#client as unknown as Record<PropertyKey, unknown>)[name] });
  }

  /** Changes what the threads after this one are started with. */
  changeData(changed: object): void {
    this.#options = { ...this.#options, data: { ...(this.#options.data as object), ...changed } };
  }

  status(): DutyStatus {
    const reason = this.#reason === undefined ? {} : { reason: this.#reason };
    const strain = this.#strain === undefined ? {} : { strain: this.#strain };
    return { duty: this.#options.name, state: this.#state, restarts: this.#restarts, ...reason, ...strain };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (!worker) return;
    await (this.#client as ThreadClient<StoppableApi> | undefined)
      ?.stop()
      .catch((error: unknown) => this.#options.logger.warn({ err: error, duty: this.#options.name }, 'A duty did not stop cleanly'));
    await Promise.all([worker.terminate(), ...this.#leaving]);
  }

  #start(): Promise<void> {
    const { name, script, data, logger, heapMiB, youngMiB } = this.#options;
    const startedMs = performance.now();
    const worker = new Worker(script, {
      name,
      workerData: this.#watched(data, () => this.#replace(worker, startedMs)),
      resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: youngMiB },
    });
    this.#worker = worker;
    let endedBy: EndReason = 'crashed';
    this.#client = callThread<A>(worker, name);
    return new Promise((resolve, reject) => {
      worker.on('message', (message: ThreadMessage) => {
        if (this.#worker !== worker) return;
        if (message.ready) resolve();
        this.#hear(message);
      });
      worker.once('error', (error) => {
        this.#reason = messageOf(error);
        if ((error as { code?: string }).code === 'ERR_WORKER_OUT_OF_MEMORY') endedBy = 'memory';
        logger.error({ err: error, duty: name }, 'A duty ended by an error');
        reject(error);
      });
      worker.once('exit', (code) => {
        reject(new TocsinError('api.internal', { reason: `the thread ${name} ended with code ${code} before it was ready` }));
        if (this.#worker === worker) this.#ended(startedMs, endedBy);
      });
    });
  }

  /**
   * Ends a thread that does not get on, and starts the next without waiting until it is gone. Should it get on after all before it is stopped, what it
   * writes is refused: the next one has gone before it in the log.
   */
  #replace(worker: Worker, startedMs: number): void {
    const leaving = worker.terminate().finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    if (this.#worker === worker) this.#ended(startedMs, 'crashed');
  }

  #hear(message: ThreadMessage): void {
    const { name, logger } = this.#options;
    if (message.trouble !== undefined)
      logger.warn({ duty: name, code: message.code, what: message.what, ...message.about }, message.trouble);
    if (message.keep !== undefined) this.#kept = message.keep;
    if (message.ready) this.#state = 'running';
    if (message.strain !== undefined) {
      if (message.strain !== null) logger.error({ duty: name }, message.strain);
      this.#strain = message.strain ?? undefined;
    }
    if (message.waitingFor !== undefined && this.#state !== 'failed') {
      this.#state = message.waitingFor === null ? 'running' : 'waiting';
      this.#reason = message.waitingFor ?? undefined;
    }
  }

  /** Its data with what a watched thread must know. */
  #watched(data: unknown, replace: () => void): unknown {
    const { watch } = this.#options;
    if (watch === undefined) return data;
    const { deadlineMs, maxGrowthBytes } = watch;
    this.#watch = new ThreadWatch({
      deadlineMs,
      maxGrowthBytes,
      residentBytes: () => process.memoryUsage.rss(),
      end: (reason, { position, index }) => {
        this.#reason = `ended by its supervisor (${reason}) at ${position}#${index}`;
        this.#options.logger.error({ duty: this.#options.name, reason, position, index }, 'A duty did not get on and was ended');
        replace();
      },
    });
    return { ...(data as object), blackBox: this.#watch.box.memory, suspects: this.#suspects, kept: this.#kept } satisfies Watched;
  }

  /** Takes note of what a thread was at when it ended; true when that was not known yet. */
  #suspect(endedBy: EndReason): boolean {
    const suspect = this.#watch?.suspect(endedBy);
    this.#watch?.[Symbol.dispose]();
    this.#watch = undefined;
    if (suspect === undefined || this.#stopping) return false;
    const isNew = !this.#suspects.some(({ phase, position }) => phase === suspect.phase && position === suspect.position);
    this.#suspects = [...this.#suspects, suspect].slice(-MAX_SUSPECTS);
    this.#options.watch?.onSuspect?.(suspect, this.#suspects);
    return isNew;
  }

  #ended(startedMs: number, endedBy: EndReason): void {
    this.#worker = undefined;
    this.#strain = undefined;
    const isNewSuspect = this.#suspect(endedBy);
    if (this.#stopping) return;
    this.#failures = performance.now() - startedMs > WELL_AFTER_MS ? 0 : this.#failures + 1;
    // The next one keeps clear of it: there is no reason to wait.
    if (isNewSuspect) this.#failures = 1;
    const wasServing = this.#state === 'running' || this.#state === 'waiting' || this.#restarts > 0;
    this.#state = 'failed';
    // A first start that fails is told to whoever starts the installation; later ends are healed here.
    if (!wasServing) return;
    const pauseMs = PAUSES_MS[Math.min(this.#failures, PAUSES_MS.length) - 1] ?? 0;
    this.#timer = setTimeout(() => {
      this.#restarts += 1;
      this.#start().catch((error: unknown) =>
        this.#options.logger.error({ err: error, duty: this.#options.name }, 'A duty could not be restarted'),
      );
    }, pauseMs);
  }
}
