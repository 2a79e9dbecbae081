// node oracle/check-rules.ts                    runs every shipped rule's own tests
// node oracle/check-rules.ts hits FILE...       hits per rule over files (.ndjson[.gz], .log[.gz])
// node oracle/check-rules.ts expect FOLDER      the alerts of one recording, as JSON for its expected.json

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decodeAuthLine } from './auth-line.ts';
import * as oracle from './evaluate.ts';
import { belongs, type LogSource, withAliases } from './logsource.ts';

type RuleTest = {
  name: string;
  event?: oracle.OracleEvent;
  events?: oracle.TimedEvent[];
  watermark?: string;
  expect: string | { alerts: number };
};
type Document = oracle.Rule &
  oracle.CorrelationRule & { file: string; logsource: LogSource; tags?: string[]; level?: string; tests?: RuleTest[] };
type Hit = {
  rule: string;
  title: string;
  technique: string;
  host: string | null;
  user: string | null;
  entity: string;
  count: number;
  alerts: number;
};

const RULES = join(import.meta.dirname, '..', 'rules');
const YEAR_OF_AUTH_LOG = 2017;

const documents = readdirSync(RULES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.yml'))
  .sort()
  .flatMap((file) => oracle.parseRules(readFileSync(join(RULES, file), 'utf8')).map((one) => ({ ...(one as object), file }) as Document));
const byReference = new Map(
  documents.flatMap((one) => [one.id, (one as { name?: string }).name].filter(Boolean).map((key) => [key as string, one])),
);
const isBase = new Set(
  documents
    .filter((one) => one.correlation && !(one.correlation as { generate?: boolean }).generate)
    .flatMap((one) => [one.correlation.rules].flat().map((reference) => find(reference).id)),
);
const plain = documents.filter((one) => one.detection);
const correlations = documents.filter((one) => one.correlation);

const [mode, ...args] = process.argv.slice(2);
if (mode === 'hits') for (const file of args) printHits(file);
else if (mode === 'expect') console.log(JSON.stringify(alertsOf(readRecording(args[0] as string)), null, 2));
else runTests();

function find(reference: string): Document {
  const found = byReference.get(reference);
  if (!found) throw new Error(`no rule ${reference}`);
  return found;
}

/** The rule as the correlation sees it: log source and detection together. */
function matches(rule: Document, event: oracle.OracleEvent): boolean {
  return belongs(event, rule.logsource) && oracle.evaluateRule(rule, withAliases(event));
}

function runTests(): void {
  let run = 0;
  const problems: string[] = [];
  for (const one of documents) {
    const outcomes = (one.tests ?? []).map((test) => {
      try {
        return outcome(one, test);
      } catch (error) {
        return { name: `${test.name}: ${(error as Error).message}`, want: 'an answer', got: 'a refusal', positive: false };
      }
    });
    run += outcomes.length;
    outcomes.forEach(({ want, got, name }) => want === got || problems.push(`${one.file}: ${name}: want ${want}, got ${got}`));
    if (!outcomes.some(({ positive }) => positive)) problems.push(`${one.file}: ${one.title}: no test that matches`);
    if (!outcomes.some(({ positive }) => !positive)) problems.push(`${one.file}: ${one.title}: no test that does not match`);
  }
  const ids = documents.map((one) => one.id);
  if (new Set(ids).size !== ids.length) problems.push('two rules share an id');
  console.log(`${documents.length} rules (${correlations.length} correlations), ${run} tests, ${problems.length} problems`);
  problems.forEach((problem) => console.log(`  ${problem}`));
  process.exitCode = problems.length === 0 ? 0 : 1;
}

function outcome(one: Document, test: RuleTest): { name: string; want: string; got: string; positive: boolean } {
  if (one.correlation) {
    const wanted = (test.expect as { alerts: number }).alerts;
    const got = correlate(one, test.events ?? [], test.watermark).length;
    return { name: test.name, want: String(wanted), got: String(got), positive: wanted > 0 };
  }
  // A test event of a plain rule need not carry what only routes it (Channel, program): the rule's detection is under test.
  const got = oracle.evaluateRule(one, withAliases(test.event as oracle.OracleEvent)) ? 'match' : 'no_match';
  return { name: test.name, want: String(test.expect), got, positive: test.expect === 'match' };
}

function correlate(one: Document, events: readonly oracle.TimedEvent[], watermark?: string): oracle.CorrelationAlert[] {
  const base = [one.correlation.rules].flat().map(find);
  const members = events
    .filter(({ event }) => base.some((rule) => matches(rule, event)))
    .map((timed) => ({ ...timed, event: withAliases(timed.event) }));
  const latest = watermark ?? new Date(Math.max(...events.map(({ time }) => Date.parse(time)))).toISOString();
  return oracle.evaluateCorrelation(one, find, members, latest);
}

function readRecording(path: string): oracle.TimedEvent[] {
  const file =
    path.includes('.gz') || path.endsWith('json') || path.endsWith('.log')
      ? path
      : join(path, readdirSync(path).find((name) => name.endsWith('.gz')) as string);
  const bytes = readFileSync(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes)
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (file.includes('.log')) return lines.flatMap((line) => decodeAuthLine(line, YEAR_OF_AUTH_LOG) ?? []);
  return lines.map((line) => {
    const event = JSON.parse(line) as oracle.OracleEvent;
    const time = event['@timestamp'] ?? event['eventTime'] ?? event['TimeCreated'] ?? event['EventTime'];
    const iso = String(time).replace(/^(\S+) (\S+)$/, '$1T$2Z');
    return { time: Number.isNaN(Date.parse(iso)) ? '1970-01-01T00:00:00Z' : iso, event };
  });
}

/** Plain hits grouped by (rule, entity), and one entry per group of each correlation that fires. */
function alertsOf(events: readonly oracle.TimedEvent[]): Hit[] {
  const hits = new Map<string, Hit>();
  for (const { event } of events) {
    for (const rule of plain) {
      if (isBase.has(rule.id) || !matches(rule, event)) continue;
      const entity = entityOf(event);
      const key = JSON.stringify([rule.id, entity.entity]);
      const hit = hits.get(key) ?? { ...about(rule), ...entity, count: 0, alerts: 1 };
      hits.set(key, { ...hit, count: hit.count + 1, user: hit.user ?? entity.user });
    }
  }
  for (const rule of correlations) {
    for (const alert of correlate(rule, events)) {
      const entity = alert.group.join(' ');
      const key = JSON.stringify([rule.id, entity]);
      const hit = hits.get(key) ?? { ...about(rule), host: null, user: null, entity, count: 0, alerts: 0 };
      hits.set(key, { ...hit, count: hit.count + alert.events, alerts: hit.alerts + 1 });
    }
  }
  return [...hits.values()].sort((a, b) => (a.title + a.entity < b.title + b.entity ? -1 : 1));
}

function about(rule: Document): { rule: string; title: string; technique: string } {
  const technique = (rule.tags ?? []).find((tag) => /^attack\.t\d/.test(tag)) ?? '';
  return { rule: rule.id as string, title: rule.title, technique: technique.replace('attack.', '').toUpperCase() };
}

function entityOf(event: oracle.OracleEvent): { host: string | null; user: string | null; entity: string } {
  const text = (...names: string[]): string | null => names.map((name) => oracle.fieldText(event, name)).find((value) => value) ?? null;
  if (event['Channel'])
    return entity(text('Hostname', 'Computer'), text('User', 'SubjectUserName', 'AccountName'), text('Hostname', 'Computer'));
  if (event['eventName']) return entity(null, text('userIdentity.arn'), text('userIdentity.arn', 'sourceIPAddress'));
  return entity(text('host'), text('user'), event['program'] === 'sshd' ? text('src_ip', 'host') : text('host'));
}

function entity(
  host: string | null,
  user: string | null,
  key: string | null,
): { host: string | null; user: string | null; entity: string } {
  return { host, user, entity: key ?? 'unknown' };
}

function printHits(file: string): void {
  const events = readRecording(file);
  const alerts = alertsOf(events);
  const perRule = new Map<string, [hits: number, groups: number]>();
  for (const { title, count } of alerts) perRule.set(title, [(perRule.get(title)?.[0] ?? 0) + count, (perRule.get(title)?.[1] ?? 0) + 1]);
  console.log(`${file}: ${events.length} events, ${perRule.size} rules, ${alerts.length} alerts`);
  for (const [title, [count, groups]] of perRule)
    console.log(`  ${String(count).padStart(6)} hits ${String(groups).padStart(4)} entities  ${title}`);
}
