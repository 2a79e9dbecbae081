/**
 * Runs the tests that a rule carries in its file. A rule about single events is judged by itself: routing is not under test, so its events
 * need not say where they come from. A correlation runs over its rules with the folds that run in production.
 */
import { type Alert, type EventPosition, type Fields, type LogSource, type Match, type Position, sourceKey } from '@tocsin/core';
import { compileDetection } from './compile/compile-detection.ts';
import { compileRules, routesTo } from './compile/compile-rules.ts';
import { EventView, isScalar } from './compile/event-view.ts';
import { LATENESS_MS } from './correlate/fold.ts';
import { createFoldSet } from './correlate/fold-set.ts';
import type { CorrelationRule, DetectionRule, ParsedRule } from './parse/parsed-rule.ts';
import { indexByReference } from './parse/rule-references.ts';
import type { EventTest, SequenceTest } from './parse/rule-tests.ts';

/** Outcome of one test. */
export interface RuleTestResult {
  readonly ruleId: string;
  readonly title: string;
  readonly test: string;
  readonly passed: boolean;
  /** What was expected and what came, in words. */
  readonly detail: string;
}

/** What a rule is tested among. */
export interface TestRuleOptions {
  /** All rules of the set: a correlation finds its rules here. */
  readonly rules: readonly ParsedRule[];
  readonly logSources: readonly LogSource[];
  /** Id of the mapping that would read an event; where it is not given, or gives none, every log source that the rule asks for is tried. */
  mappingOf?: ((event: Fields) => string | undefined) | undefined;
}

/** Results of a rule's own tests, in order; none where it has none. */
export function testRule(rule: ParsedRule, options: TestRuleOptions): RuleTestResult[] {
  return rule.tests.map((test) => {
    const named = { ruleId: rule.meta.id, title: rule.meta.title, test: test.name };
    if (rule.kind === 'detection' && test.kind === 'event') return { ...named, ...judgeEvent(rule, test, options) };
    if (rule.kind === 'correlation' && test.kind === 'sequence') return { ...named, ...judgeSequence(rule, test, options) };
    return {
      ...named,
      passed: false,
      detail: rule.kind === 'detection' ? 'a plain rule is tested with event' : 'a correlation is tested with events',
    };
  });
}

type Judgement = Pick<RuleTestResult, 'passed' | 'detail'>;

function judgeEvent(rule: DetectionRule, test: EventTest, options: TestRuleOptions): Judgement {
  const matched = matchingView(rule, test.event, options) !== undefined;
  const word = (matches: boolean): string => (matches ? 'match' : 'no match');
  return { passed: matched === test.expectMatch, detail: `expected ${word(test.expectMatch)}, got ${word(matched)}` };
}

/** View of the first log source under which the rule matches the event. */
function matchingView(rule: DetectionRule, event: Fields, options: TestRuleOptions): EventView | undefined {
  const mapping = options.mappingOf?.(event);
  const routed = options.logSources.filter(
    (logSource) => routesTo(rule.logSource, logSource) && (mapping === undefined || logSource.mapping === mapping),
  );
  const candidates = mapping === undefined && routed.length === 0 ? [undefined] : routed;
  for (const logSource of candidates) {
    const view = new EventView(logSource);
    view.show(event);
    if (compileDetection(rule, view).test()) return view;
  }
  return undefined;
}

const TENANT = 'test';
const SOURCE = 'test';

function judgeSequence(rule: CorrelationRule, test: SequenceTest, options: TestRuleOptions): Judgement {
  const below = rulesBelow(rule, indexByReference(options.rules));
  const base = below.filter((one) => one.kind === 'detection');
  const chain = below.filter((one) => one.kind === 'correlation');
  const compiled = compileRules([...base, ...[...chain, rule].map((one) => ({ ...one, generate: false }))], options.logSources);
  const matches = test.events.flatMap(({ timeMs, event }, index) =>
    base.flatMap((one) => {
      const view = matchingView(one, event, options);
      const at: EventPosition = { position: 'test' as Position, index };
      return view === undefined ? [] : [matchOf(one, { timeMs, at, group: groupOf(view, compiled.groupFields.get(one.meta.id) ?? []) })];
    }),
  );
  const latestMs = Math.max(0, ...test.events.map((event) => event.timeMs));
  const counted = rule.type === 'absence' ? latestMs : latestMs + settlingMs([...chain, rule]);
  const alerts = runFolds(compiled, { matches, watermarkMs: test.watermarkMs ?? counted });
  return { passed: alerts === test.expectAlerts, detail: `expected ${test.expectAlerts} alerts, got ${alerts}` };
}

/** Everything a correlation stands on. */
function rulesBelow(rule: CorrelationRule, byReference: ReadonlyMap<string, ParsedRule>): ParsedRule[] {
  const found = new Set<ParsedRule>();
  const waiting = [rule];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    for (const reference of [...one.references, ...one.without]) {
      const next = byReference.get(reference);
      if (next === undefined || found.has(next)) continue;
      found.add(next);
      if (next.kind === 'correlation') waiting.push(next);
    }
  }
  return [...found];
}

/** Event time after which a chain of correlations has decided everything. */
function settlingMs(chain: readonly CorrelationRule[]): number {
  return chain.reduce((sum, one) => sum + one.timespanMs + one.suppressMs + LATENESS_MS + 1, 0);
}

function runFolds(compiled: ReturnType<typeof compileRules>, input: { matches: readonly Match[]; watermarkMs: number }): number {
  const step = { partition: 0, epoch: 'test', read: {}, ruleSet: compiled.ruleSetHash, judged: 0, duplicates: 0 };
  const folds = createFoldSet(compiled);
  const alerts: Alert[] = [
    ...folds.advance({ ...step, matches: input.matches, watermarks: {} }),
    ...folds.advance({ ...step, matches: [], watermarks: { [sourceKey(TENANT, SOURCE)]: input.watermarkMs } }),
  ];
  return new Set(alerts.map((alert) => alert.id)).size;
}

function matchOf(rule: DetectionRule, { timeMs, at, group }: { timeMs: number; at: EventPosition; group: Match['group'] }): Match {
  return {
    ruleId: rule.meta.id,
    tenant: TENANT,
    timeMs,
    receivedMs: timeMs,
    evidence: { source: SOURCE, eventId: String(at.index), timeMs, sha256: '', at },
    group,
    entities: [{ kind: 'source', value: SOURCE }],
    explanation: [],
  };
}

function groupOf(view: EventView, fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    fields.flatMap((field) => {
      const first = view.slot(field).read().values[0];
      return isScalar(first) ? [[field, String(first)]] : [];
    }),
  );
}
