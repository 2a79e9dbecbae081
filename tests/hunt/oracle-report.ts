/** The report of a comparison with the oracle: totals, a row per recording, every difference. */
import { type Conditions, conditionsLine } from '../conditions.ts';
import { markdownTable } from '../markdown-table.ts';
import type { ComparedRecording } from './compared-recording.ts';

/** A whole run. */
export interface OracleReport {
  readonly conditions: Conditions;
  /** Public rules that were read on both sides. */
  readonly rules: number;
  /** Every how many events one was looked at; 1 for all. */
  readonly every: number;
  readonly total: Readonly<Record<'recordings' | 'events' | 'unparsed' | 'matches' | 'missing' | 'extra' | 'refusedRules', number>>;
  readonly recordings: readonly ComparedRecording[];
  /** Recordings that were not compared. */
  readonly left: readonly string[];
}

/** Sums up. */
export function oracleReport(
  recordings: readonly ComparedRecording[],
  about: Pick<OracleReport, 'conditions' | 'rules' | 'every' | 'left'>,
): OracleReport {
  const sum = (of: (one: ComparedRecording) => number): number => recordings.reduce((total, one) => total + of(one), 0);
  const total = {
    recordings: recordings.length,
    events: sum(({ events }) => events),
    unparsed: sum(({ unparsed }) => unparsed),
    matches: sum(({ matches }) => matches),
    missing: sum(({ missing }) => missing.length),
    extra: sum(({ extra }) => extra.length),
    refusedRules: new Set(recordings.flatMap(({ refused }) => refused)).size,
  };
  return { ...about, total, recordings };
}

/** The same as a page. */
export function oracleReportPage({ conditions, rules, every, total, recordings, left }: OracleReport): string {
  const differences = recordings.flatMap(({ recording, missing, extra }) => [
    ...missing.map((match) => ({ recording, match, difference: 'not printed' })),
    ...extra.map((match) => ({ recording, match, difference: 'printed, and the oracle does not find it' })),
  ]);
  const rows = recordings.map(({ recording, events, matches, rules: held, missing, extra }) => ({
    recording: recording.replace('.ndjson.gz', ''),
    events,
    matches,
    rules: held,
    missing: missing.length,
    extra: extra.length,
  }));
  return [
    '# A hunt against the naive oracle',
    '',
    'Written by `npm run oracle -- --report docs/reports`. `tocsin hunt --output ndjson`, as built and run as a user runs it, over the recordings of windows-otrf with all public rules; every',
    'printed match compared with what the oracle finds, which reads rules and fields by itself and shares no code with the engine. A match is a rule and a line.',
    'Which rules look at an event is told by the mappings on both sides; their own tests hold them.',
    '',
    conditionsLine(conditions),
    '',
    `${count(total.recordings)} recordings, ${every === 1 ? 'every event' : `one event of ${every}`}: ${count(total.events)} events (${count(total.unparsed)} that are no records), ${count(rules)} rules, **${count(total.matches)} matches, ` +
      `${count(total.missing)} missing, ${count(total.extra)} extra**; the oracle refuses ${count(total.refusedRules)} rules.`,
    '',
    ...(left.length === 0
      ? []
      : [`**Not compared**, ${count(left.length)} recordings: ${left.map((name) => name.replace('.ndjson.gz', '')).join(', ')}.`, '']),
    markdownTable(rows),
    ...(differences.length === 0 ? [] : ['', '## Differences', '', markdownTable(differences)]),
    '',
  ].join('\n');
}

function count(of: number): string {
  return of.toLocaleString('en-GB');
}
