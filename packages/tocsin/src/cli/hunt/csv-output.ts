/** Findings as CSV (RFC 4180) for spreadsheets: no cell can begin a formula or steer a terminal. */

import { type Finding, hostOf, isoTime, placeOf, timeOf, userOf } from '../../hunt/finding.ts';
import { visible } from '../visible-text.ts';
import type { HuntOutput, OutputContext } from './hunt-output.ts';

const COLUMNS: readonly (readonly [title: string, value: (finding: Finding) => string | number | undefined])[] = [
  ['time', (finding) => isoTime(timeOf(finding))],
  ['kind', (finding) => finding.kind],
  ['level', (finding) => finding.rule.level],
  ['title', (finding) => finding.rule.title],
  ['techniques', (finding) => finding.rule.techniques.join(' ')],
  ['host', hostOf],
  ['user', userOf],
  ['count', (finding) => (finding.kind === 'match' ? 1 : finding.count)],
  ['matched', (finding) => finding.explanation.map(({ field, value }) => `${field}=${value}`).join('; ')],
  ['file', (finding) => placeOf(finding)?.file],
  ['line', (finding) => placeOf(finding)?.line],
  ['rule', (finding) => finding.rule.id],
];

/** A line of titles, then one line per finding. */
export function csvOutput({ terminal }: OutputContext): HuntOutput {
  terminal.line(COLUMNS.map(([title]) => title).join(','));
  return {
    detail: 'full',
    add: (finding) => terminal.line(COLUMNS.map(([, value]) => cell(value(finding))).join(',')),
    end: () => undefined,
  };
}

function cell(value: string | number | undefined): string {
  if (value === undefined || typeof value === 'number') return String(value ?? '');
  const text = visible(value);
  // A spreadsheet takes these for the start of a formula (OWASP, "CSV Injection").
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
