/**
 * `latency`: from the moment a request is sent (due, in an open loop) until the alert about one of its events arrives on the tail of
 * ALERTS, with the shipped rules and all duties. Recorded attacks in the lane make alerts of their own all the while.
 */
import { root } from '../clone.ts';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { generateLoad } from '../generate-load.ts';
import { mixedLane } from '../lanes.ts';
import type { LoadPlan } from '../load-plan.ts';
import { usageOf } from '../processes.ts';
import { conditionsOf, requireStored, start } from './ingest.ts';

const OFFERED = 5000;
const SECONDS = 12;
const WARM_SECONDS = 15;
/** Planted events per second. */
const PLANTED = 20;

/** The path from end to end. */
export const latency: Bench = {
  about: 'event in to alert on the tail, 5,000 events/s',
  async run(context) {
    return [...(await measure(context, { sources: 1, batch: 50 })), ...(await measure(context, { sources: 200, batch: 25 }))];
  },
};

async function measure(context: BenchContext, { sources, batch }: { sources: number; batch: number }): Promise<Figure[]> {
  const lane = mixedLane(root, context.progress);
  const name = `latency, all duties, ${sources} source${sources === 1 ? '' : 's'}`;
  context.progress(name);
  await using product = await start(context, undefined);
  const tokens = await product.addSources(sources);
  const plant = { everyRequests: OFFERED / batch / PLANTED, tailToken: product.operatorToken };
  const plan: LoadPlan = {
    url: product.url,
    tokens,
    lanePath: lane.path,
    batch,
    connections: 16,
    seconds: WARM_SECONDS,
    offered: OFFERED,
    run: 'w',
    plant,
  };
  const warm = await generateLoad(plan);
  const before = usageOf(product.pid);
  const result = await generateLoad({ ...plan, run: 'm', seconds: SECONDS });
  const after = usageOf(product.pid);
  requireEqual('alerts against planted events', result.planted, result.alerted);
  await requireStored(product, result, warm);
  const { alerts } = await product.call<{ alerts: object }>('GET', '/status');
  const conditions = {
    loop: 'open',
    offered: `${OFFERED} events/s`,
    ...conditionsOf({ lane, sources, plan, result }),
    planted: result.planted,
    alerts: JSON.stringify(alerts),
    max_ms: Math.round(result.alertMaxMs),
    product_cpu: `${Math.round(((after.cpuSeconds - before.cpuSeconds) / result.seconds) * 100)} %`,
    rss_mib: Math.round(after.rssMiB),
  };
  return [
    { figure: `${name}, p50`, value: result.alertP50Ms, unit: 'ms', goal: { atMost: 8 }, conditions },
    { figure: `${name}, p99`, value: result.alertP99Ms, unit: 'ms', goal: { atMost: 40 }, conditions },
  ];
}
