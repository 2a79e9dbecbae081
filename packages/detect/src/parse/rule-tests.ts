/** The `tests` block that a rule may carry (Tocsin's extension): events and what the rule must make of them. Run by `test-rule.ts`. */
import type { Fields } from '@tocsin/core';
import { RuleFault } from './rule-fault.ts';
import { entry, isYamlMap, type YamlMap } from './yaml-map.ts';

/** A test of a rule about single events. */
export interface EventTest {
  readonly kind: 'event';
  readonly name: string;
  readonly event: Fields;
  readonly expectMatch: boolean;
}

/** A test of a correlation: events in time, and how many alerts (episodes over all groups) come of them. */
export interface SequenceTest {
  readonly kind: 'sequence';
  readonly name: string;
  readonly events: readonly { readonly timeMs: number; readonly event: Fields }[];
  /** How far event time is known to have come; by default the latest event's time. */
  readonly watermarkMs: number | undefined;
  readonly expectAlerts: number;
}

/** A rule's own test. */
export type RuleTest = EventTest | SequenceTest;

const MAX_TESTS = 200;
const MAX_EVENTS = 2000;

/** Tests of a rule document; none where it has no block. @throws RuleFault detect.bad_rule */
export function readTests(document: YamlMap): RuleTest[] {
  const block = entry(document, 'tests');
  if (block === undefined || block === null) return [];
  if (!Array.isArray(block)) throw new RuleFault('detect.bad_rule', 'tests is no list', ['tests']);
  if (block.length > MAX_TESTS) throw new RuleFault('detect.bad_rule', `it has more than ${MAX_TESTS} tests`, ['tests']);
  return block.map((test: unknown, index) => readTest(test, index));
}

function readTest(test: unknown, index: number): RuleTest {
  const path = ['tests', index];
  if (!isYamlMap(test)) throw new RuleFault('detect.bad_rule', 'a test is no map', path);
  const given = entry(test, 'name');
  const name = (typeof given === 'string' ? given : `test ${index + 1}`).slice(0, 256);
  const expect = entry(test, 'expect');
  const event = entry(test, 'event');
  if (isYamlMap(event)) {
    if (expect !== 'match' && expect !== 'no_match')
      throw new RuleFault('detect.bad_rule', `test "${name}" expects neither match nor no_match`, path);
    return { kind: 'event', name, event, expectMatch: expect === 'match' };
  }
  return readSequence(test, name, path);
}

function readSequence(test: YamlMap, name: string, path: readonly (string | number)[]): SequenceTest {
  const expect = entry(test, 'expect');
  const events = entry(test, 'events');
  const alerts = isYamlMap(expect) ? entry(expect, 'alerts') : undefined;
  if (!Array.isArray(events) || events.length > MAX_EVENTS)
    throw new RuleFault('detect.bad_rule', `test "${name}" has neither an event nor a list of at most ${MAX_EVENTS} events`, path);
  if (typeof alerts !== 'number' || !Number.isInteger(alerts) || alerts < 0)
    throw new RuleFault('detect.bad_rule', `test "${name}" says no number of alerts`, path);
  const watermark = entry(test, 'watermark');
  return {
    kind: 'sequence',
    name,
    events: events.map((one: unknown, at) => readTimed(one, [...path, 'events', at])),
    watermarkMs: watermark === undefined ? undefined : readTime(watermark, [...path, 'watermark']),
    expectAlerts: alerts,
  };
}

function readTimed(timed: unknown, path: readonly (string | number)[]): { timeMs: number; event: Fields } {
  const event = isYamlMap(timed) ? entry(timed, 'event') : undefined;
  if (!isYamlMap(timed) || !isYamlMap(event))
    throw new RuleFault('detect.bad_rule', 'an event of a test lacks its time or its fields', path);
  return { timeMs: readTime(entry(timed, 'time'), path), event };
}

function readTime(time: unknown, path: readonly (string | number)[]): number {
  const timeMs = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  if (Number.isNaN(timeMs)) throw new RuleFault('detect.bad_rule', `${JSON.stringify(time)} is no ISO 8601 time`, path);
  return timeMs;
}
