/** Every node of valid documents replaced by everything it should not be: the document is read or refused by name, and nothing else happens. */
import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import { parseRules } from './parse-rules.ts';

const head = {
  title: 'T',
  id: 'r',
  name: 'n',
  status: 'test',
  description: 'd',
  author: 'a',
  references: ['x'],
  tags: ['attack.t1059'],
  level: 'high',
  falsepositives: ['f'],
};
const logsource = { product: 'test', category: 'c', service: 's' };

const documents: Readonly<Record<string, object>> = {
  rule: {
    ...head,
    logsource,
    detection: {
      sel: {
        a: 'x',
        'b|contains|all': ['y', 'z'],
        'c|re|i': '^x',
        'd|cidr': ['10.0.0.0/8'],
        'e|gte': 3,
        'f|exists': true,
        'g|fieldref': 'h',
        'i|expand': '%p%',
      },
      list: [{ a: 1 }, { b: null }],
      words: ['k', 'l'],
      times: { 't|hour|gte': 22, 'u|base64offset|contains': 'abc', 'v|windash': '-x' },
      condition: 'sel or 1 of l* or words',
      timeframe: '5m',
    },
    tests: [{ name: 'one', event: { a: 'x' }, expect: 'match' }],
  },
  correlation: {
    ...head,
    correlation: {
      type: 'event_count',
      rules: ['good'],
      'group-by': ['a'],
      timespan: '5m',
      condition: { gte: 3 },
      aliases: { a: { good: 'b' } },
      generate: true,
    },
    tests: [
      {
        name: 'two',
        events: [{ time: '2026-01-01T00:00:00Z', event: { a: 1 } }],
        watermark: '2026-01-02T00:00:00Z',
        expect: { alerts: 0 },
      },
    ],
  },
  filter: {
    ...head,
    logsource: { product: 'test' },
    filter: { rules: ['good'], selection: { a: 1, 'b|endswith': ['x'] }, condition: 'not selection' },
  },
  aggregation: { ...head, logsource, detection: { sel: { a: 1 }, timeframe: '1h', condition: 'sel | count() by a > 3' } },
  placeholders: { placeholders: { p: ['x', 'y*'], q: 'z' } },
  repeated: { action: 'repeat', ...head, detection: { s: { a: 2 } } },
};

const GOOD = 'title: Good\nid: good\nlogsource: { product: test }\ndetection:\n  s: { a: 1 }\n  condition: s\n';
const LONG = 'l'.repeat(70_000);
const wrong: readonly unknown[] = [
  null,
  0,
  -1.5,
  true,
  '',
  'x',
  '|',
  '%',
  LONG,
  [],
  ['x'],
  [[]],
  [null],
  {},
  { x: 1 },
  { '': '' },
  { __proto__: null, constructor: [1] },
];

/** Paths of all nodes below the root. */
function pathsOf(node: unknown, path: readonly string[] = []): string[][] {
  if (node === null || typeof node !== 'object') return [];
  return Object.entries(node).flatMap(([key, inner]) => [[...path, key], ...pathsOf(inner, [...path, key])]);
}

function replaced(root: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(root)) return root.map((inner: unknown, index) => (String(index) === key ? replaced(inner, rest, by) : inner));
  return Object.fromEntries(
    Object.entries(root as object).map(([name, inner]) => [name, name === key ? replaced(inner, rest, by) : (inner as unknown)]),
  );
}

function renamed(root: unknown, [key, ...rest]: readonly string[], to: string): unknown {
  if (Array.isArray(root)) return root.map((inner: unknown, index) => (String(index) === key ? renamed(inner, rest, to) : inner));
  return Object.fromEntries(
    Object.entries(root as object).map(([name, inner]) =>
      name !== key ? [name, inner as unknown] : rest.length === 0 ? [to, inner as unknown] : [name, renamed(inner, rest, to)],
    ),
  );
}

function check(document: unknown, what: string): void {
  const text = `${GOOD}---\n${JSON.stringify(document)}\n---\n${GOOD.replace('id: good', 'id: behind')}`;
  const { rules, refused, filters } = parseRules([{ path: 'mutated.yml', text }]);
  const ids = rules.map((rule) => rule.meta.id);
  expect(ids, what).toContain('behind');
  // A rule that serves a refused correlation alone is left out with it, and says so.
  const served = refused.some((one) => one.rule === 'good' && one.reason.startsWith('it serves the correlation'));
  expect(ids.includes('good') || served, what).toBe(true);
  for (const one of refused) {
    expect(one.error.code, what).toMatch(/^detect\.(bad_|unsupported|duplicate_rule)/);
    expect(
      [one.line, one.column].every((place) => place >= 1),
      what,
    ).toBe(true);
    expect(one.error.message.length, what).toBeLessThan(3000);
  }
  expect(rules.length + refused.length + filters.length, what).toBeLessThanOrEqual(5);
  const route = compileRules(rules, [logSource({ services: ['s'], categories: ['c'] })]).route('test');
  route?.view.show({ a: 'x', b: ['y', null], c: { d: 1 }, t: '2026-01-01T23:00:00Z' });
  for (const detection of route?.detections ?? []) if (detection.test()) detection.explain();
}

describe('documents that are wrong somewhere', () => {
  it.each(Object.keys(documents))(
    '%s: every value replaced',
    (name) => {
      const document = documents[name];
      for (const path of pathsOf(document)) {
        for (const by of wrong) check(replaced(document, path, by), `${name} ${path.join('.')} = ${JSON.stringify(by).slice(0, 60)}`);
      }
      for (const by of wrong) check(by, `${name} = ${JSON.stringify(by).slice(0, 60)}`);
    },
    60_000,
  );

  it.each(Object.keys(documents))(
    '%s: every key renamed',
    (name) => {
      const document = documents[name];
      for (const path of pathsOf(document)) {
        for (const to of ['', '__proto__', 'a|nonsense', '|all', '|', LONG, 'condition', 'correlation', 'filter', 'action'])
          check(renamed(document, path, to), `${name} ${path.join('.')} renamed ${to.slice(0, 20)}`);
      }
    },
    60_000,
  );
});
