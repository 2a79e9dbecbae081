/** `doors`: each protocol that comes in over the API's server, to the answer that means durable; the door alone, closed loop, 200 sources. */
import { root } from '../clone.ts';
import { type Bench, type Figure, requireEqual } from '../figure.ts';
import { generateLoad } from '../generate-load.ts';
import { mixedLane } from '../lanes.ts';
import type { LoadPlan, Protocol } from '../load-plan.ts';
import { usageOf } from '../processes.ts';
import type { Product } from '../product.ts';
import { conditionsOf, requireStored, start } from './ingest.ts';

/** Events per second, by protocol. */
const GOALS: Readonly<Record<Protocol, number>> = { events: 50_000, hec: 50_000, bulk: 50_000, otlp: 40_000, loki: 50_000 };
const SOURCES = 200;

/** The doors side by side. */
export const doors: Bench = {
  about: 'Splunk HEC, Elasticsearch bulk, OTLP, Loki to durable',
  async run(context) {
    const lane = mixedLane(root, context.progress);
    const figures: Figure[] = [];
    for (const [protocol, goal] of Object.entries(GOALS) as [Protocol, number][]) {
      const figure = `doors, ${protocol}, door alone, ${SOURCES} sources, closed loop`;
      context.progress(figure);
      await using product = await start(context, 'door');
      const tokens = await product.addSources(SOURCES);
      const plan: LoadPlan = { url: product.url, tokens, lanePath: lane.path, protocol, batch: 500, connections: 16, seconds: 4, run: 'd' };
      const warm = await generateLoad({ ...plan, seconds: 5, run: 'w' });
      const before = usageOf(product.pid);
      const result = await generateLoad(plan);
      const cpuSeconds = usageOf(product.pid).cpuSeconds - before.cpuSeconds;
      requireEqual(`${figure}: events rejected`, 0, result.rejected + warm.rejected);
      // Only our own answer tells duplicates from what was stored; the lane holds 14 in 40,000 by the ids that its records carry.
      if (protocol === 'events') await requireStored(product, result, warm);
      else await requireNearlyAllStored(product, result.accepted + warm.accepted);
      const conditions = {
        ...conditionsOf({ lane, sources: SOURCES, plan, result }),
        product_cpu_us_per_event: Number(((cpuSeconds / result.accepted) * 1e6).toFixed(1)),
      };
      figures.push({ figure, value: result.accepted / result.seconds, unit: 'events/s', goal: { atLeast: goal }, conditions });
    }
    return figures;
  },
};

/** Share of the lane that may be duplicates. */
const MAX_DUPLICATES = 0.001;

/** Everything answered is in the log but for duplicates. @throws CountMismatch */
async function requireNearlyAllStored(product: Product, accepted: number): Promise<void> {
  const { events } = await product.call<{ events: { stored: number } }>('GET', '/status');
  const missing = accepted - events.stored;
  requireEqual(
    'events answered and not in the log beyond duplicates',
    0,
    missing >= 0 && missing <= accepted * MAX_DUPLICATES ? 0 : missing,
  );
}
