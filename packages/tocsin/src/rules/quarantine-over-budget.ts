/** Puts a rule that took more than its budget in quarantine: an act of the program itself, audited like any other. */
import type { Clock } from '@tocsin/core';
import type { Registry } from '../registry/registry.ts';
import type { Principal } from '../security/principal.ts';
import type { Privileged } from '../security/privileged.ts';
import type { OverBudget } from './budget-watch.ts';

/** What it is done with. */
export interface QuarantineDeps {
  readonly registry: Registry;
  readonly privileged: Privileged;
  readonly clock: Clock;
  readonly budgetPercent: number;
}

/** Resolves once it is on CHANGES; the rule is out of force shortly after. @throws auth.audit_failed, bus.fenced */
export async function quarantineOverBudget(
  found: OverBudget,
  { registry, privileged, clock, budgetPercent }: QuarantineDeps,
): Promise<void> {
  const { tenant, ruleId } = found;
  const seen = registry.get(tenant, 'quarantine', ruleId);
  if (seen !== undefined && seen.value.liftedMs === undefined) return;
  const reason = `it took ${found.percent} % of a core for half a minute, of ${budgetPercent} % that a rule may take`;
  const value = { reason, sinceMs: clock.nowMs() };
  const principal: Principal = { tenant, actor: 'tocsin/rule-budget', roles: ['admin'], credentialId: 'none' };
  const act = {
    action: 'rules.write',
    resource: `rule/${ruleId}`,
    before: { quarantined: false },
    after: { quarantined: true, ...value },
  } as const;
  await privileged(principal, act, () => registry.put({ tenant, kind: 'quarantine', id: ruleId }, value, { seen }));
}
