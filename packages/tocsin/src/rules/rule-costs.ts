/** Recorders of what rules cost, one per tenant, since the rule set in force was put in force. */
import type { Clock } from '@tocsin/core';
import { type RuleCost, RuleCostRecorder } from '@tocsin/detect';

/** What a tenant's rules have cost. */
export interface TenantCosts {
  readonly tenant: string;
  readonly ruleSet: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
  readonly rules: readonly RuleCost[];
}

interface Running {
  readonly recorder: RuleCostRecorder;
  readonly ruleSet: string;
  readonly sinceMs: number;
}

/** Tenants that are counted at once; of a further one the tenant counted first is forgotten. */
const MAX_TENANTS = 1000;

/** What rules cost. */
export class RuleCosts {
  readonly #clock: Clock;
  readonly #byTenant = new Map<string, Running>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The recorder of a tenant under a rule set; a new one where the rule set is another than before. */
  recorder(tenant: string, ruleSet: string): RuleCostRecorder {
    const known = this.#byTenant.get(tenant);
    if (known?.ruleSet === ruleSet) return known.recorder;
    const [first] = this.#byTenant.keys();
    if (known === undefined && this.#byTenant.size >= MAX_TENANTS && first !== undefined) this.#byTenant.delete(first);
    const recorder = new RuleCostRecorder({ nowMs: () => this.#clock.monotonicMs() });
    // What came in before still comes in: a new rule does not make sources go away.
    for (const mapping of known?.recorder.mappings ?? []) recorder.sees(mapping);
    this.#byTenant.set(tenant, { recorder, ruleSet, sinceMs: this.#clock.nowMs() });
    return recorder;
  }

  /** Costs of a tenant's rules; undefined where none of its events was judged yet. */
  of(tenant: string): TenantCosts | undefined {
    const known = this.#byTenant.get(tenant);
    return known && { tenant, ruleSet: known.ruleSet, sinceMs: known.sinceMs, rules: known.recorder.costs() };
  }

  /** Costs of every tenant. */
  all(): TenantCosts[] {
    return [...this.#byTenant.keys()].flatMap((tenant) => this.of(tenant) ?? []);
  }

  /** Mappings of a tenant's events that were judged. */
  mappingsOf(tenant: string): ReadonlySet<string> {
    return this.#byTenant.get(tenant)?.recorder.mappings ?? new Set();
  }
}
