/** The thread that ends a process nobody waits for any more: see `sandbox-watch.ts`. */
import { workerData } from 'node:worker_threads';
import type { SandboxWatchData } from './sandbox-watch.ts';

/** How often it looks, milliseconds. */
const LOOK_EVERY_MS = 250;

const { steps, parent, patienceMs } = workerData as SandboxWatchData;
let seen = 0;
let sinceMs = performance.now();

setInterval(() => {
  const now = Atomics.load(steps, 0);
  if (now !== seen) {
    seen = now;
    sinceMs = performance.now();
  }
  // An orphan is given another parent.
  if (process.ppid !== parent || performance.now() - sinceMs > patienceMs) process.kill(process.pid, 'SIGKILL');
}, LOOK_EVERY_MS);
