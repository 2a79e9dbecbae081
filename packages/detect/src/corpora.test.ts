/** The engine over public rules and recordings: what must load, what must match, and what must not. Skipped where they are not there. */
import type { Fields } from '@tocsin/core';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { corpusText, hasCorpora, ndjson, needsCorpora, ruleArchive } from '../test/corpora.ts';
import { explainedDifferences } from '../test/explained-matches.data.ts';
import { evaluateRule, type OracleEvent, type Rule } from '../test/oracle/evaluate.ts';
import { sourceOfEvent } from '../test/windows-routing.ts';
import { compileRules } from './compile/compile-rules.ts';
import type { Route } from './compile/compiled-rules.ts';
import { parseRules } from './parse/parse-rules.ts';
import type { DetectionRule, ParsedRule } from './parse/parsed-rule.ts';

interface Pair {
  readonly rule_id: string;
  readonly expected_min_matches: number;
  readonly events: readonly Fields[];
}

interface Expected {
  readonly file: string;
  readonly rule_id: string;
  readonly matches: number;
}

interface Counted {
  readonly file: string;
  readonly events: number;
}

/** Recordings with more events are left to `TOCSIN_CORPORA_ALL=1`, which takes minutes. */
const MAX_EVENTS = process.env['TOCSIN_CORPORA_ALL'] === '1' ? Number.POSITIVE_INFINITY : 1000;
/** Recordings whose products no source of ours reads; and events that stand inside another object. */
const ELSEWHERE = /^saas-cloud-audit\//;

describe('public rules', () => {
  needsCorpora();
  const archive = (path: string): ReturnType<typeof parseRules> & { files: number } => {
    const files = ruleArchive(path);
    return { ...parseRules(files), files: files.length };
  };

  it('of SigmaHQ are all loaded; those with placeholders wait for values', () => {
    const { files, rules, refused } = archive('sigma-rules/sigmahq-rules.tar.gz');
    expect(refused.map((one) => one.error.message)).toEqual([]);
    expect([files, rules.length]).toEqual([3164, 3164]);
    expect(rules.filter((rule) => rule.kind === 'detection' && rule.needsValues.length > 0).length).toBe(23);
  });

  it('of a second author are loaded or refused one by one, by name and place', () => {
    const { files, refused } = archive('sigma-evtx-mitre/rules.tar.gz');
    for (const one of refused) expect(one.error.message).toMatch(/^.+\.ya?ml:\d+:\d+: /);
    // What hangs on which types of correlation there are is counted where those are tested.
    const ownFaults = refused.filter(
      ({ error, reason }) => error.code !== 'detect.bad_correlation' && !reason.startsWith('correlations of type'),
    );
    expect(countBy(ownFaults, ({ error }) => error.code)).toEqual({
      'detect.bad_yaml': 18,
      'detect.bad_rule': 25,
      'detect.bad_condition': 4,
      'detect.bad_modifier': 1,
      'detect.bad_value': 1,
      'detect.duplicate_rule': 1,
      'detect.unsupported': 3,
    });
    expect(files).toBe(213);
  });
});

describe('public recordings', () => {
  needsCorpora();
  const files = hasCorpora ? ruleArchive('sigma-rules/sigmahq-rules.tar.gz') : [];
  const { rules } = parseRules(files);
  const routeOf = routes(rules);

  it('of the rules that were published with them match: 122 rules, 152 events', () => {
    const pairs = ndjson('sigma-regression/pairs.ndjson.gz') as Pair[];
    const ownRules = parseRules(ruleArchive('sigma-regression/rules.tar.gz')).rules;
    const missed = pairs.filter((pair) => matchesOf(pair, ownRules) < pair.expected_min_matches);
    expect(missed.map((pair) => pair.rule_id)).toEqual([]);
    expect([pairs.length, pairs.flatMap((pair) => pair.events).length]).toEqual([122, 152]);
  });

  const expected = hasCorpora
    ? (['windows', 'cloud-saas-network'].flatMap((name) => ndjson(`sigma-expected-matches/${name}.ndjson.gz`)) as Expected[])
    : [];
  const counted = hasCorpora ? (JSON.parse(corpusText('sigma-expected-matches/files.json')) as Counted[]) : [];
  const small = [...new Set(counted.filter(({ file, events }) => events <= MAX_EVENTS && !ELSEWHERE.test(file)).map(({ file }) => file))];
  const loaded = new Set(rules.map((rule) => rule.meta.id));
  const explained = new Set(explainedDifferences.map(({ rule }) => rule));
  const seenExplained = new Set<string>();

  it.each(small)(
    'in %s hold the matches that an independent evaluator found, but for those explained',
    (file) => {
      const got = countMatches(routeOf, ndjson(file) as Fields[]);
      const wanted = Object.fromEntries(
        expected.filter((one) => one.file === file && loaded.has(one.rule_id)).map((one) => [one.rule_id, one.matches]),
      );
      const differing = [...new Set([...Object.keys(got), ...Object.keys(wanted)])].filter((id) => got[id] !== wanted[id]);
      for (const id of differing) seenExplained.add(id);
      expect(differing.filter((id) => !explained.has(id)).map((id) => [id, got[id], wanted[id]])).toEqual([]);
    },
    120_000,
  );

  it('differ where it is explained, and nowhere else', () => {
    expect(small.length).toBeGreaterThan(15);
    expect(countMatches(routeOf, ndjson('sigma-evtx-mitre/events.ndjson.gz') as Fields[])).toMatchObject(
      Object.fromEntries([...explained].map((id) => [id, expect.any(Number) as number])),
    );
    expect([...seenExplained].filter((id) => !explained.has(id))).toEqual([]);
  }, 60_000);

  it('agree with the oracle', () => {
    const events = (ndjson('windows-otrf/events/lateral_movement__empire_psexec_dcerpc_tcp_svcctl.ndjson.gz') as Fields[]).filter(
      (_, index) => index % 97 === 0,
    );
    const byPath = new Map(files.map((file) => [file.path, file.text]));
    let compared = 0;
    for (const event of events.slice(0, 60)) {
      const route = routeOf(event);
      route?.view.show(event);
      for (const { rule, test } of route?.detections ?? []) {
        const read = load(byPath.get(rule.location.path) as string) as Rule;
        expect(test(), `${rule.meta.id} ${rule.meta.title}`).toBe(evaluateRule(read, event as OracleEvent));
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1000);
  }, 60_000);
});

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

/** Routes compiled once per log source. */
function routes(rules: readonly ParsedRule[]): (event: Fields) => Route | undefined {
  const known = new Map<string, Route | undefined>();
  return (event) => {
    const logSource = sourceOfEvent(event);
    if (!known.has(logSource.mapping)) known.set(logSource.mapping, compileRules(rules, [logSource]).route(logSource.mapping));
    return known.get(logSource.mapping);
  };
}

function matchesOf(pair: Pair, rules: readonly ParsedRule[]): number {
  const routeOf = routes(rules.filter((one): one is DetectionRule => one.meta.id === pair.rule_id && one.kind === 'detection'));
  return Object.values(countMatches(routeOf, pair.events)).reduce((sum, count) => sum + count, 0);
}

/** Matches per rule; an event may stand under `event`. */
function countMatches(routeOf: (event: Fields) => Route | undefined, events: readonly Fields[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const given of events) {
    const event = (given['event'] ?? given) as Fields;
    const route = routeOf(event);
    route?.view.show(event);
    for (const { rule, test } of route?.detections ?? []) if (test()) counts[rule.meta.id] = (counts[rule.meta.id] ?? 0) + 1;
  }
  return counts;
}
