/** Plans a catch-up: what the rules have missed, and how far back the folds have to begin so that nothing before it is missing in a window. */
import type { Alert } from '@tocsin/core';
import type { CurrentRule } from '../coverage/rule-history.ts';
import type { CatchUpScope, DetectApi } from '../duties/detect-api.ts';
import type { StoreApi } from '../duties/store-api.ts';
import type { ThreadClient } from '../duties/thread-call.ts';
import type { CatchUpStart, Missed } from './find-missed.ts';

/** What is asked for. */
export interface CatchUpWish {
  readonly tenant: string;
  readonly rules: readonly string[];
  /** Event time, milliseconds since 1970. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly otherVersions: boolean;
}

/** A plan. `start` is undefined where nothing was missed. */
export interface CatchUpPlan {
  readonly scope: CatchUpScope;
  readonly missed: Missed;
  readonly start: CatchUpStart | undefined;
}

/** Who is asked. */
export interface PlanGround {
  readonly store: Pick<ThreadClient<StoreApi>, 'seenMappings' | 'missed' | 'catchUpStart' | 'listAlerts'>;
  readonly detect: Pick<ThreadClient<DetectApi>, 'catchUpScope' | 'routing'>;
}

const PAGE = 500;

/** Looks at the ledger and the alerts. @throws api.not_found, catchup.not_in_force */
export async function planCatchUp(wish: CatchUpWish, { store, detect }: PlanGround): Promise<CatchUpPlan> {
  const { tenant, rules, ...query } = wish;
  const scope = await detect.catchUpScope(tenant, rules);
  const targets: readonly CurrentRule[] = scope.targets;
  const routing = await detect.routing(tenant, await store.seenMappings(tenant));
  const missed = await store.missed({ tenant, ...query, rules: targets, routing });
  if (missed.fromMs === undefined) return { scope, missed, start: undefined };
  let fromMs = missed.fromMs - scope.reachMs;
  for (const { id } of targets)
    fromMs = Math.min(fromMs, await beforeOpenAlerts(store, { tenant, ruleId: id, fromMs, reachMs: scope.reachMs }));
  return { scope, missed, start: await store.catchUpStart(tenant, fromMs) };
}

/** An alert that may have been open when the folds begin began earlier: they begin before it, and before what was open then. */
async function beforeOpenAlerts(
  store: PlanGround['store'],
  { tenant, ruleId, fromMs, reachMs }: { tenant: string; ruleId: string; fromMs: number; reachMs: number },
): Promise<number> {
  let beginMs = fromMs;
  for (let after: string | undefined; ; ) {
    const page: { readonly alerts: readonly Alert[]; readonly next?: string | undefined } = await store.listAlerts({
      tenant,
      ruleId,
      limit: PAGE,
      after,
    });
    for (const { firstMs, lastMs } of page.alerts) {
      if (lastMs < beginMs - reachMs) return beginMs;
      if (firstMs < beginMs && lastMs >= beginMs - reachMs) beginMs = firstMs - reachMs;
    }
    if (page.next === undefined) return beginMs;
    after = page.next;
  }
}
