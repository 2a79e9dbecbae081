/** Members that share the duties over real servers: alone and in a cluster whose leader is killed and whose follower is paused. */
import type { CompleteBus } from '@tocsin/bus';
import { openNatsBus } from '@tocsin/bus/nats';
import { describe, expect, test } from 'vitest';
import { untilAnswered } from '../../packages/tocsin/src/state/until-answered.ts';
import { topology } from '../../packages/tocsin/src/topology.ts';
import type { CrewMember } from '../../packages/tocsin/test/crew.ts';
import { type CrewOutcome, type CrewPlan, runCrew } from '../../packages/tocsin/test/crew-scenario.ts';
import { roomy } from '../../packages/tocsin/test/ground.ts';
import { missingNatsServer } from '../nats-server-found.ts';
import { NatsCluster } from './nats-cluster.ts';

const missing = missingNatsServer();
const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
const PARTITIONS = 4;
const COUNT = 400;

/** Runs on servers of its own. */
async function onServers(
  servers: number,
  run: { first: readonly string[]; shards: number; plan?: (cluster: NatsCluster) => CrewPlan },
): Promise<CrewOutcome> {
  await using cluster = await NatsCluster.start({ binary, servers });
  const openBus = async (): Promise<CompleteBus> =>
    await openNatsBus({ servers: cluster.urls, site: 'test', name: 'crew', commitTimeoutMs: 10_000 });
  {
    await using bus = await openBus();
    const declared = topology(roomy);
    const signal = AbortSignal.timeout(30_000);
    await untilAnswered(() => bus.ensure({ ...declared, replicas: servers }), { signal, onRetry: () => undefined });
  }
  const options = { openBus, partitions: PARTITIONS, shards: run.shards, heartbeatMs: 250, leaseMs: 1000 };
  return await runCrew(options, { first: run.first, plan: run.plan?.(cluster) ?? new Map(), count: COUNT, seed: 5 });
}

async function end(crew: Map<string, CrewMember>, id: string, how: 'leave' | 'vanish'): Promise<void> {
  const member = crew.get(id);
  crew.delete(id);
  await member?.[how]();
}

describe('members that share the duties over NATS', () => {
  let alone: CrewOutcome;

  test('raise the same alerts whether they are one, two or four, and whoever joins, leaves or is killed', async (context) => {
    if (missing !== undefined) context.skip(missing);
    alone = await onServers(1, { first: ['a'], shards: 1 });
    expect(new Set(Object.values(alone.alerts).map(([rule]) => rule))).toEqual(
      new Set(['hit', 'other', 'many', 'kinds', 'order', 'high', 'wide']),
    );
    expect(new Set(alone.matches).size).toBe(alone.matches.length);
    const changing = (): CrewPlan =>
      new Map([
        [50, (_, join) => join('b')],
        [120, (crew) => end(crew, 'a', 'vanish')],
        [200, (_, join) => join('c')],
        [300, (crew) => end(crew, 'b', 'leave')],
      ]);
    const runs = [
      { first: ['a', 'b'], shards: 3 },
      { first: ['a', 'b', 'c', 'd'], shards: 3 },
      { first: ['a'], shards: 3, plan: changing },
    ];
    for (const run of runs) {
      const shared = await onServers(1, run);
      expect(shared.matches).toEqual(alone.matches);
      expect(shared.alerts).toEqual(alone.alerts);
    }
  }, 60_000);

  test('lose and repeat nothing on a cluster of three whose leaders are killed and whose followers are paused', async (context) => {
    if (missing !== undefined) context.skip(missing);
    let downName = '';
    const plan = (cluster: NatsCluster): CrewPlan =>
      new Map([
        [
          60,
          async () => {
            downName = await cluster.leaderOf('EVENTS_LIVE');
            await cluster.kill(downName);
          },
        ],
        [
          160,
          async () => {
            cluster.revive(downName);
            await cluster.ready();
          },
        ],
        [
          200,
          async () => {
            downName = await cluster.leaderOf('MATCHES');
            await cluster.kill(downName);
            cluster.revive(downName);
            await cluster.ready();
          },
        ],
        [
          260,
          async () => {
            const leader = await cluster.leaderOf('MATCHES');
            downName = cluster.names.find((name) => name !== leader) ?? '';
            cluster.signal(downName, 'SIGSTOP');
          },
        ],
        [340, async () => cluster.signal(downName, 'SIGCONT')],
      ]);
    const shared = await onServers(3, { first: ['a', 'b'], shards: 2, plan });
    expect(shared.matches).toEqual(alone.matches);
    expect(shared.alerts).toEqual(alone.alerts);
  }, 150_000);
});
