import { expect, it } from 'vitest';
import { BudgetWatch, type OverBudget } from './budget-watch.ts';
import type { TenantCosts } from './rule-costs.ts';

function ground(percent: number): {
  watch: BudgetWatch;
  aside: OverBudget[];
  troubles: string[];
  tick: (costs: Record<string, number>, ruleSet?: string) => Promise<void>;
} {
  let nowMs = 0;
  let costs: TenantCosts[] = [];
  const aside: OverBudget[] = [];
  const troubles: string[] = [];
  const watch = new BudgetWatch({
    clock: { monotonicMs: () => nowMs },
    percent,
    costs: async () => costs,
    quarantine: async (found) => {
      if (found.ruleId === 'stubborn') throw new Error('no audit');
      aside.push(found);
    },
    onTrouble: (error) => troubles.push(String(error)),
  });
  const tick = async (times: Record<string, number>, ruleSet = 'a'): Promise<void> => {
    nowMs += 10_000;
    const rules = Object.entries(times).map(([ruleId, timeMs]) => ({
      ruleId,
      title: ruleId,
      candidates: 1,
      matches: 0,
      sampled: 1,
      timeMs,
    }));
    costs = [{ tenant: 'acme', ruleSet, sinceMs: 0, rules }];
    await watch.look();
  };
  return { watch, aside, troubles, tick };
}

it('puts a rule aside that is over its budget three times in a row', async () => {
  const { aside, tick } = ground(25);
  await tick({ slow: 0, quick: 0 });
  await tick({ slow: 3000, quick: 100 });
  await tick({ slow: 6000, quick: 200 });
  expect(aside).toEqual([]);
  await tick({ slow: 9000, quick: 300 });
  expect(aside).toEqual([{ tenant: 'acme', ruleId: 'slow', title: 'slow', percent: 30 }]);
  await tick({ slow: 12_000, quick: 400 });
  expect(aside).toHaveLength(1);
});

it('takes a burst, or a new rule set with its counts from nothing, for no reason', async () => {
  const { aside, tick } = ground(25);
  for (const timeMs of [0, 3000, 6000, 6100, 9100, 12_100]) await tick({ bursty: timeMs });
  await tick({ bursty: 0 }, 'b');
  await tick({ bursty: 3000 }, 'b');
  await tick({ bursty: 6000 }, 'b');
  expect(aside).toEqual([]);
});

it('watches nothing where the budget is 0, and goes on after trouble', async () => {
  const off = ground(0);
  for (const timeMs of [0, 10_000, 20_000, 30_000, 40_000]) await off.tick({ slow: timeMs });
  expect(off.aside).toEqual([]);
  const { troubles, aside, tick } = ground(10);
  for (const timeMs of [0, 5000, 10_000, 15_000]) await tick({ stubborn: timeMs, slow: 0 });
  expect(troubles).toEqual(['Error: no audit']);
  for (const timeMs of [2000, 4000, 6000]) await tick({ slow: timeMs });
  expect(aside.map(({ ruleId }) => ruleId)).toEqual(['slow']);
});
