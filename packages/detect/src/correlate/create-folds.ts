/** One fold per plan of a rule set: the table of fold kinds. */
import type { CorrelationPlan, FoldPlan } from '../compile/compiled-rules.ts';
import { createAbsenceFold } from './absence-fold.ts';
import { createAwaitedFold } from './awaited-fold.ts';
import type { Fold } from './fold.ts';
import { createGroupingFold } from './grouping-fold.ts';
import type { MatchFields } from './match-fields.ts';
import { createWindowFold } from './window-fold.ts';

/** A fold with the plan it was made from. The type of its states is its own affair: each is given back only to the fold it came from. */
export interface RuleFold {
  readonly plan: FoldPlan;
  readonly fold: Fold<unknown>;
  /** Ids of the rules whose matches it takes. */
  readonly ruleIds: readonly string[];
  /** 0 for plain rules; a correlation stands above those it refers to. */
  readonly height: number;
  /** How far its event time lags behind the watermark, milliseconds. */
  readonly delayMs: number;
}

/** Folds of the plans, in their order; they read matches through `fields`. */
export function createFolds(plans: readonly FoldPlan[], fields: MatchFields): RuleFold[] {
  return plans.map((plan) => {
    if (plan.kind === 'grouping') {
      return { plan, fold: createGroupingFold(plan.meta) as Fold<unknown>, ruleIds: [plan.meta.id], height: 0, delayMs: 0 };
    }
    const { inputs, height, delayMs } = plan;
    const fold = correlationFold(plan, fields);
    return { plan, fold, ruleIds: [...inputs.keys()], height, delayMs };
  });
}

function correlationFold(plan: CorrelationPlan, fields: MatchFields): Fold<unknown> {
  const { rule } = plan;
  const { type } = rule;
  if (type !== 'absence') return createWindowFold(plan, { ...rule, type }, fields) as Fold<unknown>;
  return rule.without.length > 0 ? (createAwaitedFold(plan) as Fold<unknown>) : (createAbsenceFold(plan) as Fold<unknown>);
}
