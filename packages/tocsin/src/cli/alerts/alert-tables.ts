/** Alerts as tables and single lines. */
import type { Alert } from '@tocsin/core';
import { sayCount, sayTime } from '../figures.ts';
import type { Column, Terminal } from '../terminal.ts';
import { shorten, shortenStart, visible } from '../visible-text.ts';
import { entityOf, type FoundAlert, groupOf, techniqueOf } from './alert-facts.ts';
import { severityStyle, severityWord } from './severity-style.ts';

/** Characters of an alert's id that listings show; commands take any beginning that is unique. */
export const SHORT_ID = 8;

/** Columns that a host or user takes at most in a line of its alert. */
const ABOUT_WIDTH = 36;

const FOUND: readonly Column<FoundAlert>[] = [
  { title: 'SEVERITY', value: (row) => severityWord(row.severity), style: (row) => severityStyle(row.severity) },
  { title: 'RULE', value: (row) => row.title, least: 30 },
  { title: 'TECHNIQUE', value: (row) => row.technique, least: 9 },
  { title: 'HOST', value: (row) => row.host ?? '-' },
  { title: 'USER', value: (row) => row.user ?? '-', keep: 'end' },
  { title: 'ALERTS', value: (row) => sayCount(row.alerts), right: true },
  { title: 'COUNT', value: (row) => sayCount(row.count), right: true },
];

const LISTED: readonly Column<Alert>[] = [
  { title: 'ID', value: (alert) => alert.id.slice(0, SHORT_ID) },
  { title: 'SEVERITY', value: (alert) => severityWord(alert.severity), style: (alert) => severityStyle(alert.severity) },
  { title: 'STATUS', value: (alert) => alert.status.replace('_', ' ') },
  { title: 'LAST', value: (alert) => sayTime(alert.lastMs), least: 20 },
  { title: 'RULE', value: (alert) => alert.rule.title, least: 30 },
  { title: 'ABOUT', value: groupOf, keep: 'end' },
  { title: 'COUNT', value: (alert) => sayCount(alert.count), right: true },
];

/** What was found, a row per rule, host and user. */
export function printFound(terminal: Terminal, rows: readonly FoundAlert[]): void {
  terminal.table(FOUND, rows);
}

/** Alerts one by one; in a pipe with their whole ids. */
export function printAlerts(terminal: Terminal, alerts: readonly Alert[]): void {
  const [id, ...rest] = LISTED;
  terminal.table(terminal.interactive || !id ? LISTED : [{ ...id, value: (alert) => alert.id }, ...rest], alerts);
}

/** An alert as one line, as it appears. */
export function printAlertLine(terminal: Terminal, alert: Alert): void {
  const severity = terminal.style(severityStyle(alert.severity), severityWord(alert.severity).padEnd(8));
  const about = [entityOf(alert, 'host'), entityOf(alert, 'user')].filter((value) => value !== null);
  const said = about.length > 0 ? about : [groupOf(alert)];
  const short = terminal.interactive ? said.map((value) => shortenStart(visible(value), ABOUT_WIDTH)) : said.map(visible);
  const text = `${visible(techniqueOf(alert).padEnd(9))}  ${visible(alert.rule.title)} · ${short.join(' · ')}`;
  terminal.line(`${severity}  ${terminal.interactive ? shorten(text, Math.max(20, terminal.columns - 11)) : text}`);
}
