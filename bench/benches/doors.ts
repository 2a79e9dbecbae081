/** `doors`: each protocol that posts events, to the answer that means durable; the door alone, closed loop, 200 sources. */
import { root } from '../clone.ts';
import { type Bench, type BenchContext, type Figure, requireEqual } from '../figure.ts';
import { generateLoad } from '../generate-load.ts';
import { type Lane, mixedLane } from '../lanes.ts';
import type { LoadPlan, LoadResult, Protocol } from '../load-plan.ts';
import { mainThreadSeconds, usageOf } from '../processes.ts';
import type { Product } from '../product.ts';
import { conditionsOf, requireStored, start } from './ingest.ts';

/** Events per second, by protocol. */
const GOALS: Readonly<Record<Protocol, number>> = {
  events: 50_000,
  hec: 50_000,
  'hec-raw': 50_000,
  bulk: 50_000,
  otlp: 40_000,
  'otlp-json': 40_000,
  'otlp-grpc': 40_000,
  loki: 50_000,
};
const SOURCES = 200;
const GRPC = { 'otlp-grpc': { bench: { port: 0 } } };

/** The doors side by side. */
export const doors: Bench = {
  about: 'Splunk HEC, Elasticsearch bulk, OTLP, Loki to durable',
  async run(context) {
    const lane = mixedLane(root, context.progress);
    const only = process.env['TOCSIN_BENCH_DOORS']?.split(',');
    const figures: Figure[] = [];
    for (const [protocol, goal] of Object.entries(GOALS) as [Protocol, number][])
      if (only?.includes(protocol) !== false) figures.push(await measure(context, { lane, protocol, goal }));
    return figures;
  },
};

async function measure(context: BenchContext, door: { lane: Lane; protocol: Protocol; goal: number }): Promise<Figure> {
  const { lane, protocol, goal } = door;
  const figure = `doors, ${protocol}, door alone, ${SOURCES} sources, closed loop`;
  context.progress(figure);
  const isGrpc = protocol === 'otlp-grpc';
  await using product = await start(context, 'door', isGrpc ? GRPC : undefined);
  const tokens = await product.addSources(SOURCES);
  const url = isGrpc ? (await product.listener()).address : product.url;
  const plan: LoadPlan = { url, tokens, lanePath: lane.path, protocol, batch: 500, connections: 16, seconds: 4, run: 'd' };
  const warm = await generateLoad({ ...plan, seconds: 5, run: 'w' });
  const before = { all: usageOf(product.pid).cpuSeconds, main: mainThreadSeconds(product.pid) };
  const result = await generateLoad(plan);
  const used = { all: usageOf(product.pid).cpuSeconds - before.all, main: mainThreadSeconds(product.pid) - before.main };
  requireEqual(`${figure}: requests refused`, 0, Object.keys(result.refused).length);
  requireEqual(`${figure}: events rejected`, 0, result.rejected + warm.rejected);
  // Only our own answer tells duplicates from what was stored; the lane holds 14 in 40,000 by the ids that its records carry.
  if (protocol === 'events') await requireStored(product, result, warm);
  else await requireNearlyAllStored(product, result.accepted + warm.accepted);
  const conditions = { ...conditionsOf({ lane, sources: SOURCES, plan, result }), ...perEvent(used, result) };
  return { figure, value: result.accepted / result.seconds, unit: 'events/s', goal: { atLeast: goal }, conditions };
}

/** Processor time per event of the product and its bus, and of the event loop's thread alone, µs; of the generator too. */
function perEvent(used: { all: number; main: number }, { accepted, cpuSeconds }: LoadResult): Record<string, number> {
  const each = (seconds: number): number => Number(((seconds / accepted) * 1e6).toFixed(1));
  return {
    product_cpu_us_per_event: each(used.all),
    main_thread_us_per_event: each(used.main),
    generator_us_per_event: each(cpuSeconds),
  };
}

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
