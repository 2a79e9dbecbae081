import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { describe, expect, it } from 'vitest';
import type { CrewMember } from '../../test/crew.ts';
import { type CrewOutcome, type CrewPlan, runCrew } from '../../test/crew-scenario.ts';
import { roomy } from '../../test/ground.ts';
import { topology } from '../topology.ts';

const PARTITIONS = 4;
const COUNT = 500;

async function onMemory(first: readonly string[], plan: CrewPlan = new Map(), shards = 3): Promise<CrewOutcome> {
  const server = new MemoryServer();
  const openBus = async () => createMemoryBus({ server });
  const bus = await openBus();
  await bus.ensure(topology(roomy));
  return await runCrew({ openBus, partitions: PARTITIONS, shards }, { first, plan, count: COUNT, seed: 5 });
}

async function end(crew: Map<string, CrewMember>, id: string, how: 'leave' | 'vanish'): Promise<void> {
  const member = crew.get(id);
  crew.delete(id);
  await member?.[how]();
}

describe('members that share the duties', () => {
  it('raise the same alerts whether they are one, two or four, and whoever joins, leaves or is killed', async () => {
    const alone = await onMemory(['a'], new Map(), 1);
    expect(new Set(Object.values(alone.alerts).map(([rule]) => rule))).toEqual(
      new Set(['hit', 'other', 'many', 'kinds', 'order', 'high', 'wide']),
    );
    expect(new Set(alone.matches).size).toBe(alone.matches.length);
    const changing: CrewPlan = new Map([
      [60, (_, join) => join('b')],
      [120, async (_, join) => await join('c')],
      [200, (crew) => end(crew, 'a', 'vanish')],
      [280, (_, join) => join('d')],
      [300, (crew) => end(crew, 'b', 'leave')],
      [360, (crew) => end(crew, 'c', 'vanish')],
      [380, (_, join) => join('a')],
    ]);
    for (const [first, plan] of [
      [['a', 'b'], new Map()],
      [['a', 'b', 'c', 'd'], new Map()],
      [['a'], changing],
    ] as const) {
      const shared = await onMemory(first, plan);
      expect(shared.matches).toEqual(alone.matches);
      expect(shared.alerts).toEqual(alone.alerts);
    }
  }, 60_000);
});
