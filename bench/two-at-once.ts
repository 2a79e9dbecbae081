/**
 * What two cores of this machine are worth together: the same work done by one process, and by two at the same time that share nothing.
 * It is the ceiling of what two threads can bring. `node bench/two-at-once.ts LOOPS` is the work of the pure loop.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** About two seconds of arithmetic in registers: neither memory nor the kernel has a part in it. */
const LOOPS = 2_000_000_000;
const ROUNDS = 3;

/** How many times the work of one process two do in the same time, 1 … 2: by the best of some rounds of a pure loop. */
export function loopCeiling(): Promise<number> {
  return timesOfTwo([import.meta.filename, `${LOOPS}`], Number);
}

/** The same for any program of Node: `secondsOf` reads from what it prints how long its work took. */
export async function timesOfTwo(args: readonly string[], secondsOf: (printed: string) => number): Promise<number> {
  let [alone, together] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  const once = async (): Promise<number> => secondsOf((await run(process.execPath, [...args], { maxBuffer: 1 << 26 })).stdout);
  for (let round = 0; round < ROUNDS; round++) {
    alone = Math.min(alone, await once());
    together = Math.min(together, Math.max(...(await Promise.all([once(), once()]))));
  }
  return (2 * alone) / together;
}

/** Seconds on the wall that so many rounds of arithmetic take. */
function pureLoop(loops: number): number {
  const begunMs = performance.now();
  let state = 1;
  for (let i = 0; i < loops; i++) state = (Math.imul(state, 1664525) + 1013904223) | 0;
  const seconds = (performance.now() - begunMs) / 1000;
  // The result is used, so that the loop cannot be left out.
  return state === 0.5 ? 0 : seconds;
}

if (import.meta.main) process.stdout.write(`${pureLoop(Number(process.argv[2] ?? LOOPS))}`);
