/** Findings as tables for people: what was found where, then by technique and by host, then the figures. */
import type { RuleMetadata } from '@tocsin/detect/judge';
import { type Finding, hostOf, placeOf, timeOf } from '../../hunt/finding.ts';
import { severityStyle } from '../alerts/severity-style.ts';
import { sayBytes, sayCount, sayMany, saySpan, sayTime } from '../figures.ts';
import type { Column, Terminal } from '../terminal.ts';
import type { HuntOutput, OutputContext } from './hunt-output.ts';
import type { HuntReport } from './hunt-report.ts';

/** Rows of each table that are printed, and groups that are told apart at all. */
const MAX_ROWS = 40;
const MAX_GROUP_ROWS = 12;
const MAX_GROUPS = 100_000;

/** Findings of one rule on one host. */
interface Row {
  readonly rule: RuleMetadata;
  readonly host: string;
  count: number;
  firstMs: number | undefined;
  readonly where: string;
}

/** Tables, printed at the end. */
export function tableOutput({ terminal }: OutputContext): HuntOutput {
  const rows = new Map<string, Row>();
  let untold = 0;
  return {
    detail: 'place',
    add: (finding) => {
      if (!addTo(rows, finding)) untold += 1;
    },
    end: (report) => {
      const sorted = [...rows.values()].sort(byWeight);
      printRows(terminal, sorted, untold);
      printTechniques(terminal, sorted);
      printHosts(terminal, sorted);
      printFigures(terminal, report, sorted);
    },
  };
}

function addTo(rows: Map<string, Row>, finding: Finding): boolean {
  const host = hostOf(finding) ?? '';
  const key = `${finding.rule.id}\n${host}`;
  const timeMs = timeOf(finding);
  const row = rows.get(key);
  if (row !== undefined) {
    row.count += 1;
    if (timeMs !== undefined && timeMs < (row.firstMs ?? Number.POSITIVE_INFINITY)) row.firstMs = timeMs;
    return true;
  }
  if (rows.size >= MAX_GROUPS) return false;
  const place = placeOf(finding);
  rows.set(key, { rule: finding.rule, host, count: 1, firstMs: timeMs, where: place === undefined ? '' : `${place.file}:${place.line}` });
  return true;
}

function byWeight(a: Row, b: Row): number {
  return (
    b.rule.severity - a.rule.severity ||
    b.count - a.count ||
    (a.rule.title < b.rule.title ? -1 : a.rule.title > b.rule.title ? 1 : a.host < b.host ? -1 : 1)
  );
}

function printRows(terminal: Terminal, rows: readonly Row[], untold: number): void {
  if (rows.length === 0) return;
  terminal.table<Row>(
    [
      { title: 'LEVEL', value: (row) => row.rule.level, least: 8, style: (row) => severityStyle(row.rule.severity) },
      { title: 'RULE', value: (row) => row.rule.title, least: 24 },
      { title: 'TECHNIQUE', value: (row) => row.rule.techniques.join(' ') },
      { title: 'HOST', value: (row) => row.host },
      { title: 'HITS', value: (row) => sayCount(row.count), right: true, least: 4 },
      { title: 'FIRST', value: (row) => (row.firstMs === undefined ? '' : sayTime(row.firstMs)), least: 20 },
      { title: 'WHERE', value: (row) => row.where, keep: 'end' },
    ],
    rows.slice(0, MAX_ROWS),
  );
  const left = rows.length - MAX_ROWS + untold;
  if (left > 0) terminal.line(`and ${sayCount(left)} more: --output ndjson lists every match`);
}

interface Group {
  readonly name: string;
  hits: number;
  readonly rules: Set<string>;
  readonly hosts: Set<string>;
  worst: RuleMetadata;
}

function groupBy(rows: readonly Row[], namesOf: (row: Row) => readonly string[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    for (const name of new Set(namesOf(row))) {
      const group = groups.get(name) ?? { name, hits: 0, rules: new Set(), hosts: new Set(), worst: row.rule };
      groups.set(name, group);
      group.hits += row.count;
      group.rules.add(row.rule.id);
      if (row.host !== '') group.hosts.add(row.host);
      if (row.rule.severity > group.worst.severity) group.worst = row.rule;
    }
  }
  return [...groups.values()].sort((a, b) => b.worst.severity - a.worst.severity || b.hits - a.hits || (a.name < b.name ? -1 : 1));
}

function printTechniques(terminal: Terminal, rows: readonly Row[]): void {
  const groups = groupBy(rows, (row) => row.rule.techniques);
  printGroups(terminal, groups, {
    title: 'TECHNIQUE',
    more: [{ title: 'HOSTS', value: (group) => sayCount(group.hosts.size), right: true }],
  });
}

function printHosts(terminal: Terminal, rows: readonly Row[]): void {
  const groups = groupBy(rows, (row) => (row.host === '' ? [] : [row.host]));
  printGroups(terminal, groups, { title: 'HOST', more: [] });
}

function printGroups(
  terminal: Terminal,
  groups: readonly Group[],
  { title, more }: { title: string; more: readonly Column<Group>[] },
): void {
  if (groups.length === 0) return;
  terminal.line();
  terminal.table<Group>(
    [
      { title, value: (group) => group.name, least: 12 },
      { title: 'HIGHEST', value: (group) => group.worst.level, style: (group) => severityStyle(group.worst.severity) },
      { title: 'HITS', value: (group) => sayCount(group.hits), right: true },
      { title: 'RULES', value: (group) => sayCount(group.rules.size), right: true },
      ...more,
    ],
    groups.slice(0, MAX_GROUP_ROWS),
  );
  if (groups.length > MAX_GROUP_ROWS) terminal.line(`and ${sayCount(groups.length - MAX_GROUP_ROWS)} more`);
}

function printFigures(terminal: Terminal, report: HuntReport, rows: readonly Row[]): void {
  const { tally, rulesLoaded, rulesRefused, files, bytes, runSeconds } = report;
  const rules = new Set(rows.map((row) => row.rule.id)).size;
  if (rows.length > 0) terminal.line();
  const found =
    tally.matches === 0
      ? 'nothing was found'
      : `${tally.matches === 1 ? '1 match' : `${sayCount(tally.matches)} matches`} of ${sayMany(rules, 'rule')}`;
  terminal.line(
    `${sayMany(tally.events, 'event')} in ${sayMany(files, 'file')} (${sayBytes(bytes)}): ${found}${tally.unparsed === 0 ? '' : `; ${sayMany(tally.unparsed, 'record')} could not be read`}`,
  );
  const refused = rulesRefused.length === 0 ? '' : `, ${sayCount(rulesRefused.length)} refused`;
  terminal.line(
    `${sayMany(rulesLoaded, 'rule')}${refused}; ${saySpan(runSeconds * 1000)}, ${sayCount(tally.events / Math.max(runSeconds, 0.001))} events/s`,
  );
}
