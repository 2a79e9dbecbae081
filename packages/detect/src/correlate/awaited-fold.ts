/**
 * `absence` with `without` (Tocsin's extension): one thing happened and another did not follow within the timespan. Each first thing waits
 * for an answer at its own time or up to a timespan later; the watermark says when there was none. Unanswered ones of a group
 * that lie no more than a timespan apart are one alert. An answer that comes after that is noted on it.
 */
import type { Explanation } from '@tocsin/core';
import type { CorrelationPlan } from '../compile/compiled-rules.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import { decodeJson, encodeJson, type Fold, type FoldContext, type Held, weighEpisode, weighMatch } from './fold.ts';
import { groupByOf, groupKeyOf } from './group-key.ts';
import type { FoldMatch } from './held-match.ts';

/** What waits for an answer, answers that may have come before what they answer, and the alert that is on. */
export interface AwaitedState {
  /** By event time. */
  waiting: FoldMatch[];
  /** Milliseconds since 1970, in order. */
  answers: number[];
  fired: { readonly episode: Episode; readonly fromMs: number; toMs: number } | null;
}

/** Waiting at once per group, and answers remembered; beyond, the oldest are forgotten and counted. */
const MAX_WAITING = 1000;

/** Fold of an `absence` correlation that waits for other rules. */
export function createAwaitedFold(plan: CorrelationPlan): Fold<AwaitedState> {
  const { latenessMs } = plan;
  const { timespanMs } = plan.rule;
  return {
    version: `awaited 2 ${JSON.stringify([timespanMs, [...plan.inputs]])}`,
    key: (match) => groupKeyOf(plan.inputs, match),
    initial: () => ({ waiting: [], answers: [], fired: null }),
    advance: (state, match, context) =>
      plan.inputs.get(match.ruleId)?.isAwaited === true
        ? { ...takeAnswer(state, match, { timespanMs, latenessMs, context }), state: orNothing(state) }
        : { ...takeQuestion(state, match, { timespanMs, latenessMs, context }), state: orNothing(state) },
    onWatermark: (state, context) => {
      const held = fireOverdue(plan, state, context);
      state.answers = state.answers.filter((timeMs) => timeMs >= context.watermarkMs - latenessMs);
      if (state.fired !== null && state.fired.toMs + timespanMs + latenessMs < context.watermarkMs) state.fired = null;
      return { state: orNothing(state), changed: held.flatMap(({ episode }) => episode ?? []), late: 0, held };
    },
    nextDue: ({ waiting, answers, fired }) => {
      const due = [
        ...(waiting[0] === undefined ? [] : [waiting[0].timeMs + timespanMs + 1]),
        ...(answers[0] === undefined ? [] : [answers[0] + latenessMs + 1]),
        ...(fired === null ? [] : [fired.toMs + timespanMs + latenessMs + 1]),
      ];
      return due.length === 0 ? null : Math.min(...due);
    },
    weigh: (state) =>
      200 +
      8 * state.answers.length +
      (state.fired === null ? 0 : weighEpisode(state.fired.episode)) +
      state.waiting.reduce((bytes, match) => bytes + weighMatch(match), 0),
    explain: (episode): Explanation[] => [
      {
        selection: 'correlation',
        field: 'absence',
        value: `${episode.count} without an answer`,
        pattern: `no ${plan.rule.without.join(' or ')} within ${timespanMs / 1000}s`,
      },
    ],
    encode: encodeJson,
    decode: (bytes) => decodeJson<AwaitedState>(bytes),
  };
}

interface Terms {
  readonly timespanMs: number;
  readonly latenessMs: number;
  readonly context: FoldContext;
}

interface Taken {
  readonly changed: readonly Episode[];
  readonly late: number;
  readonly clipped: number;
}

function takeQuestion(state: AwaitedState, match: FoldMatch, { timespanMs, latenessMs, context }: Terms): Taken {
  const { timeMs } = match;
  if (timeMs < context.watermarkMs - latenessMs) return { changed: [], late: 1, clipped: 0 };
  if (state.answers.some((answerMs) => answerMs >= timeMs && answerMs <= timeMs + timespanMs)) return { changed: [], late: 0, clipped: 0 };
  let at = state.waiting.length;
  while (at > 0 && (state.waiting[at - 1] as FoldMatch).timeMs > timeMs) at -= 1;
  state.waiting.splice(at, 0, match);
  if (state.waiting.length <= MAX_WAITING) return { changed: [], late: 0, clipped: 0 };
  state.waiting.shift();
  return { changed: [], late: 0, clipped: 1 };
}

function takeAnswer(state: AwaitedState, match: FoldMatch, { timespanMs, latenessMs, context }: Terms): Taken {
  const { timeMs } = match;
  const { fired } = state;
  const changed: Episode[] = [];
  if (fired !== null && timeMs >= fired.fromMs && timeMs <= fired.toMs + timespanMs) {
    const seen: Explanation = { selection: 'correlation', field: 'answered late', value: new Date(timeMs).toISOString(), pattern: '' };
    // Once is enough: what comes more often says nothing more.
    if (!fired.episode.explanation.some(({ field }) => field === seen.field)) {
      fired.episode.explanation = [...fired.episode.explanation, seen];
      fired.episode.receivedMs = Math.max(fired.episode.receivedMs, match.receivedMs);
      fired.episode.ruleSet = context.ruleSet;
      changed.push(fired.episode);
    }
  }
  if (state.waiting.length > 0) state.waiting = state.waiting.filter((one) => timeMs < one.timeMs || timeMs > one.timeMs + timespanMs);
  if (timeMs < context.watermarkMs - latenessMs) return { changed, late: changed.length === 0 ? 1 : 0, clipped: 0 };
  let at = state.answers.length;
  while (at > 0 && (state.answers[at - 1] as number) > timeMs) at -= 1;
  if (state.answers[at - 1] !== timeMs) state.answers.splice(at, 0, timeMs);
  if (state.answers.length <= MAX_WAITING) return { changed, late: 0, clipped: 0 };
  state.answers.shift();
  return { changed, late: 0, clipped: 1 };
}

function fireOverdue(plan: CorrelationPlan, state: AwaitedState, context: FoldContext): Held[] {
  const { rule } = plan;
  const held: Held[] = [];
  for (
    let first = state.waiting[0];
    first !== undefined && first.timeMs + rule.timespanMs < context.watermarkMs;
    first = state.waiting[0]
  ) {
    state.waiting.shift();
    const opens = state.fired === null || first.timeMs > state.fired.toMs + rule.timespanMs || first.timeMs < state.fired.fromMs;
    if (opens) {
      const { tenant, groupKey, ruleSet } = context;
      const groupBy = groupByOf(rule.groupBy, groupKey);
      const episode = openEpisode({ ruleId: rule.meta.id, tenant, groupKey, groupBy, ruleSet, anchor: first.evidence });
      state.fired = { episode, fromMs: first.timeMs, toMs: first.timeMs };
    }
    const { fired } = state;
    if (fired === null) continue;
    fired.toMs = Math.max(fired.toMs, first.timeMs);
    fired.episode.count += 1;
    fired.episode.ruleSet = context.ruleSet;
    showMatch(fired.episode, first);
    held.push({ timeMs: first.timeMs + rule.timespanMs, match: first, episode: fired.episode, opens, holds: true });
  }
  return held;
}

function orNothing(state: AwaitedState): AwaitedState | null {
  return state.waiting.length === 0 && state.answers.length === 0 && state.fired === null ? null : state;
}
