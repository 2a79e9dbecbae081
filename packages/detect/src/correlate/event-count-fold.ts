/**
 * `event_count`: how many events of some rules fall into a sliding window, per group. An episode is the set of satisfying windows that
 * share events; each event in it counts once. Episodes do not depend on the order in which events come, as long as none is later than the
 * allowed lateness behind the watermark; later ones are left out and counted.
 *
 * A condition that more events cannot undo (gt, gte alone) opens its alert with the event that satisfies it. Any other is decided when the
 * watermark says that no event can change the count. A second episode that begins before the first is settled waits for that too: an
 * out-of-order event might still join them.
 */
import type { Explanation, Match } from '@tocsin/core';
import type { FoldPlan } from '../compile/compiled-rules.ts';
import type { Comparison, CorrelationRule } from '../parse/parsed-rule.ts';
import {
  type Bucket,
  type CountTest,
  countWithin,
  firstFrom,
  insertEvent,
  joinWindows,
  satisfyingWindows,
  type Stretch,
} from './count-window.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import { decodeJson, encodeJson, type Fold, type FoldContext, LATENESS_MS, weighEpisode, weighMatch } from './fold.ts';
import { groupKeyOf, isSameEvent, valuesOfKey } from './group-key.ts';
import { MAX_WAITING, rememberMatch } from './waiting-matches.ts';

/** Events of one group and its open episode. */
export interface CountState {
  buckets: Bucket[];
  open: { readonly episode: Episode; fromMs: number; toMs: number } | null;
  /** First matches outside the open episode, to show when they turn out to belong to one. */
  waiting: Match[];
  /** Whether satisfying windows outside the open episode wait to be settled, and when the first of them is. */
  pendingDueMs: number | null;
  /** Windows that end before this are decided (conditions that wait for the watermark). */
  decidedMs: number;
  /** Where the last counted event stood: one event that satisfies two of the rules comes twice in a row. */
  last: Match['evidence']['at'] | null;
}

/** Earliest time a date can have (ECMA-262 "Time Values"). */
const FIRST_TIME_MS = -8.64e15;
/** Buckets kept per group; beyond, the oldest go before their time. */
const MAX_BUCKETS = 100_000;

/** Fold of an `event_count` correlation. */
export function createEventCountFold(plan: Extract<FoldPlan, { kind: 'event_count' | 'absence' }>): Fold<CountState> {
  const { rule } = plan;
  const machine = createMachine(rule);
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

interface Machine {
  add(state: CountState, match: Match, context: FoldContext): Episode[];
  settle(state: CountState, context: FoldContext): Episode[];
  nextDue(state: CountState): number | null;
}

function createMachine(rule: CorrelationRule): Machine {
  const windows = { timespanMs: rule.timespanMs, meets: countTest(rule.condition) };
  const isEager = rule.condition.every(({ comparison }) => comparison === 'gt' || comparison === 'gte');
  const settledAfterMs = rule.timespanMs + LATENESS_MS;
  const episodeAt = (state: CountState, stretch: Stretch, context: FoldContext): Episode => {
    const anchor = state.buckets[firstFrom(state.buckets, stretch.fromMs)] as Bucket;
    const groupBy = Object.fromEntries(rule.groupBy.map((name, index) => [name, valuesOfKey(context.groupKey)[index] as string]));
    const episode = openEpisode({
      ruleId: rule.meta.id,
      tenant: context.tenant,
      groupKey: context.groupKey,
      groupBy,
      ruleSet: context.ruleSet,
      anchor,
    });
    episode.count = countWithin(state.buckets, stretch);
    takeWaiting(state, episode, stretch);
    return episode;
  };
  const widen = (state: CountState, stretch: Stretch): boolean => {
    const { open } = state;
    if (open === null || stretch.fromMs > open.toMs || stretch.toMs < open.fromMs) return false;
    const wider = { fromMs: Math.min(open.fromMs, stretch.fromMs), toMs: Math.max(open.toMs, stretch.toMs) };
    open.episode.count +=
      countWithin(state.buckets, { fromMs: wider.fromMs, toMs: open.fromMs - 1 }) +
      countWithin(state.buckets, { fromMs: open.toMs + 1, toMs: wider.toMs });
    open.fromMs = wider.fromMs;
    open.toMs = wider.toMs;
    takeWaiting(state, open.episode, wider);
    return true;
  };
  const found = (state: CountState, stretch: Stretch, context: FoldContext): Episode | undefined => {
    if (state.open !== null) return widen(state, stretch) ? state.open.episode : undefined;
    const episode = episodeAt(state, stretch, context);
    state.open = { episode, ...stretch };
    return episode;
  };
  const joinPending = (state: CountState): void => {
    if (state.pendingDueMs === null) return;
    for (const stretch of pendingStretches(state, windows)) widen(state, stretch);
  };

  const addEager = (state: CountState, match: Match, context: FoldContext): Episode[] => {
    const changed = new Set<Episode>();
    if (state.open !== null && match.timeMs >= state.open.fromMs && match.timeMs <= state.open.toMs)
      changed.add(countInside(state.open.episode, match));
    else rememberMatch(state.waiting, match, settledAfterMs);
    const ends = { fromMs: match.timeMs, toMs: match.timeMs + rule.timespanMs };
    for (const stretch of joinWindows(satisfyingWindows(state.buckets, ends, windows))) {
      const episode = found(state, stretch, context);
      if (episode !== undefined) changed.add(episode);
      else state.pendingDueMs = Math.min(state.pendingDueMs ?? Number.POSITIVE_INFINITY, stretch.toMs + settledAfterMs + 1);
    }
    if (changed.size > 0) joinPending(state);
    for (const episode of changed) noteChange(episode, match, context);
    return [...changed];
  };
  const settlePending = (state: CountState, finalMs: number, context: FoldContext): Episode[] => {
    const changed: Episode[] = [];
    const rest: Stretch[] = [];
    for (const stretch of pendingStretches(state, windows)) {
      if (widen(state, stretch)) continue;
      if (stretch.toMs + rule.timespanMs < finalMs) changed.push(episodeAt(state, stretch, context));
      else rest.push(stretch);
    }
    closeOpen(state, rule, finalMs);
    if (state.open === null && rest[0] !== undefined) changed.push(found(state, rest.shift() as Stretch, context) as Episode);
    state.pendingDueMs = rest.length === 0 ? null : Math.min(...rest.map((stretch) => stretch.toMs)) + settledAfterMs + 1;
    trim(state, Math.min(finalMs - rule.timespanMs, ...rest.map((stretch) => stretch.fromMs)));
    return changed;
  };
  const settleDecided = (state: CountState, finalMs: number, context: FoldContext): Episode[] => {
    const changed = new Set<Episode>();
    for (const stretch of satisfyingWindows(state.buckets, { fromMs: state.decidedMs, toMs: finalMs - 1 }, windows)) {
      if (state.open !== null && stretch.fromMs > state.open.toMs) state.open = null;
      const episode = found(state, stretch, context);
      if (episode !== undefined) changed.add(episode);
    }
    state.decidedMs = Math.max(state.decidedMs, finalMs);
    closeOpen(state, rule, finalMs);
    trim(state, finalMs - rule.timespanMs);
    return [...changed];
  };

  return {
    add: (state, match, context) => {
      insertEvent(state.buckets, match.evidence);
      if (state.buckets.length > MAX_BUCKETS) state.buckets.splice(0, state.buckets.length - MAX_BUCKETS);
      if (isEager) return addEager(state, match, context);
      rememberMatch(state.waiting, match, settledAfterMs);
      return [];
    },
    settle: (state, context) => {
      const finalMs = context.watermarkMs - LATENESS_MS;
      if (!isEager) return settleDecided(state, finalMs, context);
      if (state.pendingDueMs !== null) return settlePending(state, finalMs, context);
      closeOpen(state, rule, finalMs);
      trim(state, finalMs - rule.timespanMs);
      return [];
    },
    nextDue: (state) => {
      const last = state.buckets[state.buckets.length - 1];
      const due = [state.pendingDueMs];
      if (last !== undefined) due.push(last.timeMs + settledAfterMs + 1);
      if (state.open !== null) due.push(state.open.toMs + settledAfterMs + 1);
      if (!isEager) {
        const undecided = state.buckets[firstFrom(state.buckets, state.decidedMs)];
        if (undecided !== undefined) due.push(undecided.timeMs + LATENESS_MS + 1);
      }
      const known = due.filter((one) => one !== null);
      return known.length === 0 ? null : Math.min(...known);
    },
  };
}

function pendingStretches(state: CountState, windows: { timespanMs: number; meets: CountTest }): Stretch[] {
  return joinWindows(satisfyingWindows(state.buckets, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }, windows));
}

function countInside(episode: Episode, match: Match): Episode {
  episode.count += 1;
  showMatch(episode, match);
  return episode;
}

function noteChange(episode: Episode, match: Match, context: FoldContext): void {
  episode.receivedMs = Math.max(episode.receivedMs, match.receivedMs);
  episode.ruleSet = context.ruleSet;
}

function takeWaiting(state: CountState, episode: Episode, stretch: Stretch): void {
  const inside = (match: Match): boolean => match.timeMs >= stretch.fromMs && match.timeMs <= stretch.toMs;
  for (const match of state.waiting) if (inside(match)) showMatch(episode, match);
  state.waiting = state.waiting.filter((match) => !inside(match));
  episode.firstMs = Math.min(episode.firstMs, stretch.fromMs);
  episode.lastMs = Math.max(episode.lastMs, stretch.toMs);
}

function closeOpen(state: CountState, rule: CorrelationRule, finalMs: number): void {
  if (state.open !== null && state.open.toMs + rule.timespanMs < finalMs) state.open = null;
}

function trim(state: CountState, beforeMs: number): void {
  state.buckets.splice(0, firstFrom(state.buckets, beforeMs));
  if (state.waiting.some((match) => match.timeMs < beforeMs)) state.waiting = state.waiting.filter((match) => match.timeMs >= beforeMs);
  if (state.buckets.length === 0 && state.waiting.length > MAX_WAITING) state.waiting = [];
}

function countTest(condition: CorrelationRule['condition']): CountTest {
  return (count) => condition.every(({ comparison, limit }) => comparisons[comparison](count, limit));
}

const comparisons: Readonly<Record<Comparison, (count: number, limit: number) => boolean>> = {
  gt: (count, limit) => count > limit,
  gte: (count, limit) => count >= limit,
  lt: (count, limit) => count < limit,
  lte: (count, limit) => count <= limit,
  eq: (count, limit) => count === limit,
  neq: (count, limit) => count !== limit,
};

function describeCondition(rule: CorrelationRule): string {
  return `${rule.condition.map(({ comparison, limit }) => `${comparison} ${limit}`).join(', ')} within ${rule.timespanMs / 1000}s`;
}
