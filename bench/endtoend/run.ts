/** One end-to-end run: start, find the rate, hold it, drain, read everything back. Read this first: it is the whole experiment. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from '../clone.ts';
import type { BenchContext } from '../figure.ts';
import { mixedLane, readLane } from '../lanes.ts';
import type { Product } from '../product.ts';
import { findRate, judgeStep, type RateStep } from './find-rate.ts';
import { type LoadProcess, startLoad } from './load-process.ts';
import { checkLog, type LogCheck } from './log-check.ts';
import { withOwnIds } from './own-ids.ts';
import { type MemorySample, sampleMemory, sharesBetween, stolenSeconds, threadTimes } from './process-watch.ts';
import { type Behind, behindOf, ruleFolders, settle, startMeasured, statusOf } from './product-under-load.ts';
import type { GeneratorPlan, GeneratorSecond, RunLedger } from './run-ledger.ts';

/** What is run. */
export type RunOptions = {
  readonly minutes: number;
  /** Events per second; found by the run where absent. */
  readonly rate?: number | undefined;
  readonly sources: number;
  readonly seed: number;
};

/** What happened while the rate was held. */
export type Hold = {
  readonly offered: number;
  readonly seconds: readonly GeneratorSecond[];
  readonly behind: readonly (Behind & { readonly atS: number })[];
  readonly memory: readonly MemorySample[];
  readonly shares: readonly { readonly who: string; readonly percent: number }[];
  /** Share of a core that the machine's host gave to others meanwhile, percent. */
  readonly stolenPercent: number;
};

/** Everything found. */
export type RunResult = {
  readonly options: RunOptions;
  readonly lane: { readonly name: string; readonly bytesPerEvent: number; readonly leftOut: number };
  readonly rules: { readonly loaded: number; readonly refused: number } | null;
  readonly steps: readonly RateStep[];
  readonly hold: Hold;
  /** Seconds from the last event until nothing was left to be judged, and what every reader still had to read then. */
  readonly drainedS: number;
  readonly leftMessages: number;
  readonly log: LogCheck;
  readonly correlations: unknown;
  readonly memoryAtEnd: MemorySample;
};

const BATCH = 500;
const CONNECTIONS = 16;
const PLANTED_PER_SECOND = 10;
/** Every so many seconds status is asked for while the rate is held. */
const STATUS_EVERY = 5;

/** Runs it. */
export async function runEndToEnd({ folder, natsServer, progress }: BenchContext, options: RunOptions): Promise<RunResult> {
  const lane = laneOf(folder, progress);
  progress('starting the product with every rule');
  await using product = await startMeasured(folder, natsServer, ruleFolders(folder));
  const { rules } = await statusOf(product);
  const ledgerPath = join(folder, 'ledger.json');
  const plan: GeneratorPlan = {
    url: product.url,
    tokens: await product.addSources(options.sources),
    tailToken: product.operatorToken,
    lanePath: lane.path,
    ledgerPath,
    batch: BATCH,
    connections: CONNECTIONS,
    run: `e${options.seed}`,
    plantedPerSecond: PLANTED_PER_SECOND,
  };
  await using load = startLoad(plan);
  const { rate, steps } = await rateOf({ product, load, progress }, options);
  const hold = await holdRate({ product, load, progress }, rate, options.minutes * 60);
  load.offer(0);
  progress('draining');
  const drainedS = await settle(product);
  await load.stop();
  const leftMessages = await leftToRead(product);
  const { correlations } = await statusOf(product);
  const memoryAtEnd = sampleMemory(product.pid, 0);
  const ledger = JSON.parse(readFileSync(ledgerPath, 'utf8')) as RunLedger;
  const log = await checkLog(join(folder, 'data'), ledger, (found) => progress(`reading the log back: ${found} events`));
  return { options, lane, rules, steps, hold, drainedS, leftMessages, log, correlations, memoryAtEnd };
}

/** The mixed lane as it can be sent for as long as wanted, in a file of its own. */
function laneOf(folder: string, progress: (text: string) => void): RunResult['lane'] & { readonly path: string } {
  const { name, path: source } = mixedLane(root, progress);
  const { lines, leftOut } = withOwnIds(readLane(source));
  const text = `${lines.join('\n')}\n`;
  const path = join(folder, 'lane.ndjson');
  writeFileSync(path, text);
  return { name, path, leftOut, bytesPerEvent: Math.round(Buffer.byteLength(text) / lines.length) };
}

type Running = { readonly product: Product; readonly load: LoadProcess; readonly progress: (text: string) => void };

async function rateOf({ product, load, progress }: Running, options: RunOptions): Promise<{ rate: number; steps: readonly RateStep[] }> {
  const offer = async (offered: number, count: number): Promise<RateStep> => {
    progress(`finding the rate: ${offered} events/s`);
    load.offer(offered);
    const seconds: GeneratorSecond[] = [];
    while (seconds.length < count) seconds.push(await load.next());
    return judgeStep(offered, seconds, await behindOf(product));
  };
  const drain = async (): Promise<void> => {
    load.offer(0);
    await settle(product);
  };
  if (options.rate === undefined) return findRate({ offer, drain });
  // Code is compiled as it runs: not cold into the full rate.
  const steps = [await offer(Math.round(options.rate / 2), 20)];
  return { rate: options.rate, steps };
}

async function holdRate({ product, load, progress }: Running, offered: number, count: number): Promise<Hold> {
  load.offer(offered);
  const [beginning, stolen, begunMs] = [threadTimes(product.pid), stolenSeconds(), performance.now()];
  const seconds: GeneratorSecond[] = [];
  const behind: Hold['behind'][number][] = [];
  const memory: MemorySample[] = [];
  while (seconds.length < count) {
    seconds.push(await load.next());
    memory.push(sampleMemory(product.pid, seconds.length));
    if (seconds.length % STATUS_EVERY !== 0) continue;
    behind.push({ atS: seconds.length, ...(await behindOf(product)) });
    progress(`holding ${offered} events/s: ${seconds.length} of ${count} s, judging ${behind.at(-1)?.ageMs} ms behind`);
  }
  const tookS = (performance.now() - begunMs) / 1000;
  const shares = sharesBetween(beginning, threadTimes(product.pid), tookS);
  const stolenPercent = Math.round(((stolenSeconds() - stolen) / tookS) * 1000) / 10;
  return { offered, seconds, behind, memory, shares, stolenPercent };
}

/** What readers still have to read, once the survey of them is newer than the settling. */
async function leftToRead(product: Product): Promise<number> {
  const untilMs = performance.now() + 30_000;
  for (;;) {
    const { messages } = await behindOf(product);
    if (messages === 0 || performance.now() > untilMs) return messages;
    await pause(500);
  }
}
