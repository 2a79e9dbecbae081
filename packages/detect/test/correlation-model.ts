/** Random matches in an order of arrival, as steps for the folds and as hits for the oracle. */
import type { Alert, Match, MatchStep } from '@tocsin/core';
import fc from 'fast-check';
import { compileRules } from '../src/compile/compile-rules.ts';
import type { CompiledRules } from '../src/compile/compiled-rules.ts';
import { LATENESS_MS } from '../src/correlate/fold.ts';
import { parseRules } from '../src/parse/parse-rules.ts';
import { stepOf } from './fold-steps.ts';
import type { Found, Hit, Section } from './oracle/correlations.ts';
import { logSource, position } from './test-sources.ts';

/** A rule set of plain rules a, b, c and correlations by name; JSON is YAML. */
export function correlations(sections: Readonly<Record<string, Section>>): CompiledRules {
  const base = ['a', 'b', 'c'].map((name) => ({
    title: name,
    id: name,
    name,
    logsource: { product: 'test' },
    detection: { s: { f: name }, condition: 's' },
  }));
  const over = Object.entries(sections).map(([name, correlation]) => ({ title: name, id: name, name, correlation }));
  const text = [...base, ...over].map((one) => JSON.stringify(one)).join('\n---\n');
  const { rules, refused } = parseRules([{ path: 'model.yml', text }]);
  if (refused[0] !== undefined) throw refused[0].error;
  return compileRules(rules, [logSource()]);
}

/** One event of a model run: the rules that hold for it, when it happened and how much later it came. */
export interface ModelEvent {
  readonly timeMs: number;
  readonly delayMs: number;
  readonly rules: readonly string[];
  readonly fields: Readonly<Record<string, string>>;
}

/** Watermark behind everything. */
export const FAR_MS = 100_000_000;

/** Events on a grid of ten seconds, so that windows end and begin exactly at events; each at most the lateness behind. */
export function modelEvents(most = 40): fc.Arbitrary<ModelEvent[]> {
  const event = fc.record({
    timeMs: fc.integer({ min: 1, max: 90 }).map((tens) => tens * 10_000),
    delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: LATENESS_MS })),
    rules: fc.subarray(['a', 'b', 'c'], { minLength: 1 }),
    fields: fc.record(
      { k: fc.constantFrom('x', 'x', 'y'), v: fc.constantFrom('1', '2', '3', '-1.5', '0.25', '40'), w: fc.constantFrom('p', 'q') },
      { requiredKeys: ['k', 'v', 'w'] },
    ),
  });
  return fc.array(event, { minLength: 1, maxLength: most });
}

/** The events' hits for the oracle. */
export function hitsOfEvents(events: readonly ModelEvent[]): Hit[] {
  return events.flatMap(({ timeMs, rules, fields }, index) => rules.map((rule) => ({ rule, event: `e${index}`, timeMs, fields })));
}

/** The events as steps in the order of their arrival, each with the watermark of before; the last says that time has come far. */
export function modelSteps(events: readonly ModelEvent[]): MatchStep[] {
  const arriving = events.map((event, index) => ({ event, index, atMs: event.timeMs + event.delayMs })).sort((a, b) => a.atMs - b.atMs);
  let watermark = 0;
  const steps = arriving.map(({ event, index }) => {
    const step = stepOf(
      event.rules.map((rule) => matchOf(rule, event, index)),
      watermark,
    );
    watermark = Math.max(watermark, event.timeMs);
    return step;
  });
  return [...steps, stepOf([], FAR_MS)];
}

function matchOf(ruleId: string, { timeMs, fields }: ModelEvent, index: number): Match {
  return {
    ruleId,
    tenant: 'acme',
    timeMs,
    receivedMs: timeMs + 5,
    evidence: { source: 'src', eventId: `e${index}`, timeMs, sha256: '', at: { position: position(`p${index}`), index: 0 } },
    group: fields,
    entities: [{ kind: 'host', value: 'h1' }],
    explanation: [],
  };
}

/** What alerts and the oracle's episodes have in common, to be compared. */
export function showAlerts(alerts: Iterable<Alert>, ruleId: string): string[] {
  return [...alerts]
    .filter(({ rule }) => rule.id === ruleId)
    .map(({ groupBy, firstMs, lastMs, count }) => `${Object.values(groupBy).join()} ${firstMs}-${lastMs} ${count}`)
    .sort();
}

/** See `showAlerts`. */
export function showFound(found: readonly Found[]): string[] {
  return found.map(({ group, firstMs, lastMs, events }) => `${group.join()} ${firstMs}-${lastMs} ${events}`).sort();
}
