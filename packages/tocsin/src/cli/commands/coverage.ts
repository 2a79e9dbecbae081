/** `tocsin coverage`: which events rules have looked at, and what became of the others. */
import { parseDuration, TocsinError } from '@tocsin/core';
import type { CoverageLine } from '../../coverage/report-coverage.ts';
import type { Unparsed } from '../../coverage/unparsed-records.ts';
import { type Command, type GivenOptions, numberOption, textOption } from '../command.ts';
import { sayCount, sayMany, sayTime } from '../figures.ts';
import type { Column, Terminal } from '../terminal.ts';
import { timeOption } from '../time-option.ts';
import { visible } from '../visible-text.ts';

interface Report {
  readonly lines: readonly (CoverageLine & { readonly title: string })[];
  readonly unparsed: readonly Unparsed[];
}

type Line = Report['lines'][number];

/** Why events were not evaluated, in words that a count stands before. */
const MISSED: readonly (readonly [keyof CoverageLine, string])[] = [
  ['notLoaded', 'rule not loaded'],
  ['quarantined', 'in quarantine'],
  ['needs_values', 'values missing'],
  ['no_log_source', 'no log source'],
  ['missing_reference', 'rules missing'],
  ['otherVersion', 'other version'],
  ['dropped', 'dropped'],
  ['unknown', 'not known'],
  ['waiting', 'waiting'],
];

const COLUMNS: readonly Column<Line>[] = [
  { title: 'RULE', value: (row) => row.title || row.rule, least: 16 },
  { title: 'SOURCE', value: (row) => row.source },
  { title: 'FROM', value: (row) => sayTime(row.fromMs) },
  { title: 'TO', value: (row) => sayTime(row.toMs) },
  { title: 'EVENTS', value: (row) => sayCount(row.events), right: true },
  { title: 'EVALUATED', value: (row) => sayCount(row.evaluated), right: true },
  { title: 'CAUGHT UP', value: (row) => sayCount(row.caughtUp), right: true },
  { title: 'LATE', value: (row) => sayCount(row.late), right: true },
  { title: 'MISSED', value: sayMissed, style: () => 'yellow' },
];

/** `tocsin coverage`. */
export const coverage: Command = {
  name: 'coverage',
  summary: 'show which events rules have looked at, per source and time; without a rule, every rule that has missed something',
  options: [
    { flags: '--rule <id>', about: 'of one rule, whether it has missed anything or not' },
    { flags: '--source <name>', about: 'events of one source' },
    { flags: '--from <time>', about: 'event time from which on, such as 2026-01-31T12:00:00Z or 2h' },
    { flags: '--to <time>', about: 'event time before which' },
    { flags: '--every <span>', about: 'a line for each stretch of so long, such as 1h' },
    { flags: '-n, --limit <count>', about: 'most lines (default: 200)' },
  ],
  examples: ['tocsin coverage', 'tocsin coverage --rule 0d3b6a2c-1f1e-4b7e-9a52-7a9c5d1f3e44 --from 24h --every 1h'],
  async run({ terminal, api, interrupted }, _, options) {
    const nowMs = Date.now();
    const asked = {
      rule: textOption(options, 'rule'),
      source: textOption(options, 'source'),
      fromMs: timeOf(options, 'from', nowMs),
      toMs: timeOf(options, 'to', nowMs),
      everyMs: everyOption(options),
      limit: numberOption(options, 'limit', { min: 1, max: 1000 }),
    };
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) if (value !== undefined) query.set(name, String(value));
    const report = await (await api()).call<Report>('GET', `/coverage?${query.toString()}`, { signal: interrupted });
    if (terminal.json) terminal.object(report);
    else print(terminal, report, asked.rule);
    return 0;
  },
};

function print(terminal: Terminal, { lines, unparsed }: Report, rule: string | undefined): void {
  if (lines.length > 0) terminal.table(COLUMNS, lines);
  else
    terminal.line(
      rule === undefined ? 'Every rule has looked at every event it asks for.' : 'No event has come in that the rule asks for.',
    );
  for (const { source, code, records } of unparsed)
    terminal.note(`${visible(source)}: ${sayMany(records, 'record')} could not be read (${code}); no rule saw them.`);
  const [first] = lines.filter((line) => line.evaluated + line.caughtUp < line.events);
  if (first !== undefined) terminal.hint(`\nJudge again what was missed: tocsin catch-up --rule ${visible(rule ?? first.rule)}`);
}

function sayMissed(line: Line): string {
  return MISSED.flatMap(([name, words]) => (line[name] === 0 ? [] : [`${sayCount(Number(line[name]))} ${words}`])).join(', ');
}

/** A time in milliseconds since 1970. @throws cli.bad_option */
function timeOf(options: GivenOptions, name: string, nowMs: number): number | undefined {
  const given = timeOption(options, name, nowMs);
  return given === undefined ? undefined : Date.parse(given);
}

/** @throws cli.bad_option */
function everyOption(options: GivenOptions): number | undefined {
  const given = textOption(options, 'every');
  if (given === undefined) return undefined;
  const spanMs = parseDuration(given);
  if (spanMs !== undefined && spanMs >= 60_000) return Math.round(spanMs);
  throw new TocsinError('cli.bad_option', { option: '--every', given, wants: 'a span of at least 1m, such as 1h' });
}
