/** One alert in full: what, who, when, why, on which evidence, what was done. Everything in it comes from outside and is made visible. */
import type { Alert, AlertAct } from '@tocsin/core';
import type { ExplainedCondition, ExplainedRule } from '@tocsin/detect/explain';
import { sayMany, sayTime } from '../figures.ts';
import { conditionTree } from '../rules/explanation-tree.ts';
import type { Terminal } from '../terminal.ts';
import { printTree } from '../tree.ts';
import { visible } from '../visible-text.ts';
import { severityStyle, severityWord } from './severity-style.ts';

/** An original event behind an alert, as the API answers it. */
export interface EvidenceRecord {
  readonly source: string;
  readonly eventId: string;
  readonly time: string;
  readonly sha256: string;
  readonly from: 'log' | 'excerpt' | 'gone';
  readonly record: string;
  readonly verified: boolean;
}

/** Why the events matched, as the API answers it. */
export interface AlertExplanation {
  readonly ruleSet: 'same' | 'other';
  readonly explanations: readonly (ExplainedRule & { readonly eventId: string })[];
}

/** All there is to tell. */
export interface Story {
  readonly alert: Alert;
  readonly history: readonly AlertAct[];
  readonly evidence: readonly EvidenceRecord[];
  readonly why: AlertExplanation;
}

const ACTS: Readonly<Record<AlertAct['kind'], string>> = {
  acknowledge: 'acknowledged',
  resolve: 'resolved',
  'false-positive': 'marked as false positive',
  reopen: 'reopened',
};
/** Characters of a record that are shown. */
const SHOWN_RECORD = 4000;

/** Prints the story. */
export function printStory(terminal: Terminal, { alert, history, evidence, why }: Story): void {
  const { rule } = alert;
  terminal.line(
    `${terminal.style(severityStyle(alert.severity), severityWord(alert.severity).toUpperCase())}  ${terminal.style('bold', visible(rule.title))}`,
  );
  facts(terminal, [
    ['alert', `${alert.id} · ${alert.status.replace('_', ' ')}${alert.origin === 'live' ? '' : ` · from ${alert.origin}`}`],
    ['about', alert.entities.map((entity) => `${entity.kind} ${entity.value}`).join(' · ') || '-'],
    [
      'when',
      `${sayTime(alert.firstMs)}${alert.lastMs === alert.firstMs ? '' : ` to ${sayTime(alert.lastMs)}`} · ${sayMany(alert.count, 'event')}`,
    ],
    [
      'grouped',
      Object.entries(alert.groupBy)
        .map(([field, value]) => `${field} = ${value}`)
        .join(' · ') || '-',
    ],
    ['score', `${alert.score} of 100`],
    ['rule', `${rule.id}${rule.author === undefined ? '' : ` by ${rule.author}`} · version ${rule.version.slice(0, 12)}`],
    ['ATT&CK', rule.techniques.join(' · ') || '-'],
  ]);
  printWhy(terminal, alert, why);
  section(terminal, 'What to do', alert.advice.trim() === '' ? [] : alert.advice.trim().split('\n'));
  section(terminal, 'References', rule.references);
  printEvidence(terminal, alert, evidence);
  section(
    terminal,
    'History',
    history.map((act) => `${sayTime(act.atMs)}  ${ACTS[act.kind]} by ${act.actor}${act.note === undefined ? '' : `: ${act.note}`}`),
  );
}

/** The condition over the first event, as `tocsin rules explain` shows it; where its record is gone, what was noted when it matched. */
function printWhy(terminal: Terminal, { explanation }: Alert, { ruleSet, explanations }: AlertExplanation): void {
  const [first] = explanations;
  const noted = first === undefined ? explanation : explanation.filter(({ selection }) => !namesOf(first.condition).has(selection));
  if (first !== undefined) {
    terminal.line();
    terminal.line(
      `${terminal.style('bold', 'Why')} ${terminal.style('dim', `event ${visible(first.eventId)}${ruleSet === 'same' ? '' : ', by the rules of now'}`)}`,
    );
    printTree(terminal, conditionTree(terminal, first.condition), '  ');
  }
  section(
    terminal,
    first === undefined ? 'Why' : 'And',
    noted.map((each) => `${each.selection}: ${each.field} is ${JSON.stringify(each.value)}, which fits ${JSON.stringify(each.pattern)}`),
  );
}

/** Search identifiers of a condition. */
function namesOf(node: ExplainedCondition): ReadonlySet<string> {
  if (node.kind === 'selection') return new Set([node.name]);
  return new Set((node.kind === 'not' ? [node.part] : node.parts).flatMap((part) => [...namesOf(part)]));
}

function facts(terminal: Terminal, rows: readonly (readonly [name: string, text: string])[]): void {
  for (const [name, text] of rows) terminal.line(`  ${terminal.style('dim', name.padEnd(8))} ${visible(text)}`);
}

function section(terminal: Terminal, title: string, lines: readonly string[]): void {
  if (lines.length === 0) return;
  terminal.line();
  terminal.line(terminal.style('bold', title));
  for (const line of lines) terminal.line(`  ${visible(line)}`);
}

function printEvidence(terminal: Terminal, alert: Alert, evidence: readonly EvidenceRecord[]): void {
  terminal.line();
  terminal.line(terminal.style('bold', `Evidence (first ${evidence.length} of ${sayMany(alert.count, 'event')})`));
  for (const each of evidence) {
    terminal.line(`  ${visible(each.time)}  ${terminal.style('cyan', visible(each.source))}  ${visible(each.eventId)}`);
    terminal.line(`  ${sayHash(terminal, each)}`);
    for (const line of prettyRecord(each.record).split('\n')) terminal.line(`    ${visible(line)}`);
  }
}

function sayHash(terminal: Terminal, { sha256, from, verified }: EvidenceRecord): string {
  const hash = `SHA-256 ${visible(sha256)}`;
  if (from === 'gone') return terminal.style('yellow', `${hash} · the record is no longer kept`);
  if (verified)
    return terminal.style(
      'green',
      `✓ ${hash} · as it was matched, ${from === 'log' ? 'read from the log' : 'from the copy kept with the alert'}`,
    );
  return from === 'excerpt'
    ? terminal.style('yellow', `${hash} · only its beginning is kept, which the hash cannot prove`)
    : terminal.style('red', `✗ ${hash} · the bytes are not those that were matched`);
}

/** A JSON record over several lines, anything else as it is; long ones cut. */
function prettyRecord(record: string): string {
  const text = prettyJson(record) ?? record;
  return text.length > SHOWN_RECORD ? `${text.slice(0, SHOWN_RECORD)}…` : text;
}

function prettyJson(text: string): string | undefined {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return undefined; // no JSON, such as a syslog line
  }
}
