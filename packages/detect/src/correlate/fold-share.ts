/**
 * Which groups a fold set keeps where several share the work: those of its own keys. What others than its own groups must be the same
 * for all is not shared: event time, and correlations that others refer to, because what they say may concern any group above them.
 */
import type { RuleFold } from './create-folds.ts';

/** Whether a key of a tenant is a fold set's own. The same key is exactly one set's, whatever rule it is of. */
export type OwnsKey = (tenant: string, key: string) => boolean;

/** One fold set's share. */
export interface FoldShare {
  /** Whether it keeps a fold's state of a key. */
  keeps(fold: RuleFold, tenant: string, key: string): boolean;
  /** Whether the alerts of a key are its to raise. */
  raises: OwnsKey;
}

/** The share of folds that an owner of keys has; everything where nobody shares. */
export function createFoldShare(folds: readonly RuleFold[], owns: OwnsKey | undefined): FoldShare {
  if (owns === undefined) return { keeps: () => true, raises: () => true };
  const taken = new Set(folds.flatMap(({ plan, ruleIds }) => (plan.kind === 'correlation' ? ruleIds : [])));
  const whole = new Set(folds.filter(({ plan }) => plan.kind === 'correlation' && taken.has(plan.meta.id)));
  return { keeps: (fold, tenant, key) => whole.has(fold) || owns(tenant, key), raises: owns };
}
