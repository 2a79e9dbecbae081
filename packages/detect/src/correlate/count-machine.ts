/**
 * The steps of `event_count` over one group's state: what an event opens or widens, and what a watermark settles. Which events belong to a group,
 * and when each step is taken, is in `event-count-fold.ts`.
 */
import type { Match } from '@tocsin/core';
import type { Comparison, CorrelationRule } from '../parse/parsed-rule.ts';
import {
  type Bucket,
  type CountTest,
  countWithin,
  firstFrom,
  insertEvent,
  joinWindows,
  type Stretch,
  satisfyingWindows,
} from './count-window.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import { type FoldContext, LATENESS_MS } from './fold.ts';
import { groupByOf } from './group-key.ts';
import { rememberMatch } from './waiting-matches.ts';

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

/** Buckets kept per group; beyond, the oldest go before their time. */
const MAX_BUCKETS = 100_000;

/** The steps for one correlation. */
export class CountMachine {
  readonly #rule: CorrelationRule;
  readonly #windows: { readonly timespanMs: number; readonly meets: CountTest };
  /** Whether more events can never undo the condition, so that an alert need not wait for the watermark. */
  readonly #isEager: boolean;
  /** Watermark behind a window's end at which nothing can change it or join another to it. */
  readonly #settledAfterMs: number;

  constructor(rule: CorrelationRule) {
    this.#rule = rule;
    this.#windows = { timespanMs: rule.timespanMs, meets: countTest(rule.condition) };
    this.#isEager = rule.condition.every(({ comparison }) => comparison === 'gt' || comparison === 'gte');
    this.#settledAfterMs = rule.timespanMs + LATENESS_MS;
  }

  /** Adds an event; the episodes that it changed. */
  add(state: CountState, match: Match, context: FoldContext): Episode[] {
    insertEvent(state.buckets, match.evidence);
    if (state.buckets.length > MAX_BUCKETS) state.buckets.splice(0, state.buckets.length - MAX_BUCKETS);
    if (this.#isEager) return this.#addEager(state, match, context);
    rememberMatch(state.waiting, match, this.#settledAfterMs);
    return [];
  }

  /** Settles what the watermark allows; the episodes that it changed. */
  settle(state: CountState, context: FoldContext): Episode[] {
    const finalMs = context.watermarkMs - LATENESS_MS;
    if (!this.#isEager) return this.#settleDecided(state, finalMs, context);
    if (state.pendingDueMs !== null) return this.#settlePending(state, finalMs, context);
    this.#close(state, finalMs);
    trim(state, finalMs - this.#rule.timespanMs);
    return [];
  }

  /** Watermark from which `settle` has something to do. */
  nextDue(state: CountState): number | null {
    const last = state.buckets[state.buckets.length - 1];
    const due = [state.pendingDueMs ?? Number.POSITIVE_INFINITY];
    if (last !== undefined) due.push(last.timeMs + this.#settledAfterMs + 1);
    if (state.open !== null) due.push(state.open.toMs + this.#settledAfterMs + 1);
    const undecided = this.#isEager ? undefined : state.buckets[firstFrom(state.buckets, state.decidedMs)];
    if (undecided !== undefined) due.push(undecided.timeMs + LATENESS_MS + 1);
    const first = Math.min(...due);
    return Number.isFinite(first) ? first : null;
  }

  #addEager(state: CountState, match: Match, context: FoldContext): Episode[] {
    const changed = new Set<Episode>();
    if (state.open !== null && match.timeMs >= state.open.fromMs && match.timeMs <= state.open.toMs) {
      state.open.episode.count += 1;
      showMatch(state.open.episode, match);
      changed.add(state.open.episode);
    } else rememberMatch(state.waiting, match, this.#settledAfterMs);
    const ends = { fromMs: match.timeMs, toMs: match.timeMs + this.#rule.timespanMs };
    for (const stretch of joinWindows(satisfyingWindows(state.buckets, ends, this.#windows))) {
      const episode = this.#found(state, stretch, context);
      if (episode !== undefined) changed.add(episode);
      else state.pendingDueMs = Math.min(state.pendingDueMs ?? Number.POSITIVE_INFINITY, stretch.toMs + this.#settledAfterMs + 1);
    }
    // What was widened may now reach windows that were waiting beside it.
    if (changed.size > 0 && state.pendingDueMs !== null) for (const stretch of this.#allStretches(state)) this.#widen(state, stretch);
    for (const episode of changed) {
      episode.receivedMs = Math.max(episode.receivedMs, match.receivedMs);
      episode.ruleSet = context.ruleSet;
    }
    return [...changed];
  }

  #settlePending(state: CountState, finalMs: number, context: FoldContext): Episode[] {
    const changed: Episode[] = [];
    const rest: Stretch[] = [];
    for (const stretch of this.#allStretches(state)) {
      if (this.#widen(state, stretch)) continue;
      if (stretch.toMs + this.#rule.timespanMs < finalMs) changed.push(this.#episodeOf(state, stretch, context));
      else rest.push(stretch);
    }
    this.#close(state, finalMs);
    const first = state.open === null ? rest.shift() : undefined;
    const opened = first === undefined ? undefined : this.#found(state, first, context);
    if (opened !== undefined) changed.push(opened);
    state.pendingDueMs = rest.length === 0 ? null : Math.min(...rest.map((stretch) => stretch.toMs)) + this.#settledAfterMs + 1;
    trim(state, Math.min(finalMs - this.#rule.timespanMs, ...rest.map((stretch) => stretch.fromMs)));
    return changed;
  }

  #settleDecided(state: CountState, finalMs: number, context: FoldContext): Episode[] {
    const changed = new Set<Episode>();
    for (const stretch of satisfyingWindows(state.buckets, { fromMs: state.decidedMs, toMs: finalMs - 1 }, this.#windows)) {
      if (state.open !== null && stretch.fromMs > state.open.toMs) state.open = null;
      const episode = this.#found(state, stretch, context);
      if (episode !== undefined) changed.add(episode);
    }
    state.decidedMs = Math.max(state.decidedMs, finalMs);
    this.#close(state, finalMs);
    trim(state, finalMs - this.#rule.timespanMs);
    return [...changed];
  }

  /** Opens an episode for a stretch or widens the open one; undefined when it lies beside the open one. */
  #found(state: CountState, stretch: Stretch, context: FoldContext): Episode | undefined {
    if (state.open !== null) return this.#widen(state, stretch) ? state.open.episode : undefined;
    const episode = this.#episodeOf(state, stretch, context);
    state.open = { episode, ...stretch };
    return episode;
  }

  #widen(state: CountState, stretch: Stretch): boolean {
    const { open } = state;
    if (open === null || stretch.fromMs > open.toMs || stretch.toMs < open.fromMs) return false;
    const wider = { fromMs: Math.min(open.fromMs, stretch.fromMs), toMs: Math.max(open.toMs, stretch.toMs) };
    const before = countWithin(state.buckets, { fromMs: wider.fromMs, toMs: open.fromMs - 1 });
    open.episode.count += before + countWithin(state.buckets, { fromMs: open.toMs + 1, toMs: wider.toMs });
    open.fromMs = wider.fromMs;
    open.toMs = wider.toMs;
    takeWaiting(state, open.episode, wider);
    return true;
  }

  #episodeOf(state: CountState, stretch: Stretch, context: FoldContext): Episode {
    const anchor = state.buckets[firstFrom(state.buckets, stretch.fromMs)] as Bucket;
    const { tenant, groupKey, ruleSet } = context;
    const episode = openEpisode({
      ruleId: this.#rule.meta.id,
      tenant,
      groupKey,
      groupBy: groupByOf(this.#rule.groupBy, groupKey),
      ruleSet,
      anchor,
    });
    episode.count = countWithin(state.buckets, stretch);
    takeWaiting(state, episode, stretch);
    return episode;
  }

  #allStretches(state: CountState): Stretch[] {
    return joinWindows(
      satisfyingWindows(state.buckets, { fromMs: Number.NEGATIVE_INFINITY, toMs: Number.POSITIVE_INFINITY }, this.#windows),
    );
  }

  #close(state: CountState, finalMs: number): void {
    if (state.open !== null && state.open.toMs + this.#rule.timespanMs < finalMs) state.open = null;
  }
}

function takeWaiting(state: CountState, episode: Episode, stretch: Stretch): void {
  const inside = (match: Match): boolean => match.timeMs >= stretch.fromMs && match.timeMs <= stretch.toMs;
  for (const match of state.waiting) if (inside(match)) showMatch(episode, match);
  state.waiting = state.waiting.filter((match) => !inside(match));
  episode.firstMs = Math.min(episode.firstMs, stretch.fromMs);
  episode.lastMs = Math.max(episode.lastMs, stretch.toMs);
}

function trim(state: CountState, beforeMs: number): void {
  state.buckets.splice(0, firstFrom(state.buckets, beforeMs));
  if (state.waiting.some((match) => match.timeMs < beforeMs)) state.waiting = state.waiting.filter((match) => match.timeMs >= beforeMs);
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
