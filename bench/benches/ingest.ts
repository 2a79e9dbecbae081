/**
 * `ingest`: HTTP to durable 202. Closed loop: what it takes at most. Open loop: at which rate it still keeps up. Each with all
 * duties running beside it, as in an installation, and closed loop also with the door alone.
 */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { root } from '../clone.ts';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { generateLoad } from '../generate-load.ts';
import { type Lane, mixedLane } from '../lanes.ts';
import type { LoadPlan, LoadResult } from '../load-plan.ts';
import { usageOf } from '../processes.ts';
import { type Product, type StartOptions, startProduct } from '../product.ts';

const GOAL = { atLeast: 50_000 };
const BATCH = 500;
const SECONDS = 4;
/** Before it counts: code is compiled as it runs. */
const WARM_SECONDS = 6;
/** Offered rates, events per second; the first that is not kept up with ends the climb. */
const RATES = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000, 70_000];
const RATE_SECONDS = 3;
/** A rate is kept up with when nothing is refused and 99 of 100 requests are answered within this time, milliseconds. */
const KEPT_UP_MS = 1000;
const COUNTED_WITHIN_MS = 60_000;

/** The door. */
export const ingest: Bench = {
  about: 'HTTP NDJSON to durable 202',
  async run(context) {
    const lane = mixedLane(root, context.progress);
    const figures: Figure[] = [];
    for (const only of ['door', undefined] as const) {
      for (const sources of [1, 200]) figures.push(await closedLoop(context, { lane, only, sources }));
    }
    figures.push(await openLoop(context, lane));
    return figures;
  },
};

interface Setting {
  readonly lane: Lane;
  readonly only: 'door' | undefined;
  readonly sources: number;
}

async function closedLoop(context: BenchContext, setting: Setting): Promise<Figure> {
  const { lane, only, sources } = setting;
  const name = `ingest, ${only === 'door' ? 'door alone' : 'all duties'}, ${sources} source${sources === 1 ? '' : 's'}, closed loop`;
  context.progress(name);
  await using product = await start(context, only);
  const tokens = await product.addSources(sources);
  const plan: LoadPlan = {
    url: product.url,
    tokens,
    lanePath: lane.path,
    batch: BATCH,
    connections: sources === 1 ? 4 : 16,
    seconds: SECONDS,
    run: 'c',
  };
  const warm = await generateLoad({ ...plan, seconds: WARM_SECONDS, run: 'w' });
  const before = usageOf(product.pid);
  const result = await generateLoad(plan);
  const after = usageOf(product.pid);
  const behind = only === 'door' ? {} : { detection_done_s_later: await secondsUntilSettled(product) };
  await requireStored(product, result, warm);
  return {
    figure: name,
    value: result.accepted / result.seconds,
    unit: 'events/s',
    goal: GOAL,
    conditions: { loop: 'closed', ...conditionsOf({ lane, sources, plan, result }), ...usage(before, after, result), ...behind },
  };
}

/** Seconds until everything taken in is judged and its alerts are visible. */
async function secondsUntilSettled(product: Product): Promise<number> {
  const begunMs = performance.now();
  await product.call('POST', '/settle', { waitMs: COUNTED_WITHIN_MS });
  return Number(((performance.now() - begunMs) / 1000).toFixed(1));
}

async function openLoop(context: BenchContext, lane: Lane): Promise<Figure> {
  const name = 'ingest, all duties, 1 source, open loop, highest rate kept up with';
  await using product = await start(context, undefined);
  const tokens = await product.addSources(1);
  const seen: string[] = [];
  let best = 0;
  let conditions = {};
  for (const offered of RATES) {
    context.progress(`${name}: ${offered}/s`);
    const plan: LoadPlan = {
      url: product.url,
      tokens,
      lanePath: lane.path,
      batch: BATCH,
      connections: 16,
      seconds: RATE_SECONDS,
      offered,
      run: `o${offered}`,
    };
    const before = usageOf(product.pid);
    const result = await generateLoad(plan);
    const kept = result.unsent === 0 && Object.keys(result.refused).length === 0 && result.answerP99Ms <= KEPT_UP_MS;
    seen.push(
      `${offered / 1000}k: p50 ${Math.round(result.answerP50Ms)} ms, p99 ${Math.round(result.answerP99Ms)} ms${kept ? '' : ', not kept up'}`,
    );
    if (!kept) break;
    best = offered;
    conditions = { ...conditionsOf({ lane, sources: 1, plan, result }), ...usage(before, usageOf(product.pid), result) };
  }
  return { figure: name, value: best, unit: 'events/s', goal: GOAL, conditions: { loop: 'open', ...conditions, rates: seen.join('; ') } };
}

/** A product with an empty data folder. */
export function start(context: BenchContext, only: 'door' | undefined, listeners?: StartOptions['listeners']): Promise<Product> {
  return startProduct({ dataDir: mkdtempSync(join(context.folder, 'data-')), natsServer: context.natsServer, only, listeners });
}

/** Every event of these runs that was accepted, and no other, must be in the log. @throws CountMismatch */
export async function requireStored(product: Product, ...results: readonly LoadResult[]): Promise<void> {
  let accepted = 0;
  for (const { sentEvents, accepted: stored, duplicates, rejected, refused } of results) {
    accepted += stored;
    if (Object.keys(refused).length === 0) requireEqual('events answered against events sent', sentEvents, stored + duplicates + rejected);
  }
  const deadline = performance.now() + COUNTED_WITHIN_MS;
  for (;;) {
    const { events } = await product.call<{ events: { stored: number } }>('GET', '/status');
    if (events.stored >= accepted || performance.now() > deadline)
      return requireEqual('events in the log against events accepted', accepted, events.stored);
    await pause(100);
  }
}

/** Conditions that every load has. */
export function conditionsOf({
  lane,
  sources,
  plan,
  result,
}: {
  lane: Lane;
  sources: number;
  plan: LoadPlan;
  result: LoadResult;
}): Record<string, string | number> {
  return {
    lane: lane.name,
    bytes_per_event: lane.bytesPerEvent,
    sources,
    connections: plan.connections,
    batch: plan.batch,
    answer_p50_ms: rounded(result.answerP50Ms),
    answer_p99_ms: rounded(result.answerP99Ms),
    generator_cpu: `${Math.round((result.cpuSeconds / result.seconds) * 100)} %`,
    ...(Object.keys(result.refused).length === 0 ? {} : { refused: JSON.stringify(result.refused) }),
  };
}

function usage(before: ReturnType<typeof usageOf>, after: ReturnType<typeof usageOf>, result: LoadResult): Record<string, string | number> {
  return {
    product_cpu: `${Math.round(((after.cpuSeconds - before.cpuSeconds) / result.seconds) * 100)} %`,
    rss_mib: Math.round(after.rssMiB),
    rss_by_program: after.byProgram,
  };
}

function rounded(ms: number): number {
  return Number(ms.toFixed(1));
}
