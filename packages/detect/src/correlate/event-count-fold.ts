/**
 * `event_count`: how many events of some rules fall into a sliding window, per group. An episode is the set of satisfying windows that
 * share events; each event in it counts once. Episodes do not depend on the order in which events come, as long as none is later than the
 * allowed lateness behind the watermark; later ones are left out and counted.
 *
 * A condition that more events cannot undo (gt, gte alone) opens its alert with the event that satisfies it. Any other is decided when the
 * watermark says that no event can change the count. A second episode that begins before the first is settled waits for that too: an
 * out-of-order event might still join them.
 */
import type { Explanation } from '@tocsin/core';
import type { FoldPlan } from '../compile/compiled-rules.ts';
import type { CorrelationRule } from '../parse/parsed-rule.ts';
import { CountMachine, type CountState } from './count-machine.ts';
import { decodeJson, encodeJson, type Fold, LATENESS_MS, weighEpisode, weighMatch } from './fold.ts';
import { groupKeyOf, isSameEvent } from './group-key.ts';

/** Earliest time a date can have (ECMA-262 "Time Values"). */
const FIRST_TIME_MS = -8.64e15;

/** Fold of an `event_count` correlation. */
export function createEventCountFold(plan: Extract<FoldPlan, { kind: 'event_count' | 'absence' }>): Fold<CountState> {
  const { rule } = plan;
  const machine = new CountMachine(rule);
  return {
    version: `event_count 1 ${LATENESS_MS} ${JSON.stringify([rule.timespanMs, rule.condition, [...plan.groupFields]])}`,
    key: (match) => groupKeyOf(plan.groupFields, match),
    initial: () => ({ buckets: [], open: null, waiting: [], pendingDueMs: null, decidedMs: FIRST_TIME_MS, last: null }),
    advance: (state, match, context) => {
      if (match.timeMs < context.watermarkMs - LATENESS_MS)
        return { state: state.buckets.length === 0 && state.open === null ? null : state, changed: [], late: 1 };
      if (isSameEvent(state.last, match.evidence.at)) return { state, changed: [], late: 0 };
      state.last = match.evidence.at;
      return { state, changed: machine.add(state, match, context), late: 0 };
    },
    onWatermark: (state, context) => {
      const changed = machine.settle(state, context);
      return { state: state.buckets.length === 0 && state.open === null ? null : state, changed, late: 0 };
    },
    nextDue: (state) => machine.nextDue(state),
    weigh: (state) =>
      300 +
      state.buckets.length * 80 +
      (state.open === null ? 0 : weighEpisode(state.open.episode)) +
      state.waiting.reduce((bytes, match) => bytes + weighMatch(match), 0),
    explain: (episode): Explanation[] => [
      { selection: 'correlation', field: 'event_count', value: String(episode.count), pattern: describeCondition(rule) },
    ],
    encode: encodeJson,
    decode: (bytes) => decodeJson<CountState>(bytes),
  };
}

function describeCondition(rule: CorrelationRule): string {
  return `${rule.condition.map(({ comparison, limit }) => `${comparison} ${limit}`).join(', ')} within ${rule.timespanMs / 1000}s`;
}
