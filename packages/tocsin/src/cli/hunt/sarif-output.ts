/** Findings as SARIF 2.1.0 (OASIS standard), which code hosts and viewers read: one run, one result per finding. */

import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { RuleMetadata } from '@tocsin/detect/judge';
import { type Finding, type FindingPlace, hostOf, isoTime, timeOf, userOf } from '../../hunt/finding.ts';
import { visibleJson } from '../visible-text.ts';
import type { HuntOutput, OutputContext } from './hunt-output.ts';
import type { HuntReport } from './hunt-report.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
/** SARIF's three words for Sigma's five. */
const LEVELS = { informational: 'note', low: 'note', medium: 'warning', high: 'error', critical: 'error' } as const;
/** Most places shown with one result. */
const MAX_PLACES = 10;

/** One log. Results come first, as they are found; the rules they name follow. */
export function sarifOutput({ terminal, version }: OutputContext): HuntOutput {
  const rules = new Map<string, { index: number; rule: RuleMetadata }>();
  let separator = '';
  terminal.line(`{"$schema":"${SCHEMA}","version":"2.1.0","runs":[{"results":[`);
  const print = (value: unknown): string => visibleJson(JSON.stringify(value));
  return {
    detail: 'full',
    add: (finding) => {
      const known = rules.get(finding.rule.id) ?? { index: rules.size, rule: finding.rule };
      rules.set(finding.rule.id, known);
      terminal.line(`${separator}${print(resultOf(finding, known.index))}`);
      separator = ',';
    },
    end: (report) => {
      const driver = { name: 'Tocsin', semanticVersion: version, rules: [...rules.values()].map(({ rule }) => descriptorOf(rule)) };
      terminal.line(`],"tool":${print({ driver })},"columnKind":"utf16CodeUnits","invocations":${print([invocationOf(report)])}}]}`);
    },
  };
}

function resultOf(finding: Finding, ruleIndex: number): object {
  const host = hostOf(finding);
  const places = finding.kind === 'match' ? [finding.place] : finding.places.slice(0, MAX_PLACES);
  const matched = finding.explanation.map(({ field, value }) => `${field} is ${value}`).join('; ');
  const text = [finding.rule.title, host === undefined ? '' : `on ${host}`].filter((part) => part !== '').join(' ');
  return {
    ruleId: finding.rule.id,
    ruleIndex,
    level: LEVELS[finding.rule.level],
    message: { text: matched === '' ? `${text}.` : `${text}: ${matched}.` },
    locations: places.map(locationOf),
    properties: {
      sigmaLevel: finding.rule.level,
      time: isoTime(timeOf(finding)),
      host,
      user: userOf(finding),
      ...(finding.kind === 'match' ? {} : { count: finding.count, groupBy: finding.groupBy }),
    },
  };
}

function locationOf({ file, line }: FindingPlace): object {
  return { physicalLocation: { artifactLocation: { uri: uriOf(file) }, region: { startLine: line } } };
}

function uriOf(file: string): string {
  if (isAbsolute(file)) return pathToFileURL(file).href;
  return file.split('/').map(encodeURIComponent).join('/');
}

function descriptorOf(rule: RuleMetadata): object {
  const helpUri = rule.references.find((reference) => /^https?:/.test(reference) && URL.canParse(reference));
  return {
    id: rule.id,
    shortDescription: { text: rule.title },
    fullDescription: { text: rule.description === '' ? rule.title : rule.description },
    ...(helpUri === undefined ? {} : { helpUri: new URL(helpUri).href }),
    defaultConfiguration: { level: LEVELS[rule.level] },
    // Code hosts sort by this one: 0 … 10.
    properties: {
      tags: [...new Set(rule.tags)],
      techniques: rule.techniques,
      author: rule.author,
      'security-severity': (rule.score / 10).toFixed(1),
    },
  };
}

function invocationOf({ tally, rulesRefused }: HuntReport): object {
  const notes = [
    ...rulesRefused.map(({ file, line, reason }) => notification(`Rule left out: ${reason}`, { file, line })),
    ...tally.failedFiles.map(({ file, reason }) => notification(`Not read: ${reason}`, { file, line: 1 })),
    ...tally.unread.map(({ file, line, reason }) => notification(`Not read: ${reason}`, { file, line })),
  ];
  return { executionSuccessful: tally.failedFiles.length === 0, toolExecutionNotifications: notes };
}

function notification(text: string, place: FindingPlace): object {
  return { level: 'warning', message: { text }, locations: [locationOf(place)] };
}
