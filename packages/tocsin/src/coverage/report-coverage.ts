/** Which events a rule has looked at, per source and stretch of event time, in counts: the coverage ledger as people read it. */
import type { CoverageLedger, CoverageQuery, CoverageRow } from '@tocsin/store';
import { type CurrentRule, RuleHistory, type Verdict } from './rule-history.ts';

/** What is asked. */
export interface CoverageAsked extends CoverageQuery {
  /** Rules to report on. */
  readonly rules: readonly CurrentRule[];
  /** Ids of the rules that look at the events of a mapping; a rule that is nowhere in it is taken to look at all. */
  readonly routing: Readonly<Record<string, readonly string[]>>;
  /** Length of a stretch, milliseconds; one stretch for everything where absent. */
  readonly everyMs?: number | undefined;
  /** Only lines in which something was not evaluated. */
  readonly gapsOnly: boolean;
  /** Most lines. */
  readonly limit: number;
}

/** Counts of events: each is in exactly one of them, but for `late`, which were evaluated and came too late to be placed exactly by correlations. */
export type CoverageCounts = Readonly<Record<Verdict | 'dropped', number>> & { readonly events: number; readonly late: number };

/** One rule and one source in one stretch of event time. */
export interface CoverageLine extends CoverageCounts {
  readonly rule: string;
  readonly source: string;
  /** Earliest and latest minute with events, milliseconds since 1970; the latter's end. */
  readonly fromMs: number;
  readonly toMs: number;
}

const MINUTE_MS = 60_000;
const NONE: CoverageCounts = {
  events: 0,
  evaluated: 0,
  caughtUp: 0,
  late: 0,
  dropped: 0,
  waiting: 0,
  otherVersion: 0,
  unknown: 0,
  notLoaded: 0,
  quarantined: 0,
  needs_values: 0,
  no_log_source: 0,
  missing_reference: 0,
};

type Draft = { -readonly [K in keyof CoverageLine]: CoverageLine[K] };
type Sum = Pick<CoverageRow, 'source' | 'mapping' | 'order' | 'minuteMs'> & { toMs: number; events: number; late: number };

/** Lines by rule in the order asked for, then by source and time. */
export function reportCoverage(ledger: CoverageLedger, asked: CoverageAsked): readonly CoverageLine[] {
  const history = new RuleHistory(ledger, asked.tenant);
  const routed = routedRules(asked.routing);
  const sums = sumRows(ledger, asked);
  const letters = ledger.letters(asked);
  const lines: CoverageLine[] = [];
  for (const rule of asked.rules) {
    const looksAt = (mapping: string): boolean => !routed.all.has(rule.id) || routed.by.get(mapping)?.has(rule.id) === true;
    const drafts = new Map<string, Draft>();
    // What was caught up is known by position: then every row is looked at.
    if (history.hasCaughtUp(rule))
      for (const row of ledger.rows(asked)) {
        const sum = { ...row, toMs: row.minuteMs + MINUTE_MS };
        if (looksAt(row.mapping)) count(drafts, { rule: rule.id, sum, verdict: history.of(row, rule), asked });
      }
    else
      for (const sum of sums)
        if (looksAt(sum.mapping)) count(drafts, { rule: rule.id, sum, verdict: history.under(sum.order, rule), asked });
    for (const { source, scope, atMs, events } of letters)
      if (scope === '' || scope === `rule:${rule.id}`) drop(drafts, { source, atMs, events });
    const found = [...drafts.values()].filter((line) => !asked.gapsOnly || line.evaluated + line.caughtUp < line.events);
    lines.push(...found.sort((a, b) => (a.source < b.source ? -1 : a.source > b.source ? 1 : a.fromMs - b.fromMs)));
    if (lines.length >= asked.limit) break;
  }
  return lines.slice(0, asked.limit);
}

function routedRules(routing: CoverageAsked['routing']): {
  readonly all: ReadonlySet<string>;
  readonly by: ReadonlyMap<string, ReadonlySet<string>>;
} {
  const by = new Map(Object.entries(routing).map(([mapping, rules]) => [mapping, new Set(rules)]));
  return { all: new Set([...by.values()].flatMap((rules) => [...rules])), by };
}

function stretchOf(timeMs: number, everyMs: number | undefined): number {
  return everyMs === undefined ? 0 : Math.floor(timeMs / everyMs) * everyMs;
}

/** Rows that differ in nothing that rules without a catch-up are asked about. */
function sumRows(ledger: CoverageLedger, asked: CoverageAsked): Sum[] {
  const sums = new Map<string, Sum>();
  for (const { source, mapping, order, minuteMs, events, late } of ledger.rows(asked)) {
    const key = JSON.stringify([source, mapping, order, stretchOf(minuteMs, asked.everyMs)]);
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { source, mapping, order, minuteMs, toMs: minuteMs + MINUTE_MS, events, late });
    else {
      sum.events += events;
      sum.late += late;
      sum.toMs = Math.max(sum.toMs, minuteMs + MINUTE_MS);
    }
  }
  return [...sums.values()];
}

interface Counted {
  readonly rule: string;
  readonly sum: Sum;
  readonly verdict: Verdict;
  readonly asked: CoverageAsked;
}

function count(drafts: Map<string, Draft>, { rule, sum, verdict, asked }: Counted): void {
  const { source, minuteMs, toMs, events, late } = sum;
  const key = JSON.stringify([source, stretchOf(minuteMs, asked.everyMs)]);
  const draft = drafts.get(key) ?? { rule, source, fromMs: minuteMs, toMs, ...NONE };
  drafts.set(key, draft);
  draft.fromMs = Math.min(draft.fromMs, minuteMs);
  draft.toMs = Math.max(draft.toMs, toMs);
  draft.events += events;
  draft[verdict] += events;
  if (verdict === 'evaluated' || verdict === 'caughtUp') draft.late += late;
}

/** A dead letter says when it was tried, not when it happened: it is counted in the last stretch that began before. */
function drop(drafts: Map<string, Draft>, { source, atMs, events }: { source: string; atMs: number; events: number }): void {
  const own = [...drafts.values()].filter((line) => line.source === source);
  const before = own.filter((line) => line.fromMs <= atMs).sort((a, b) => b.fromMs - a.fromMs);
  const line = before[0] ?? own[0];
  if (line === undefined) return;
  const gone = Math.min(events, line.evaluated);
  line.dropped += gone;
  line.evaluated -= gone;
}
