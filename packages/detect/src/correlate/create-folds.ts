/** One fold per plan of a rule set: the table of fold kinds. */
import type { FoldPlan } from '../compile/compiled-rules.ts';
import { createAbsenceFold } from './absence-fold.ts';
import { createEventCountFold } from './event-count-fold.ts';
import type { Fold } from './fold.ts';
import { createGroupingFold } from './grouping-fold.ts';

/** A fold with the plan it was made from. The type of its states is its own affair: each is given back only to the fold it came from. */
export interface RuleFold {
  readonly plan: FoldPlan;
  readonly fold: Fold<unknown>;
  /** Ids of the rules whose matches it takes. */
  readonly ruleIds: readonly string[];
}

/** Folds of the plans, in their order. */
export function createFolds(plans: readonly FoldPlan[]): RuleFold[] {
  return plans.map((plan) => {
    if (plan.kind === 'grouping') return { plan, fold: createGroupingFold(plan.meta) as Fold<unknown>, ruleIds: [plan.meta.id] };
    const fold = plan.kind === 'absence' ? (createAbsenceFold(plan) as Fold<unknown>) : (createEventCountFold(plan) as Fold<unknown>);
    return { plan, fold, ruleIds: [...plan.groupFields.keys()] };
  });
}
