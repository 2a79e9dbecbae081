/** Judging with threads beside the main one: the same findings in the same order, and a thread that ends is told of. */
import { encodeRules } from '@tocsin/detect/judge';
import { describe, expect, it } from 'vitest';
import { type HuntOutcome, huntThrough, mappings } from '../../test/hunt-ground.ts';
import { openGrowingJudge } from './growing-judge.ts';
import type { ThreadBoot } from './judge-in-thread.ts';
import type { JudgeChoices } from './judge-setup.ts';

const RULES = `
title: Evil
id: evil
logsource: { product: json }
detection: { sel: { x|contains: evil }, condition: sel }
---
title: Mild
id: mild
logsource: { product: json }
detection: { sel: { y: 1 }, condition: sel }
---
title: Often
id: often
correlation: { type: event_count, rules: [mild], group-by: [host], timespan: 1h, condition: { gte: 5 }, generate: true }
`;

/** About 4 MB: eight blocks. */
function lines(from: number): string {
  const one = (i: number): string =>
    JSON.stringify({
      host: `h${i % 3}`,
      x: i % 50 === 0 ? `evil ${i}` : 'fine',
      y: i % 20 === 0 ? 1 : 0,
      time: new Date(1.7e12 + ((i * 7919) % 9000) * 1000).toISOString(),
      pad: 'p'.repeat(900),
    });
  return Array.from({ length: 4000 }, (_, i) => one(from + i)).join('\n');
}

const CHOICES: JudgeChoices = { logSourceFields: undefined, detail: 'full' };
const FILES = { 'a.ndjson': lines(0), 'b.ndjson': `no json\n${lines(4000)}` };

interface Grown extends HuntOutcome {
  readonly shares: readonly number[];
}

/** A hunt of up to three threads. Whoever is started is waited for before the next block, so that each has its share however busy the machine is. */
async function huntGrowing(
  growEveryBytes: number,
  { expectedBytes, ...boot }: Partial<ThreadBoot> & { expectedBytes?: number } = {},
): Promise<Grown> {
  let shares: readonly number[] = [];
  const outcome = await huntThrough(RULES, FILES, {
    judge: (setup, pool, parsed) => {
      const encoded: ThreadBoot = {
        rules: encodeRules(parsed),
        mappings: mappings.specs,
        choices: CHOICES,
        cacheFolder: undefined,
        codeFolder: undefined,
      };
      const onIgnored = (path: string, reason: string): never => expect.fail(`${path}: ${reason}`);
      const judge = openGrowingJudge(setup, {
        jobs: 3,
        pool,
        growEveryBytes,
        expectedBytes,
        onIgnored,
        boot: () => ({ ...encoded, ...boot }),
      });
      shares = judge.shares;
      return {
        get inFlight() {
          return judge.inFlight;
        },
        judge: async (block, changedMs) => {
          await judge.ready();
          return await judge.judge(block, changedMs);
        },
        [Symbol.asyncDispose]: () => judge[Symbol.asyncDispose](),
      };
    },
  });
  return { ...outcome, shares };
}

/** All that was found, without the folder of the hunt. */
function placeless({ findings, tally }: HuntOutcome): string {
  const { matchesByRule, ...counts } = tally;
  return JSON.stringify([findings, counts, [...matchesByRule]]).replaceAll(/[^"]*\/tocsin-hunt-test-[^/]*\//g, '');
}

describe('a judge that grows', () => {
  it('finds the same in the same order, whoever judged it', async () => {
    const alone = await huntThrough(RULES, FILES);
    const grown = await huntGrowing(1 << 20);
    expect(placeless(grown)).toBe(placeless(alone));
    expect(alone.tally).toMatchObject({ events: 8000, unparsed: 1 });
    expect(grown.shares).toHaveLength(3);
    expect(Math.min(...grown.shares)).toBeGreaterThan(0);
  });

  it('stays one thread while there is little to judge', async () => {
    const { shares } = await huntGrowing(16 << 20);
    expect(shares).toEqual([expect.any(Number)]);
  });

  it('begins with as many as what is known to come is worth', async () => {
    const { shares } = await huntGrowing(16 << 20, { expectedBytes: 100 << 20 });
    expect(shares).toHaveLength(2);
    expect(shares[1]).toBeGreaterThan(0);
  });

  it('ends the hunt where a thread cannot begin', async () => {
    await expect(huntGrowing(1 << 20, { rules: new Uint8Array([0, 0, 0, 9]) })).rejects.toThrow(/a thread|outside|cut off/);
  });
});
