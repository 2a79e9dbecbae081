/** What has been acknowledged is read and listed, also by a reader that lands on a server which has not stored it yet. */
import { strict as assert } from 'node:assert';
import type { CompleteBus } from '@tocsin/bus';
import { openNatsBus } from '@tocsin/bus/nats';
import { afterAll, beforeAll, test } from 'vitest';
import { untilAnswered } from '../../packages/tocsin/src/state/until-answered.ts';
import { missingNatsServer } from '../nats-server-found.ts';
import { NatsCluster } from './nats-cluster.ts';

const missing = missingNatsServer();
const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
const ROUNDS = 6;
const AT_ONCE = 8;
const READERS = 4;
const BODY = new Uint8Array(2_000);
const numbers = (count: number): number[] => [...Array(count).keys()];

let cluster: NatsCluster;
let bus: CompleteBus;

beforeAll(async () => {
  if (missing !== undefined) return;
  cluster = await NatsCluster.start({ binary, servers: 3 });
  await cluster.ready('streams');
  bus = await openNatsBus({ servers: cluster.urls, site: 'site', name: 'reader', commitTimeoutMs: 30_000 });
});
afterAll(async () => {
  if (missing !== undefined) return;
  await bus[Symbol.asyncDispose]();
  await cluster[Symbol.asyncDispose]();
});

/** Makes a stream, writes to it, and counts what readers find who come at once with the acknowledgement. */
async function foundAtOnce(name: string): Promise<number[]> {
  const streams = [{ name, subjects: [`${name}.>`], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 120_000 }];
  const signal = AbortSignal.timeout(40_000);
  await untilAnswered(() => bus.ensure({ streams, buckets: [], replicas: 3 }), { signal, onRetry: () => undefined });
  await bus.commit([{ subject: `${name}.x`, id: name, body: BODY }]);
  return await Promise.all(numbers(READERS).map(async () => await counted(`${name}.>`)));
}

async function counted(filter: string): Promise<number> {
  let count = 0;
  for await (const _ of bus.read(filter, 'first')) count++;
  return count;
}

/** Followers of streams just made, many at a time, are behind their leaders: readers that believed them found nothing in one of 150 streams. */
test('a read gives every message acknowledged before it', { timeout: 120_000 }, async (context) => {
  if (missing !== undefined) context.skip(missing);
  const found: number[][] = [];
  for (const round of numbers(ROUNDS)) found.push(...(await Promise.all(numbers(AT_ONCE).map((i) => foundAtOnce(`s${round}_${i}`)))));
  assert.deepEqual(
    found,
    found.map(() => numbers(READERS).map(() => 1)),
  );
});
