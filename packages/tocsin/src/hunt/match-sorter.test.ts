import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Match, Position } from '@tocsin/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MatchSorter } from './match-sorter.ts';

function matchAt(timeMs: number, index: number): Match {
  const evidence = { source: 's', eventId: `${index}`, timeMs, sha256: '', at: { position: 'p' as Position, index } };
  return { ruleId: 'r', tenant: 't', timeMs, receivedMs: timeMs, evidence, group: {}, entities: [], explanation: [] };
}

it('gives matches by time, those of one time as they came, however few it may hold', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-sorter-'));
  try {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 70 }),
        async (times, mostHeld) => {
          await using sorter = new MatchSorter(folder, mostHeld);
          for (const [index, timeMs] of times.entries()) await sorter.add(matchAt(timeMs, index));
          const sorted: [number, number][] = [];
          for await (const match of sorter.inOrder()) sorted.push([match.timeMs, match.evidence.at.index]);
          expect(sorted).toEqual([...times.entries()].map(([index, timeMs]) => [timeMs, index]).sort(([a = 0], [b = 0]) => a - b));
        },
      ),
      { numRuns: 40 },
    );
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  expect(existsSync(folder)).toBe(false);
});
