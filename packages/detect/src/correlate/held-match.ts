/** A correlation's alert as a match of the correlations that refer to it. */
import type { Match } from '@tocsin/core';
import type { CorrelationPlan } from '../compile/compiled-rules.ts';
import type { Episode } from './episode.ts';
import type { Held } from './fold.ts';
import { groupByOf } from './group-key.ts';

/** A match that folds take: of a plain rule, or of a correlation below. */
export interface FoldMatch extends Match {
  /** Of a correlation's: its alert where it has one yet, whether that begins here, and whether the condition holds here. */
  readonly alert?: { readonly id: string | undefined; readonly opens: boolean; readonly holds: boolean } | undefined;
}

/** What is remembered of a match until an alert shows it. */
export type RememberedMatch = Pick<FoldMatch, 'timeMs' | 'receivedMs' | 'evidence' | 'group' | 'entities' | 'explanation' | 'alert'>;

/**
 * The match that a held condition is to other correlations: it stands at the time when the condition held, has the event by which that was
 * noticed as its evidence, and carries the values it is grouped by beside those of that event.
 */
export function heldMatch(
  plan: CorrelationPlan,
  held: Held,
  where: { readonly tenant: string; readonly groupKey: string },
): FoldMatch | undefined {
  const { episode, timeMs, opens, holds } = held;
  const event = held.match ?? firstOf(episode);
  if (event === undefined) return undefined;
  const { evidence, receivedMs, entities, group } = event;
  return {
    ruleId: plan.meta.id,
    tenant: where.tenant,
    timeMs,
    receivedMs,
    evidence,
    group: { ...group, ...groupByOf(plan.rule.groupBy, where.groupKey) },
    entities,
    explanation: [explain(plan, episode)],
    alert: { id: episode?.alertId, opens, holds },
  };
}

/** What an episode still knows of its events, where it was the watermark that noticed. */
function firstOf(episode: Episode | undefined): Pick<Match, 'evidence' | 'receivedMs' | 'entities' | 'group'> | undefined {
  const evidence = episode?.evidence.at(-1);
  if (episode === undefined || evidence === undefined) return undefined;
  return { evidence, receivedMs: episode.receivedMs, entities: episode.entities, group: episode.carried };
}

function explain(plan: CorrelationPlan, episode: Episode | undefined): Match['explanation'][number] {
  return {
    selection: 'correlation',
    field: plan.rule.type,
    value: episode === undefined ? '' : String(episode.count),
    pattern: plan.meta.title,
  };
}
