/**
 * `lanes`: what live producers notice of a saturated bulk lane. `overload`: what others notice of a producer that sends ten times its
 * quota, and whether every one of his events is accounted for. Both measure a quiet live producer alone, then beside the other.
 */
import { root } from '../clone.ts';
import { type Bench, type Figure, requireEqual } from '../figure.ts';
import { generateLoad } from '../generate-load.ts';
import { type Lane, mixedLane } from '../lanes.ts';
import type { LoadPlan, LoadResult } from '../load-plan.ts';
import { usageOf } from '../processes.ts';
import type { Product } from '../product.ts';
import { conditionsOf, requireStored, start } from './ingest.ts';

/** The quiet producer. */
const LIVE_RATE = 1000;
const LIVE_BATCH = 20;
const WARM_SECONDS = 8;
const SECONDS = 15;
/** How long the overload lasts: 60 s with `TOCSIN_BENCH_OVERLOAD_SECONDS=60`. */
const OVERLOAD_SECONDS = Number(process.env['TOCSIN_BENCH_OVERLOAD_SECONDS'] ?? 15);
const QUOTA = 2000;
const OVER_BATCH = 100;

/** What is allowed: twice the time without the flood and 10 ms. */
const allowed = (baseMs: number) => ({ atMost: Number((2 * baseMs + 10).toFixed(1)) });

/** Live beside a saturated bulk lane. */
export const lanes: Bench = {
  about: 'live producers beside a saturated bulk lane',
  async run(context) {
    const lane = mixedLane(root, context.progress);
    await using product = await start(context, undefined);
    const [live = ''] = await product.addSources(1);
    const { token: bulk } = await product.call<{ token: string }>('POST', '/sources', { name: 'history', lane: 'bulk' });
    const quiet = quietPlan(product, lane, live);
    context.progress('lanes: warming up');
    const warm = await Promise.all([
      generateLoad({ ...quiet, run: 'w', seconds: WARM_SECONDS }),
      generateLoad({ ...floodPlan(product, lane, bulk), run: 'wb', seconds: WARM_SECONDS }),
    ]);
    await product.call('POST', '/settle', { waitMs: 60_000 });
    context.progress('lanes: live alone');
    const alone = await generateLoad({ ...quiet, run: 'a' });
    context.progress('lanes: live beside bulk');
    const [beside, flood] = await Promise.all([
      generateLoad({ ...quiet, run: 'b' }),
      generateLoad({ ...floodPlan(product, lane, bulk), run: 'f', seconds: SECONDS + 2 }),
    ]);
    requireEqual('alerts against planted events', beside.planted, beside.alerted);
    await requireStored(product, ...warm, alone, beside, flood);
    const conditions = {
      ...conditionsOf({ lane, sources: 2, plan: quiet, result: beside }),
      live: `${LIVE_RATE} events/s`,
      bulk: `${Math.round(flood.accepted / flood.seconds)} events/s, closed loop, answers p99 ${Math.round(flood.answerP99Ms)} ms`,
    };
    return besideFigures('live beside bulk', { alone, beside, conditions });
  },
};

/** Others beside one that sends ten times its quota. */
export const overload: Bench = {
  about: 'others beside a producer at ten times its quota',
  async run(context) {
    const lane = mixedLane(root, context.progress);
    await using product = await start(context, undefined);
    const [quietToken = '', noisyToken = ''] = await product.addSources(2);
    await product.call('POST', '/quotas', { source: 'bench-1', eventsPerSecond: QUOTA, burstSeconds: 1 });
    const quiet = quietPlan(product, lane, quietToken);
    context.progress('overload: warming up');
    const warm = await generateLoad({ ...quiet, run: 'w', seconds: WARM_SECONDS });
    const alone = await generateLoad({ ...quiet, run: 'a' });
    const rssBefore = usageOf(product.pid).rssMiB;
    context.progress('overload');
    const noisy: LoadPlan = {
      ...quiet,
      tokens: [noisyToken],
      batch: OVER_BATCH,
      offered: QUOTA * 10,
      run: 'o',
      seconds: OVERLOAD_SECONDS,
      plant: undefined,
    };
    const [beside, flood] = await Promise.all([generateLoad({ ...quiet, run: 'b', seconds: OVERLOAD_SECONDS }), generateLoad(noisy)]);
    const rssAfter = usageOf(product.pid).rssMiB;
    const refused = Object.values(flood.refused).reduce((sum, requests) => sum + requests, 0) * OVER_BATCH;
    requireEqual('accepted and refused against sent', flood.sentEvents, flood.accepted + flood.duplicates + flood.rejected + refused);
    const afterwards = await generateLoad({ ...quiet, run: 'z' });
    await requireStored(product, warm, alone, beside, flood, afterwards);
    const conditions = {
      ...conditionsOf({ lane, sources: 2, plan: quiet, result: beside }),
      overload: `${QUOTA * 10} events/s at a quota of ${QUOTA} for ${OVERLOAD_SECONDS} s`,
      sent: flood.sentEvents,
      accepted: flood.accepted,
      refused: `${refused} (${JSON.stringify(flood.refused)})`,
      unsent_requests: flood.unsent,
      rss_mib: `${Math.round(rssBefore)} before, ${Math.round(rssAfter)} after`,
      answer_p99_ms_afterwards: Number(afterwards.answerP99Ms.toFixed(1)),
      alert_p99_ms_afterwards: Number(afterwards.alertP99Ms.toFixed(1)),
    };
    return besideFigures('others beside ten times a quota', { alone, beside, conditions });
  },
};

function quietPlan(product: Product, lane: Lane, token: string): LoadPlan {
  return {
    url: product.url,
    tokens: [token],
    lanePath: lane.path,
    batch: LIVE_BATCH,
    connections: 8,
    seconds: SECONDS,
    offered: LIVE_RATE,
    run: 'q',
    plant: { everyRequests: 2, tailToken: product.operatorToken },
  };
}

function floodPlan(product: Product, lane: Lane, token: string): LoadPlan {
  return { url: product.url, tokens: [token], lanePath: lane.path, batch: 2000, connections: 8, seconds: SECONDS, run: 'f' };
}

function besideFigures(
  name: string,
  { alone, beside, conditions }: { alone: LoadResult; beside: LoadResult; conditions: Record<string, string | number> },
): Figure[] {
  const times = [
    ['answer', alone.answerP99Ms, beside.answerP99Ms, alone.answerP50Ms, beside.answerP50Ms],
    ['alert', alone.alertP99Ms, beside.alertP99Ms, alone.alertP50Ms, beside.alertP50Ms],
  ] as const;
  return times.map(([what, aloneMs, besideMs, aloneP50, besideP50]) => ({
    figure: `${name}, ${what} p99`,
    value: besideMs,
    unit: 'ms',
    goal: allowed(aloneMs),
    conditions: {
      alone_p50_ms: Number(aloneP50.toFixed(1)),
      alone_p99_ms: Number(aloneMs.toFixed(1)),
      beside_p50_ms: Number(besideP50.toFixed(1)),
      ...conditions,
    },
  }));
}
