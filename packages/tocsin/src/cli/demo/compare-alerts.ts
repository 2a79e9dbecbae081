/** The alerts that recordings must give against those that were found. */
import type { FoundAlert } from '../alerts/alert-facts.ts';

/** An entry of a recording's `expected.json`: all alerts of one rule about one entity. */
export interface ExpectedAlert {
  readonly rule: string;
  readonly title: string;
  readonly technique: string;
  readonly host: string | null;
  readonly user: string | null;
  readonly entity: string;
  /** Events counted, by all these alerts together. */
  readonly count: number;
  readonly alerts: number;
}

/** How found alerts differ from what was expected. */
export interface Difference {
  readonly kind: 'missing' | 'unexpected' | 'other number of alerts' | 'other count';
  readonly rule: string;
  readonly title: string;
  readonly entity: string;
  readonly expected: string;
  readonly found: string;
}

/**
 * Everything that differs, empty where every expected alert was found exactly once. A correlation counts the events of its windows, which
 * depends on when windows close: of those the number of alerts must agree, of plain rules also the count of events.
 */
export function compareAlerts(
  expected: readonly ExpectedAlert[],
  found: readonly FoundAlert[],
  isCorrelation: (rule: string) => boolean,
): Difference[] {
  const wanted = byRuleAndEntity(expected);
  const present = byRuleAndEntity(found);
  const differences: Difference[] = [];
  for (const [key, want] of wanted) {
    const got = present.get(key);
    const differs = (kind: Difference['kind'], values: { expected: string; found: string }): void => {
      differences.push({ kind, rule: want.rule, title: want.title, entity: want.entity, ...values });
    };
    if (got === undefined) differs('missing', { expected: say(want), found: '-' });
    else if (got.alerts !== want.alerts) differs('other number of alerts', { expected: say(want), found: say(got) });
    else if (got.count !== want.count && !isCorrelation(want.rule)) differs('other count', { expected: say(want), found: say(got) });
  }
  for (const [key, got] of present) {
    if (!wanted.has(key))
      differences.push({ kind: 'unexpected', rule: got.rule, title: got.title, entity: got.entity, expected: '-', found: say(got) });
  }
  return differences;
}

interface Tally {
  readonly rule: string;
  readonly title: string;
  readonly entity: string;
  readonly count: number;
  readonly alerts: number;
}

/** Recordings may expect the same alert: their numbers add up. */
function byRuleAndEntity(entries: readonly Tally[]): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { rule, title, entity, count, alerts } of entries) {
    const key = JSON.stringify([rule, entity]);
    const known = tallies.get(key);
    tallies.set(key, { rule, title, entity, count: count + (known?.count ?? 0), alerts: alerts + (known?.alerts ?? 0) });
  }
  return tallies;
}

function say(tally: Tally): string {
  return `${tally.alerts} × ${tally.count} events`;
}
