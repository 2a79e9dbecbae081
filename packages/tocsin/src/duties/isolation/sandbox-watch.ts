/**
 * The throw-away process's own end: whoever started it ends it in time, unless he was ended himself meanwhile. An event that loops for ever would
 * then do so for ever. A thread beside the judging, which may be stuck, watches (`sandbox-watch-thread.ts`).
 */
import { Worker } from 'node:worker_threads';

/** What the watching thread is given. */
export interface SandboxWatchData {
  /** Counts what was said to whoever waits. */
  readonly steps: Int32Array<SharedArrayBuffer>;
  /** The process that waits. */
  readonly parent: number;
  /** Longest time between two steps, milliseconds. */
  readonly patienceMs: number;
}

/** Heap of the watching thread, MiB. */
const HEAP = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 };

/**
 * Has this process killed (SIGKILL) when the one that started it is gone, or `patienceMs` pass without a step. Lasts as long as the process and
 * keeps it from nothing.
 */
export function watchSandbox(patienceMs: number): { step(): void } {
  const steps = new Int32Array(new SharedArrayBuffer(4));
  const script = new URL(`./sandbox-watch-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  const workerData: SandboxWatchData = { steps, parent: process.ppid, patienceMs };
  new Worker(script, { workerData, resourceLimits: HEAP }).unref();
  return { step: () => void Atomics.add(steps, 0, 1) };
}
