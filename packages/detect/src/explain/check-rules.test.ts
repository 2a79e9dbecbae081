import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { checkRules } from './check-rules.ts';
import type { RuleCheckup, SourceFacts } from './rule-checkup.ts';

const facts = (mapping: string, categories: string[], fixed: SourceFacts['fixed'] = {}): SourceFacts => ({
  logSource: logSource({ mapping, categories, aliases: { Image: ['NewProcessName'] } }),
  fixed,
  mapped: new Set(['User']),
});
const sources = [
  facts('proc', ['process_creation'], { EventID: [1] }),
  facts('proc2', ['process_creation'], { EventID: [4688] }),
  facts('any', []),
];

function check(detection: object, wanted: object = { product: 'test', category: 'process_creation' }, among = sources): RuleCheckup {
  const { rules, refused } = parseRules([{ path: 'r.yml', text: JSON.stringify({ title: 'r', id: 'r', logsource: wanted, detection }) }]);
  const [checkup] = checkRules(rules, among);
  if (checkup === undefined) throw new Error(refused[0]?.reason);
  return checkup;
}

describe('a rule that could never fire', () => {
  it.each<[string, object, string]>([
    ['asks a field for two values at once', { s: { 'f|all': ['a', 'b'] }, condition: 's' }, 'contradiction'],
    ['asks a field twice', { s: { f: 'a', 'f|startswith': 'b' }, condition: 's' }, 'contradiction'],
    ['asks for a number and less', { s: { f: '5', 'f|gt': 5 }, condition: 's' }, 'contradiction'],
    ['asks two selections for different values', { a: { f: 'a' }, b: { f: ['b', 'c'] }, condition: 'a and b' }, 'constant_false'],
    ['asks for what it excludes', { s: { f: 1, g: 2 }, n: { f: 1 }, condition: 's and not n' }, 'constant_false'],
    [
      'excludes more than it asks for',
      { s: { f: 'C:\\a.exe' }, n: { 'f|endswith': '\\a.exe' }, condition: 's and not n' },
      'constant_false',
    ],
    ['asks for a thing and its opposite', { s: { f: 1 }, condition: 's and not s' }, 'constant_false'],
    ['waits for values', { s: { 'f|expand': '%names%' }, condition: 's' }, 'needs_values'],
    ['asks for an event id that its sources do not have', { s: { EventID: 4625 }, condition: 's' }, 'no_fitting_source'],
  ])('%s', (_, detection, code) => {
    const { canFire, never } = check(detection);
    expect(canFire).toBe(false);
    expect(never.map((reason) => reason.code)).toEqual([code]);
  });

  it('has no source', () => {
    const { never } = check({ s: { f: 1 }, condition: 's' }, { product: 'cisco', service: 'aaa' });
    expect(never).toEqual([{ code: 'no_log_source', detail: 'no source sends events of product cisco, service aaa' }]);
  });
});

describe('a rule that can fire', () => {
  it.each<[string, object]>([
    ['has alternatives of which one is possible', { s: [{ 'f|all': ['a', 'b'] }, { f: 'c' }], condition: 's' }],
    ['has a filter that takes a part', { s: { 'f|endswith': '.exe' }, n: { f: 'a.exe' }, condition: 's and not n' }],
    ['asks one field for parts', { s: { 'f|contains|all': ['a', 'b'] }, condition: 's' }],
    ['asks different selections, one of them', { a: { f: 'a' }, b: { f: 'b' }, condition: '1 of them' }],
    ['compares a field with another', { s: { 'f|fieldref': 'g', f: 'a' }, condition: 's' }],
    ['has the event id of one source', { s: { EventID: '4688' }, condition: 's' }],
    [
      'has many selections',
      Object.fromEntries([...Array.from({ length: 40 }, (_, i) => [`s${i}`, { f: i }]), ['condition', 'all of them']]),
    ],
  ])('%s', (_, detection) => {
    expect(check(detection)).toMatchObject({ canFire: true, never: [], doubts: [] });
  });

  it('says which sources can feed it and which of its fields they have', () => {
    const seen = [{ ...sources[0], seen: new Set(['CommandLine']) } as SourceFacts, ...sources.slice(1)];
    const { sources: feeding, canFire } = check(
      { s: { EventID: 1, Image: 'a', User: 'u', CommandLine: 'c', Nothing: 1 }, condition: 's' },
      undefined,
      seen,
    );
    expect(canFire).toBe(true);
    expect(feeding).toEqual([
      { mapping: 'proc', fields: { EventID: 'not_seen', Image: 'mapped', User: 'mapped', CommandLine: 'seen', Nothing: 'not_seen' } },
      {
        mapping: 'proc2',
        barred: 'EventID is 4688',
        fields: { EventID: 'unknown', Image: 'mapped', User: 'mapped', CommandLine: 'unknown', Nothing: 'unknown' },
      },
    ]);
  });

  it('is doubted where every event satisfies it, or no event has its fields', () => {
    expect(check({ s: { f: 1 }, condition: 's or not s' }).doubts[0]).toMatch(/true whatever the event holds/);
    const seen = sources.map((source) => ({ ...source, seen: new Set<string>() }));
    expect(check({ s: { f: 1 }, condition: 's' }, undefined, seen).doubts).toEqual(['no event looked at has f']);
  });
});

describe('a correlation', () => {
  const correlation = (condition: object, detection: object): RuleCheckup | undefined => {
    const base = { title: 'b', id: 'b', logsource: { product: 'test' }, detection };
    const counted = { title: 'c', id: 'c', correlation: { type: 'event_count', rules: ['b'], timespan: '1m', condition } };
    const { rules } = parseRules([base, counted].map((rule, i) => ({ path: `${i}.yml`, text: JSON.stringify(rule) })));
    return checkRules(rules, sources)[1];
  };
  it('fires where the rules it counts can: one that no number satisfies is not read at all', () => {
    expect(correlation({ gte: 5 }, { s: { f: 1 }, condition: 's' })).toMatchObject({ canFire: true });
    expect(correlation({ gte: 5 }, { s: { f: 1 }, condition: 's and not s' })?.never[0]).toMatchObject({ code: 'constant_false' });
  });
});
