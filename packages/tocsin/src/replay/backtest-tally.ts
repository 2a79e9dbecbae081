/** Counts what both sides of a backtest find: hits and alerts of each rule by day, and which of them are one side's alone. Bounded in memory. */
import { parsePosition } from '@tocsin/bus';
import { type Alert, type Match, type Position, TocsinError } from '@tocsin/core';
import type { BacktestDay, BacktestRule, Diff, DiffAlert, DiffEvent, Findings } from './backtest-report.ts';
import type { DraftRules } from './draft-rules.ts';

/** A side by name. */
export type SideName = 'draft' | 'live';

/** Hits of a rule that are compared one by one, alerts likewise, and examples that are told. */
const MOST_HITS = 500_000;
const MOST_ALERTS = 50_000;
const MOST_EXAMPLES = 20;
const DAY_MS = 86_400_000;
const BIT: Readonly<Record<SideName, number>> = { draft: 1, live: 2 };
const BOTH = 3;

interface RuleTally {
  readonly hits: Record<SideName, Map<number, number>>;
  /** Which sides hold for an event, by its place. */
  readonly seen: Map<string, number>;
  isClipped: boolean;
}

interface SeenAlert {
  readonly ruleId: string;
  draft: Alert | undefined;
  live: Alert | undefined;
}

/** The tally of one backtest. */
export class BacktestTally {
  readonly #rules: DraftRules;
  readonly #tallies = new Map<string, RuleTally>();
  readonly #alerts = new Map<string, SeenAlert>();
  readonly #events = new Map<string, Match>();
  #alertsClipped = false;
  #hits = 0;

  constructor(rules: DraftRules) {
    this.#rules = rules;
  }

  /** Hits of the draft so far. */
  get hits(): number {
    return this.#hits;
  }

  /** Takes what a side's detections have found in a frame. */
  addMatches(side: SideName, matches: readonly Match[]): void {
    for (const match of matches) {
      if (side === 'draft') this.#hits += 1;
      this.#addHit(side, match);
    }
  }

  /** Takes alerts as they now are. */
  addAlerts(side: SideName, alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      const known = this.#alerts.get(alert.id);
      if (known === undefined && this.#alerts.size >= MOST_ALERTS) this.#alertsClipped = true;
      else this.#alerts.set(alert.id, { ruleId: alert.rule.id, draft: known?.draft, live: known?.live, [side]: alert });
    }
  }

  /** What was found for each rule of the draft. */
  rules(): BacktestRule[] {
    const inactive = new Map(
      this.#rules.draft.compiled.inactive.map(({ ruleId, reason, detail }) => [ruleId, `${reason.replaceAll('_', ' ')}: ${detail}`]),
    );
    return this.#rules.drafts.map((rule): BacktestRule => {
      const { id, title, version } = rule.meta;
      const inForce = this.#rules.live.rules.get(id);
      const dormant = inactive.get(id);
      const alerts = [...this.#alerts.values()].filter(({ ruleId }) => ruleId === id);
      const days = this.#days(id, alerts);
      return {
        id,
        title,
        kind: rule.kind,
        live: inForce === undefined ? 'none' : inForce.meta.version === version ? 'same' : 'other',
        ...(dormant === undefined ? {} : { dormant }),
        found: { draft: sum(days, 'draft'), live: sum(days, 'live') },
        days,
        hits: this.#diffHits(id),
        alerts: this.#diffAlerts(alerts),
      };
    });
  }

  #addHit(side: SideName, match: Match): void {
    const { ruleId, timeMs, evidence } = match;
    let tally = this.#tallies.get(ruleId);
    if (tally === undefined) {
      tally = { hits: { draft: new Map(), live: new Map() }, seen: new Map(), isClipped: false };
      this.#tallies.set(ruleId, tally);
    }
    const day = Math.floor(timeMs / DAY_MS);
    tally.hits[side].set(day, (tally.hits[side].get(day) ?? 0) + 1);
    const key = placeOf(evidence.at.position, evidence.at.index);
    const before = tally.seen.get(key);
    if (before === undefined && tally.seen.size >= MOST_HITS) tally.isClipped = true;
    else tally.seen.set(key, (before ?? 0) | BIT[side]);
  }

  /** The first matches that are one side's alone so far; the other side's come with the same frame. */
  noteExamples(matches: Readonly<Record<SideName, readonly Match[]>>): void {
    for (const match of [...matches.draft, ...matches.live]) {
      const tally = this.#tallies.get(match.ruleId);
      const key = placeOf(match.evidence.at.position, match.evidence.at.index);
      const exampleKey = `${match.ruleId} ${key}`;
      if (tally?.seen.get(key) === BOTH || this.#countExamples(match.ruleId) >= MOST_EXAMPLES) continue;
      this.#events.set(exampleKey, match);
    }
  }

  #countExamples(ruleId: string): number {
    let count = 0;
    for (const match of this.#events.values()) if (match.ruleId === ruleId) count += 1;
    return count;
  }

  #days(id: string, alerts: readonly SeenAlert[]): BacktestDay[] {
    const days = new Map<number, Record<SideName, { hits: number; alerts: number }>>();
    const at = (day: number): Record<SideName, { hits: number; alerts: number }> => {
      const known = days.get(day) ?? { draft: { hits: 0, alerts: 0 }, live: { hits: 0, alerts: 0 } };
      days.set(day, known);
      return known;
    };
    for (const side of ['draft', 'live'] as const) {
      for (const below of this.#rules[side].below.get(id) ?? [])
        for (const [day, hits] of this.#tallies.get(below)?.hits[side] ?? []) at(day)[side].hits += hits;
      for (const seen of alerts) {
        const alert = seen[side];
        if (alert !== undefined) at(Math.floor(alert.firstMs / DAY_MS))[side].alerts += 1;
      }
    }
    return [...days].sort(([a], [b]) => a - b).map(([day, found]) => ({ day: dayName(day), ...found }));
  }

  #diffHits(id: string): Diff<DiffEvent> {
    const below = new Set([...(this.#rules.draft.below.get(id) ?? []), ...(this.#rules.live.below.get(id) ?? [])]);
    const counts = { both: 0, onlyDraft: 0, onlyLive: 0 };
    let isClipped = false;
    for (const one of below) {
      const tally = this.#tallies.get(one);
      isClipped ||= tally?.isClipped === true;
      for (const mask of tally?.seen.values() ?? []) counts[mask === BOTH ? 'both' : mask === BIT.draft ? 'onlyDraft' : 'onlyLive'] += 1;
    }
    const examples = [...this.#events.values()].filter(({ ruleId }) => below.has(ruleId)).slice(0, MOST_EXAMPLES);
    return { ...counts, changed: 0, isClipped, examples: examples.map(describeMatch) };
  }

  #diffAlerts(alerts: readonly SeenAlert[]): Diff<DiffAlert> {
    const counts = { both: 0, onlyDraft: 0, onlyLive: 0 };
    for (const seen of alerts) counts[whoseAlert(seen)] += 1;
    const isChanged = (seen: SeenAlert): boolean => whoseAlert(seen) === 'both' && seen.draft?.count !== seen.live?.count;
    const differing = alerts.filter((seen) => whoseAlert(seen) !== 'both' || isChanged(seen));
    const examples = differing.slice(0, MOST_EXAMPLES).flatMap(describeAlert);
    return { ...counts, changed: alerts.filter(isChanged).length, isClipped: this.#alertsClipped, examples };
  }
}

function whoseAlert({ draft, live }: SeenAlert): 'both' | 'onlyDraft' | 'onlyLive' {
  if (draft === undefined) return 'onlyLive';
  return live === undefined ? 'onlyDraft' : 'both';
}

function describeAlert({ draft, live }: SeenAlert): DiffAlert[] {
  const alert = draft ?? live;
  if (alert === undefined) return [];
  const { id, groupBy, firstMs, lastMs } = alert;
  return [{ id, groupBy, firstMs, lastMs, draftCount: draft?.count ?? 0, liveCount: live?.count ?? 0 }];
}

/** @throws api.internal for a day beyond all calendars, which no event has */
function dayName(day: number): string {
  const date = new Date(day * DAY_MS);
  if (Number.isNaN(date.getTime())) throw new TocsinError('api.internal', { reason: `there is no day ${day}` });
  return date.toISOString().slice(0, 10);
}

function placeOf(position: Position, index: number): string {
  // Within one range the stream and the sequence say it all.
  const { stream, sequence } = parsePosition(position);
  return `${stream} ${sequence}#${index}`;
}

function sum(days: readonly BacktestDay[], side: SideName): Findings {
  return days.reduce((all, day) => ({ hits: all.hits + day[side].hits, alerts: all.alerts + day[side].alerts }), { hits: 0, alerts: 0 });
}

function describeMatch({ timeMs, evidence: { source, eventId, at } }: Match): DiffEvent {
  return { source, eventId, timeMs, position: at.position, index: at.index };
}
