/** Runs backtests, each in a thread that ends with it; so many at once, and none for longer than it may take. */
import { Worker } from 'node:worker_threads';
import { TocsinError } from '@tocsin/core';
import type { BusAddress } from '../duties/open-bus.ts';
import { callThread } from '../duties/thread-call.ts';
import type { RuleFile } from '../rules/rule-book.ts';
import type { BacktestProgress, BacktestReport } from './backtest-report.ts';
import type { BacktestApi, BacktestBoot } from './backtest-thread.ts';
import type { ReplaySpec } from './replay-order.ts';

/** What the desk is made of. */
export interface BacktestDeskOptions {
  readonly replay: BusAddress;
  readonly idleAfterMs: number;
  readonly latenessMs: number;
  readonly withinMs: number;
}

/** One backtest. */
export interface Backtest {
  readonly spec: ReplaySpec;
  readonly files: readonly RuleFile[];
  readonly onProgress: (progress: BacktestProgress) => void;
  readonly signal: AbortSignal;
}

const MOST_AT_ONCE = 2;
const LOOK_EVERY_MS = 400;
const HEAP_MIB = 768;

/** The desk. */
export class BacktestDesk {
  readonly #options: BacktestDeskOptions;
  #running = 0;

  constructor(options: BacktestDeskOptions) {
    this.#options = options;
  }

  /** Resolves with its report; aborted, it is ended. @throws replay.busy, replay.too_long, replay.*, bus.*, the abort reason */
  async run({ spec, files, onProgress, signal }: Backtest): Promise<BacktestReport> {
    if (this.#running >= MOST_AT_ONCE) throw new TocsinError('replay.busy', { most: MOST_AT_ONCE });
    const { withinMs, ...rest } = this.#options;
    const data: BacktestBoot = { ...rest, spec, files };
    const script = new URL(`./backtest-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
    const worker = new Worker(script, { name: 'backtest', workerData: data, resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } });
    // Not before: a thread that cannot be made has no place to give back.
    this.#running += 1;
    try {
      return await this.#watch(worker, { withinMs, onProgress, signal });
    } finally {
      this.#running -= 1;
      await worker.terminate();
    }
  }

  async #watch(
    worker: Worker,
    { withinMs, onProgress, signal }: Pick<Backtest, 'onProgress' | 'signal'> & { withinMs: number },
  ): Promise<BacktestReport> {
    const client = callThread<BacktestApi>(worker, 'backtest');
    const ended = Promise.withResolvers<never>();
    worker.once('error', (error) => ended.reject(error));
    const late = setTimeout(() => ended.reject(new TocsinError('replay.too_long', { withinMs })), withinMs);
    const onAbort = (): void => ended.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    // A thread that ends fails what it is asked; why it ended is told by its report.
    const looking = setInterval(() => void client.progress().then(onProgress, () => undefined), LOOK_EVERY_MS);
    try {
      return await Promise.race([client.report(), ended.promise]);
    } finally {
      clearInterval(looking);
      clearTimeout(late);
      signal.removeEventListener('abort', onAbort);
    }
  }
}
