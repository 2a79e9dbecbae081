import { TocsinError } from '@tocsin/core';
import type { FoldStats } from '@tocsin/detect';
import { describe, expect, it } from 'vitest';
import { FoldsHealth } from './folds-health.ts';

const stats = (part: Partial<FoldStats>): FoldStats => ({ groups: 0, bytes: 0, evicted: 0, late: 0, unknown: 0, clipped: 0, ...part });
const MINUTE_MS = 60_000;

function healthAt(start: number): { health: FoldsHealth; strains: (string | null)[]; pass: (ms: number) => void } {
  let nowMs = start;
  const strains: (string | null)[] = [];
  const health = new FoldsHealth({ nowMs: () => nowMs, monotonicMs: () => nowMs }, (why) => strains.push(why));
  return { health, strains, pass: (ms) => (nowMs += ms) };
}

describe('health of the folds', () => {
  it('is strained from the first group that is forgotten until ten minutes have passed without another', () => {
    const { health, strains, pass } = healthAt(1_000_000);
    health.note('a', stats({ groups: 5 }));
    expect(health.report()).toMatchObject({ groups: 5, evictedMs: null, strain: null });
    health.note('a', stats({ groups: 10, evicted: 3 }));
    expect(health.report()).toMatchObject({ evicted: 3, evictedMs: 1_000_000 });
    expect(strains).toEqual([expect.stringMatching(/remember 10 groups.*: 3 that were touched longest ago were forgotten/)]);
    pass(9 * MINUTE_MS);
    health.note('a', stats({ groups: 10, evicted: 4 }));
    pass(9 * MINUTE_MS);
    health.note('a', stats({ groups: 10, evicted: 4 }));
    expect(strains).toHaveLength(1);
    pass(MINUTE_MS);
    health.note('a', stats({ groups: 10, evicted: 4 }));
    expect(strains.at(-1)).toBeNull();
    expect(health.report().evicted).toBe(4);
  });

  it('takes what a checkpoint says of earlier for no trouble of now', () => {
    const { health, strains } = healthAt(5);
    health.note('a', stats({ evicted: 7, late: 2 }));
    expect(health.report()).toMatchObject({ evicted: 7, late: 2, strain: null });
    expect(strains).toEqual([]);
  });

  it('adds up correlators, forgets those that have ended, and names what the last change of rules left behind', () => {
    const { health } = healthAt(5);
    const dropped = (rule: string): TocsinError => new TocsinError('detect.state_dropped', { rule, groups: 2, ruleSet: 'rs' });
    health.noteDropped('a', dropped('old'));
    for (const name of ['a', 'b']) health.rulesChanged(name);
    health.noteDropped('a', dropped('r1'));
    health.noteDropped('b', dropped('r2'));
    health.note('a', stats({ groups: 1 }));
    health.note('b', stats({ groups: 2 }));
    expect(health.report()).toMatchObject({
      groups: 3,
      dropped: [
        { rule: 'r1', groups: 2 },
        { rule: 'r2', groups: 2 },
      ],
    });
    health.forget('a');
    expect(health.report()).toMatchObject({ groups: 2, dropped: [{ rule: 'r2', groups: 2 }] });
  });
});
