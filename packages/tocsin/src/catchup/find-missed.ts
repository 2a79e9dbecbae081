/** What rules have missed, by the coverage ledger: how many events, of which sources and times, and where a catch-up has to begin. */
import type { CoverageLedger, CoverageQuery, StepMark } from '@tocsin/store';
import { type CurrentRule, RuleHistory, type Verdict } from '../coverage/rule-history.ts';

/** What is looked for. */
export interface MissedQuery extends CoverageQuery {
  /** Rules that are to be caught up. */
  readonly rules: readonly CurrentRule[];
  /** Ids of the rules that look at the events of a mapping. */
  readonly routing: Readonly<Record<string, readonly string[]>>;
  /** Whether events that an earlier version of a rule has judged count as missed. */
  readonly otherVersions: boolean;
}

/** A stretch of a source that a rule has missed. */
export interface MissedStretch {
  readonly rule: string;
  readonly source: string;
  readonly why: Verdict;
  /** Event time, milliseconds since 1970; minutes with events lie no further apart within it than a few. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly events: number;
}

/** What was missed. */
export interface Missed {
  readonly stretches: readonly MissedStretch[];
  /** Events missed by at least one of the rules, each counted once. */
  readonly events: number;
  /** Begin of the earliest minute that was missed; undefined where none was. */
  readonly fromMs: number | undefined;
}

/** Where a catch-up begins. */
export interface CatchUpStart {
  /** Steps stored since then are folded; milliseconds since 1970. */
  readonly startMs: number;
  readonly marks: readonly StepMark[];
}

const MINUTE_MS = 60_000;
/** Minutes without events that do not end a stretch, milliseconds. */
const PAUSE_MS = 10 * MINUTE_MS;
/** Stretches told; events beyond are counted all the same. */
const MAX_STRETCHES = 200;
/** How far clocks of the processes may differ, milliseconds. */
const SKEW_MS = 60_000;

/** Rows in order of time. */
export function findMissed(ledger: CoverageLedger, query: MissedQuery): Missed {
  const history = new RuleHistory(ledger, query.tenant);
  const drafts = new Map<string, { -readonly [K in keyof MissedStretch]: MissedStretch[K] }[]>();
  const routed = new Map(Object.entries(query.routing).map(([mapping, rules]) => [mapping, new Set(rules)]));
  let events = 0;
  let fromMs: number | undefined;
  for (const row of ledger.rows(query)) {
    let isMissed = false;
    for (const rule of query.rules) {
      const why = history.of(row, rule);
      if (routed.get(row.mapping)?.has(rule.id) !== true || !isMiss(why, query.otherVersions)) continue;
      isMissed = true;
      const { source, minuteMs } = row;
      const key = JSON.stringify([rule.id, source, why]);
      const list = drafts.get(key) ?? [];
      drafts.set(key, list);
      const last = list.at(-1);
      if (last !== undefined && minuteMs <= last.toMs + PAUSE_MS) {
        last.toMs = Math.max(last.toMs, minuteMs + MINUTE_MS);
        last.events += row.events;
      } else list.push({ rule: rule.id, source, why, fromMs: minuteMs, toMs: minuteMs + MINUTE_MS, events: row.events });
    }
    if (!isMissed) continue;
    events += row.events;
    fromMs = Math.min(fromMs ?? row.minuteMs, row.minuteMs);
  }
  return { stretches: [...drafts.values()].flat().slice(0, MAX_STRETCHES), events, fromMs };
}

/** Where the log stood before the first event of a time, or of a later one, was received. */
export function catchUpStart(ledger: CoverageLedger, tenant: string, fromMs: number): CatchUpStart {
  const receivedMs = ledger.earliestReceipt(tenant, Math.floor(fromMs / MINUTE_MS) * MINUTE_MS) ?? fromMs;
  const startMs = Math.floor((receivedMs - SKEW_MS) / MINUTE_MS) * MINUTE_MS;
  return { startMs, marks: ledger.marks(startMs) };
}

/** What nobody knows of any more cannot be judged again in its place: its steps are gone. */
function isMiss(why: Verdict, otherVersions: boolean): boolean {
  if (why === 'otherVersion') return otherVersions;
  return why !== 'evaluated' && why !== 'caughtUp' && why !== 'waiting' && why !== 'unknown';
}
