import { expect, it } from 'vitest';
import { logSources, openGround, ruleFile, until } from '../../test/ground.ts';
import { Registry } from '../registry/registry.ts';
import type { AuditRecord } from '../security/audit-trail.ts';
import { createPrivileged } from '../security/privileged.ts';
import { RULE_SETS_BUCKET } from '../topology.ts';
import { quarantineOverBudget } from './quarantine-over-budget.ts';
import { RuleActivation } from './rule-activation.ts';

it('puts a rule aside as an audited act, until it is released', async () => {
  const { bus } = await openGround();
  const clock = { nowMs: () => 7, monotonicMs: () => 7 };
  const registry = await Registry.open(bus, () => undefined);
  const audited: AuditRecord[] = [];
  const privileged = createPrivileged({ trail: { append: async (record) => void audited.push(record) }, clock, nextId: () => 'id' });
  await using activation = Object.assign(
    await RuleActivation.open({
      registry,
      shared: [ruleFile('slow', 'slow'), ruleFile('quick', 'quick')],
      logSources,
      bucket: bus.bucket(RULE_SETS_BUCKET),
      onTrouble: (error) => {
        throw error;
      },
    }),
    { [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() },
  );
  const judging = (tenant: string): readonly string[] | undefined =>
    activation.book
      .compiledFor(tenant)
      .route('json')
      ?.detections.map(({ rule }) => rule.meta.id);
  const found = { tenant: 'acme', ruleId: 'slow', title: 'Slow', percent: 80 };
  const deps = { registry, privileged, clock, budgetPercent: 25 };
  await quarantineOverBudget(found, deps);
  await until(() => judging('acme')?.length === 1);
  expect([judging('acme'), judging('globex')]).toEqual([['quick'], ['slow', 'quick']]);
  expect(activation.book.quarantineOf('acme')).toEqual([
    { tenant: 'acme', ruleId: 'slow', sinceMs: 7, reason: 'it took 80 % of a core for half a minute, of 25 % that a rule may take' },
  ]);
  expect(audited.map(({ phase, actor, resource }) => [phase, actor, resource])).toEqual([
    ['intent', 'tocsin/rule-budget', 'rule/slow'],
    ['outcome', 'tocsin/rule-budget', 'rule/slow'],
  ]);
  // Who finds it aside already leaves it as it is.
  await quarantineOverBudget({ ...found, percent: 99 }, deps);
  expect(audited).toHaveLength(2);
  const thing = { tenant: 'acme', kind: 'quarantine', id: 'slow' } as const;
  await registry.put(thing, { reason: '', sinceMs: 7, liftedMs: 8 });
  await until(() => judging('acme')?.length === 2);
  await quarantineOverBudget(found, deps);
  await until(() => judging('acme')?.length === 1);
});
