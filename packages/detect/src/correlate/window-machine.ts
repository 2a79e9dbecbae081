/**
 * The steps of a windowed correlation over one group's state: what an event opens or widens, and what a watermark settles. Which events
 * belong to a group, and when each step is taken, is in `window-fold.ts`; what a window is measured by is in `measures/`.
 */
import type { CorrelationRule } from '../parse/parsed-rule.ts';
import { type Episode, openEpisode, showMatch } from './episode.ts';
import type { FoldContext, Held } from './fold.ts';
import { groupByOf } from './group-key.ts';
import type { FoldMatch } from './held-match.ts';
import type { MeasureKind } from './measures/measure.ts';
import { addStretch, joined, type Stretch, touches } from './stretch.ts';
import type { WindowCursor } from './window-cursor.ts';
import type { WindowState } from './window-state.ts';

/** Events kept per group; beyond, the oldest go before their time. */
const MAX_EVENTS = 250_000;

/** What a step has done. */
export interface MachineStep {
  readonly changed: Episode[];
  readonly held: Held[];
  /** Events at whose time the condition was found to hold. */
  heldEvents: number;
  /** Events that went before their time. */
  clipped: number;
}

/** An event that is being added: what the measure is to know of it, and whether it is the event before, for which another rule holds too. */
export interface Arrival {
  readonly match: FoldMatch;
  readonly payload: number;
  readonly isSame: boolean;
}

/** The steps for one correlation. */
export class WindowMachine {
  readonly #rule: CorrelationRule;
  readonly #kind: MeasureKind;
  /** Time without events after which two windows are two episodes. */
  readonly #gapMs: number;
  #step: MachineStep = emptyStep();
  /** Index of the event being added. */
  #at = 0;
  /** Event time after a window's end in which it may still be joined by another. */
  readonly #reachMs: number;

  readonly #latenessMs: number;

  constructor(rule: CorrelationRule, kind: MeasureKind, latenessMs: number) {
    this.#rule = rule;
    this.#latenessMs = latenessMs;
    this.#kind = kind;
    this.#gapMs = rule.suppressMs;
    this.#reachMs = rule.timespanMs + rule.suppressMs;
  }

  /** Adds an event; undefined where nothing came of it yet. */
  add(state: WindowState, arrival: Arrival, context: FoldContext): MachineStep | undefined {
    const { match, payload, isSame } = arrival;
    const { cursor } = state;
    let at: number;
    if (isSame) {
      at = cursor.ring.firstFrom(match.timeMs + 1) - 1;
      if ((cursor.payloadAt(at) & payload) !== 0) return undefined;
      cursor.join(at, payload);
    } else at = cursor.insert(match.timeMs, payload);
    this.#at = at;
    if (this.#isQuiet(state, at)) {
      if (!isSame) state.waiting.remember(match, this.#reachMs + this.#latenessMs);
      this.#trim(state, context.watermarkMs - this.#latenessMs);
      return this.#step.clipped === 0 ? undefined : this.#takeStep();
    }
    if (this.#kind.isMonotone) this.#addEager(state, arrival, context);
    else if (!isSame) state.waiting.remember(match, this.#reachMs + this.#latenessMs);
    this.#trim(state, context.watermarkMs - this.#latenessMs);
    return this.#takeStep();
  }

  /** Whether an event at the end of a group without an episode cannot bring one about: most events are that dull. */
  #isQuiet(state: WindowState, at: number): boolean {
    const { cursor } = state;
    return state.open === null && at === cursor.ring.length - 1 && this.#isTooFew(cursor.events);
  }

  /** Settles what the watermark allows; undefined where nothing came of it. */
  settle(state: WindowState, context: FoldContext): MachineStep | undefined {
    const finalMs = context.watermarkMs - this.#latenessMs;
    if (this.#kind.isMonotone) this.#settlePending(state, finalMs, context);
    else this.#decide(state, finalMs, context);
    this.#trim(state, finalMs);
    return this.#takeStep();
  }

  /** Most steps come to nothing: those share one empty record. */
  #takeStep(): MachineStep | undefined {
    const step = this.#step;
    if (step.changed.length === 0 && step.held.length === 0 && step.heldEvents === 0 && step.clipped === 0) return undefined;
    this.#step = emptyStep();
    return step;
  }

  #noteChange(episode: Episode): void {
    if (!this.#step.changed.includes(episode)) this.#step.changed.push(episode);
  }

  /** Watermark from which `settle` has something to do. */
  nextDue(state: WindowState): number | null {
    const { ring } = state.cursor;
    const settledMs = this.#reachMs + this.#latenessMs + 1;
    let due = Number.POSITIVE_INFINITY;
    for (const stretch of state.pending) due = Math.min(due, stretch.toMs + settledMs);
    if (ring.length > 0) due = Math.min(due, ring.lastMs + settledMs);
    if (state.open !== null) due = Math.min(due, state.open.toMs + settledMs);
    if (!this.#kind.isMonotone) {
      const undecided = ring.firstFrom(state.decidedMs);
      if (undecided < ring.length) due = Math.min(due, ring.timeAt(undecided) + this.#latenessMs + 1);
    }
    return Number.isFinite(due) ? due : null;
  }

  #addEager(state: WindowState, arrival: Arrival, context: FoldContext): void {
    const { match, isSame } = arrival;
    const { open } = state;
    if (!isSame) {
      if (open !== null && match.timeMs >= open.fromMs && match.timeMs <= open.toMs) {
        open.episode.count += 1;
        showMatch(open.episode, match);
        this.#noteChange(open.episode);
      } else state.waiting.remember(match, this.#reachMs + this.#latenessMs);
    }
    if (!this.#isTooFew(state.cursor.events)) this.#measureFrom(state, arrival, context);
    for (const episode of this.#step.changed) {
      episode.receivedMs = Math.max(episode.receivedMs, match.receivedMs);
      episode.ruleSet = context.ruleSet;
    }
  }

  /** Measures every window that has the event in it: the one that ends with it, and those of later events where it came late. */
  #measureFrom(state: WindowState, { match, isSame }: Arrival, context: FoldContext): void {
    const { ring } = state.cursor;
    const { timespanMs, window } = this.#rule;
    let lastMs = match.timeMs;
    for (let to = this.#at; to < ring.length; ) {
      const timeMs = ring.timeAt(to);
      const isReached = window === 'session' ? timeMs - lastMs <= timespanMs : timeMs - match.timeMs <= timespanMs;
      if (!isReached) return;
      lastMs = timeMs;
      while (to < ring.length && ring.timeAt(to) === timeMs) to += 1;
      if (!state.cursor.holdsAt(to)) continue;
      const news = this.#markHeld(state, to, !isSame && timeMs === match.timeMs ? 1 : 0);
      this.#step.heldEvents += news.events;
      const stretch = { fromMs: ring.timeAt(state.cursor.from), toMs: timeMs, heldMs: timeMs };
      const before = state.open;
      const episode = this.#found(state, stretch, context);
      if (episode === undefined) addStretch(state.pending, stretch, this.#gapMs);
      else this.#noteChange(episode);
      if (news.isFirst) this.#step.held.push({ timeMs, match, episode, opens: before === null && episode !== undefined, holds: true });
    }
  }

  /** Whether so many events cannot satisfy the condition, whatever they are. */
  #isTooFew(events: number): boolean {
    const { mayHold, joinsRules } = this.#kind;
    return mayHold !== undefined && !joinsRules && !mayHold(events, 0);
  }

  /** Notes that the condition held at a time; for how many events that is news, and whether for the time. `added` have come since it was noted. */
  #markHeld(state: WindowState, to: number, added: number): { readonly events: number; readonly isFirst: boolean } {
    const { ring } = state.cursor;
    const timeMs = ring.timeAt(to - 1);
    let fresh = 0;
    let isFirst = true;
    for (let i = to - 1; i >= 0 && ring.timeAt(i) === timeMs; i--) {
      const cell = ring.cellAt(i);
      if (cell % 2 === 1) {
        // Those before it were marked with it: a flood within one millisecond must not be gone through for each of its events.
        isFirst = false;
        break;
      }
      ring.setCell(i, cell + 1);
      fresh += this.#kind.countsOnly ? cell / 2 : 1;
    }
    return { events: this.#kind.countsOnly && !isFirst ? added : fresh, isFirst };
  }

  #settlePending(state: WindowState, finalMs: number, context: FoldContext): void {
    const rest: Stretch[] = [];
    for (const stretch of state.pending) {
      if (stretch.toMs + this.#reachMs < finalMs) this.#noteOpened(this.#episodeOf(state, stretch, context), stretch);
      else rest.push(stretch);
    }
    state.pending = rest;
    this.#close(state, finalMs);
    const first = state.open === null ? state.pending.shift() : undefined;
    const opened = first === undefined ? undefined : this.#found(state, first, context);
    if (first !== undefined && opened !== undefined) this.#noteOpened(opened, first);
  }

  #noteOpened(episode: Episode, stretch: Stretch): void {
    this.#noteChange(episode);
    this.#step.held.push({ timeMs: stretch.heldMs, match: undefined, episode, opens: true, holds: false });
  }

  #decide(state: WindowState, finalMs: number, context: FoldContext): void {
    const { ring } = state.cursor;
    for (let to = ring.firstFrom(state.decidedMs); to < ring.length; ) {
      const timeMs = ring.timeAt(to);
      if (timeMs >= finalMs) break;
      const first = to;
      while (to < ring.length && ring.timeAt(to) === timeMs) to += 1;
      if (!state.cursor.holdsAt(to)) continue;
      this.#step.heldEvents += this.#eventsIn(state.cursor, first, to);
      const stretch = { fromMs: ring.timeAt(state.cursor.from), toMs: timeMs, heldMs: timeMs };
      if (state.open !== null && !touches(state.open, stretch, this.#gapMs)) state.open = null;
      const opens = state.open === null;
      const episode = this.#found(state, stretch, context);
      if (episode === undefined) continue;
      this.#noteChange(episode);
      this.#step.held.push({ timeMs, match: undefined, episode, opens, holds: true });
    }
    state.decidedMs = Math.max(state.decidedMs, finalMs);
    this.#close(state, finalMs);
  }

  /** Opens an episode for a stretch or widens the open one; undefined when it lies beside the open one. */
  #found(state: WindowState, stretch: Stretch, context: FoldContext): Episode | undefined {
    if (state.open === null) {
      const episode = this.#episodeOf(state, stretch, context);
      state.open = { episode, fromMs: stretch.fromMs, toMs: stretch.toMs, between: 0 };
    } else if (!touches(state.open, stretch, this.#gapMs)) return undefined;
    else {
      this.#widen(state, stretch);
      // What was widened may now reach stretches that were waiting beside it.
      for (let i = 0; i < state.pending.length; i++) {
        const one = state.pending[i];
        if (one === undefined || !touches(state.open, one, this.#gapMs)) continue;
        state.pending.splice(i, 1);
        this.#widen(state, one);
        i = -1;
      }
    }
    return state.open.episode;
  }

  #widen(state: WindowState, stretch: Stretch): void {
    const { open } = state;
    if (open === null || (stretch.fromMs >= open.fromMs && stretch.toMs <= open.toMs)) return;
    const { fromMs, toMs } = joined({ ...open, heldMs: 0 }, stretch);
    open.episode.count += this.#eventsBetween(state, fromMs, open.fromMs - 1) + this.#eventsBetween(state, open.toMs + 1, toMs);
    if (toMs > open.toMs) {
      open.episode.count += open.between;
      open.between = 0;
    }
    open.fromMs = fromMs;
    open.toMs = toMs;
    takeWaiting(state, open.episode, open);
  }

  #episodeOf(state: WindowState, stretch: Stretch, context: FoldContext): Episode {
    const { tenant, groupKey, ruleSet } = context;
    const episode = openEpisode({
      ruleId: this.#rule.meta.id,
      tenant,
      groupKey,
      groupBy: groupByOf(this.#rule.groupBy, groupKey),
      ruleSet,
      anchor: { timeMs: stretch.fromMs, source: '', eventId: '' },
    });
    episode.count = this.#eventsBetween(state, stretch.fromMs, stretch.toMs);
    takeWaiting(state, episode, stretch);
    return episode;
  }

  #eventsBetween({ cursor }: WindowState, fromMs: number, toMs: number): number {
    return toMs < fromMs ? 0 : this.#eventsIn(cursor, cursor.ring.firstFrom(fromMs), cursor.ring.firstFrom(toMs + 1));
  }

  #eventsIn(cursor: WindowCursor, from: number, to: number): number {
    if (!this.#kind.countsOnly) return Math.max(0, to - from);
    let events = 0;
    for (let i = from; i < to; i++) events += cursor.payloadAt(i);
    return events;
  }

  #close(state: WindowState, finalMs: number): void {
    if (state.open !== null && state.open.toMs + this.#reachMs < finalMs) state.open = null;
  }

  /** Forgets events that no window can hold any more. */
  #trim(state: WindowState, finalMs: number): void {
    const { ring } = state.cursor;
    const oldest = state.pending[0]?.fromMs ?? Number.POSITIVE_INFINITY;
    const beforeMs = Math.min(finalMs - this.#rule.timespanMs, oldest);
    let count = ring.firstMs < beforeMs ? this.#unneeded(state, beforeMs) : 0;
    const clipped = Math.max(0, ring.length - MAX_EVENTS - count);
    this.#step.clipped += clipped;
    count += clipped;
    if (count > 0) {
      const { open } = state;
      if (open !== null && this.#gapMs > 0) {
        const behind = ring.firstFrom(open.toMs + 1);
        if (behind < count) open.between += this.#eventsIn(state.cursor, behind, count);
      }
      state.cursor.dropFirst(count);
    }
    state.waiting.dropBefore(beforeMs);
  }

  /** Events before a time that no later window reaches back to. */
  #unneeded(state: WindowState, beforeMs: number): number {
    const { ring } = state.cursor;
    let count = ring.firstFrom(beforeMs);
    if (this.#rule.window === 'session' && count < ring.length) count = state.cursor.startOf(count);
    return count;
  }
}

function emptyStep(): MachineStep {
  return { changed: [], held: [], heldEvents: 0, clipped: 0 };
}

function takeWaiting(state: WindowState, episode: Episode, stretch: { readonly fromMs: number; readonly toMs: number }): void {
  for (const match of state.waiting.take(stretch)) showMatch(episode, match);
  episode.firstMs = Math.min(episode.firstMs, stretch.fromMs);
  episode.lastMs = Math.max(episode.lastMs, stretch.toMs);
}
