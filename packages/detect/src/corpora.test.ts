/** The engine over public rules and recordings: what must load, what must match, and what must not. Skipped where they are not there. */
import type { Fields } from '@tocsin/core';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { hasCorpora, ndjson, ruleArchive } from '../test/corpora.ts';
import { evaluateRule, type OracleEvent, type Rule } from '../test/oracle/evaluate.ts';
import { routedServices, sourceOfEvent } from '../test/windows-routing.ts';
import { compileRules } from './compile/compile-rules.ts';
import type { CompiledRules } from './compile/compiled-rules.ts';
import { parseRules } from './parse/parse-rules.ts';
import type { DetectionRule } from './parse/parsed-rule.ts';

interface Pair {
  readonly rule_id: string;
  readonly expected_min_matches: number;
  readonly events: readonly Fields[];
}

interface Expected {
  readonly file: string;
  readonly rule_id: string;
  readonly matches: number;
  readonly first_lines: readonly number[];
}

/** Where the counts were made otherwise: `ApplicationPath: null` was taken to hold for "" too, which the specification keeps apart. */
const COUNTED_OTHERWISE = ['cde0a575-7d3d-4a49-9817-b8004a7bf105'];

const FILES = [
  'sigma-evtx-mitre/events.ndjson.gz',
  'windows-otrf/events/lateral_movement__empire_psexec_dcerpc_tcp_svcctl.ndjson.gz',
  'windows-otrf/events/defense_evasion__empire_launcher_sct_regsvr32.ndjson.gz',
];

describe.skipIf(!hasCorpora)('public rules and recordings', () => {
  const files = hasCorpora ? ruleArchive('sigma-rules/sigmahq-rules.tar.gz') : [];
  const { rules, refused } = parseRules(files);

  it('loads at least 99 of 100 public rules and says why of the rest', () => {
    expect(files.length).toBeGreaterThan(3000);
    expect(rules.length / files.length).toBeGreaterThan(0.99);
    for (const one of refused) expect(one.error.message).toContain(`${one.path}:${one.line}:`);
  });

  it('matches what the rules were published with', () => {
    const pairs = ndjson('sigma-regression/pairs.ndjson.gz') as Pair[];
    const ownRules = parseRules(ruleArchive('sigma-regression/rules.tar.gz')).rules;
    const missed = pairs.filter(
      (pair) =>
        matchesOf(
          pair,
          ownRules.filter((rule) => rule.kind === 'detection'),
        ) < pair.expected_min_matches,
    );
    expect(pairs.length).toBeGreaterThan(100);
    expect(missed.map((pair) => pair.rule_id)).toEqual([]);
  });

  it.each(FILES)(
    'finds in %s what an independent evaluator found',
    (file) => {
      const events = (ndjson(file) as Fields[]).map((event) => (event['event'] ?? event) as Fields);
      const compiled = compileRules(rules, [
        ...new Map(events.map((event) => [sourceOfEvent(event).mapping, sourceOfEvent(event)])).values(),
      ]);
      const comparable = new Set(
        rules
          .filter((rule) => rule.kind === 'detection')
          .filter((rule) => rule.logSource.category !== undefined || routedServices.includes(rule.logSource.service ?? ''))
          .filter((rule) => !COUNTED_OTHERWISE.includes(rule.meta.id))
          .map((rule) => rule.meta.id),
      );
      const expected = (ndjson('sigma-expected-matches/windows.ndjson.gz') as Expected[]).filter(
        (one) => one.file === file && comparable.has(one.rule_id),
      );
      const wanted = Object.fromEntries(expected.map((one) => [one.rule_id, one.matches]));
      expect(countMatches(compiled, events, comparable)).toEqual(wanted);
      expect(expected.length).toBeGreaterThan(10);
    },
    60_000,
  );

  it('agrees with the oracle on public rules over recorded events', () => {
    const events = (ndjson(FILES[1] as string) as Fields[]).filter((_, index) => index % 97 === 0).slice(0, 60);
    const byPath = new Map(files.map((file) => [file.path, file.text]));
    let compared = 0;
    for (const event of events) {
      const logSource = sourceOfEvent(event);
      const route = compileRules(rules, [logSource]).route(logSource.mapping);
      route?.view.show(event);
      for (const { rule, test } of route?.detections ?? []) {
        expect(test(), `${rule.meta.id} ${rule.meta.title}`).toBe(
          evaluateRule(load(byPath.get(rule.location.path) as string) as Rule, event as OracleEvent),
        );
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  }, 60_000);
});

function matchesOf(pair: Pair, rules: readonly DetectionRule[]): number {
  const rule = rules.filter((one) => one.meta.id === pair.rule_id);
  return pair.events.filter((event) => {
    const logSource = sourceOfEvent(event);
    const route = compileRules(rule, [logSource]).route(logSource.mapping);
    route?.view.show(event);
    return route?.detections.some((detection) => detection.test()) === true;
  }).length;
}

function countMatches(compiled: CompiledRules, events: readonly Fields[], among: ReadonlySet<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of events) {
    const route = compiled.route(sourceOfEvent(event).mapping);
    route?.view.show(event);
    for (const { rule, test } of route?.detections ?? []) {
      if (among.has(rule.meta.id) && test()) counts[rule.meta.id] = (counts[rule.meta.id] ?? 0) + 1;
    }
  }
  return counts;
}
