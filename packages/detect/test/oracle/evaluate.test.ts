// The oracle's own answers, pinned from the specification by hand: rows of (detection line, event, want).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { evaluateCorrelation, evaluateRule, type Json, type OracleEvent, OracleRefusal, type Rule } from './evaluate.ts';
import { matchByTable, matchPattern, parsePattern } from './pattern.ts';

const rule = (detection: object): Rule => ({ title: 't', detection: detection as Rule['detection'] });
const line = (key: string, value: Json, event: OracleEvent): boolean => evaluateRule(rule({ s: { [key]: value }, condition: 's' }), event);

const ROWS: readonly [key: string, value: Json, event: OracleEvent, want: boolean][] = [
  ['F', 'abc', { F: 'ABC' }, true],
  ['F|cased', 'abc', { F: 'ABC' }, false],
  ['F', 'STRASSE', { F: 'straße' }, false],
  ['F', 'ÄRGER', { F: 'ärger' }, true],
  ['F', 'a*c', { F: 'a\nc' }, true],
  ['F', 'a?c', { F: 'ac' }, false],
  ['F', 'a\\*c', { F: 'a*c' }, true],
  ['F', 'a\\*c', { F: 'abc' }, false],
  ['F', 'a\\\\*', { F: 'a\\b' }, true],
  ['F', 'a\\b', { F: 'a\\b' }, true],
  ['F|endswith', '\\cmd.exe', { F: 'C:\\Windows\\CMD.EXE' }, true],
  ['F|startswith', 'a', { F: 'ba' }, false],
  ['F|contains|all', ['a', 'b'], { F: 'xbxa' }, true],
  ['F|contains|all', ['a', 'c'], { F: 'ab' }, false],
  ['F', [1, 2], { F: '2' }, true],
  ['F', '1', { F: 1 }, true],
  ['F', true, { F: 'True' }, true],
  ['F', 'a', { F: ['b', 'A'] }, true],
  ['F', null, {}, true],
  ['F', null, { F: null }, true],
  ['F', null, { F: '' }, false],
  ['F', '', { F: '' }, true],
  ['F', '', {}, false],
  ['F|exists', true, { F: null }, true],
  ['F|exists', false, { F: null }, false],
  ['F|neq', 'a', { F: 'b' }, true],
  ['F|neq', 'a', {}, true],
  ['F|neq', ['a', 'b'], { F: 'b' }, false],
  ['F|lt', 5, { F: '4' }, true],
  ['F|gte', 5, { F: 5 }, true],
  ['F|gt', 5, { F: 'x' }, false],
  ['F|lte', 5, { F: '' }, false],
  ['F|cidr', '10.0.0.0/8', { F: '10.255.0.1' }, true],
  ['F|cidr', '10.0.0.0/8', { F: '11.0.0.1' }, false],
  ['F|cidr', '10.0.0.0/8', { F: '::ffff:10.1.1.1' }, true],
  ['F|cidr', 'fe80::/10', { F: 'fe80::1%eth0' }, true],
  ['F|cidr', '2001:db8::/33', { F: '2001:db8:8000::1' }, false],
  ['F|cidr', '10.0.0.0/8', { F: 'n/a' }, false],
  ['F|re', '^a.c$', { F: 'abc' }, true],
  ['F|re', 'ABC', { F: 'abc' }, false],
  ['F|re|i', 'ABC', { F: 'abc' }, true],
  ['F|re', 'a.c', { F: 'a\nc' }, false],
  ['F|re|s', 'a.c', { F: 'a\nc' }, true],
  ['F|re|m', '^c', { F: 'a\nc' }, true],
  ['F|base64', 'foo', { F: 'Zm9v' }, true],
  ['F|base64offset|contains', 'http://', { F: Buffer.from('x http://a').toString('base64') }, true],
  ['F|wide|base64offset|contains', 'IEX', { F: Buffer.from('  IEX (', 'utf16le').toString('base64') }, true],
  ['F|utf16|base64', 'a', { F: '//5hAA==' }, true],
  ['F|utf16be|base64', 'a', { F: 'AGE=' }, true],
  ['F|contains|windash', ' -enc', { F: 'x /enc y' }, true],
  ['F|contains|windash', ' -enc', { F: 'x —enc y' }, true],
  ['F|contains|windash', 'a-b', { F: 'a/b' }, false],
  ['F|fieldref', 'G', { F: 'x', G: 'X' }, true],
  ['F|fieldref', 'G', { F: 'x' }, false],
  ['F|fieldref|startswith', 'G', { F: 'xyz', G: 'xy' }, true],
  ['a.b', 1, { a: { b: 1 } }, true],
  ['a.b', 1, { 'a.b': 1 }, true],
  ['a.b.c', 1, { a: { 'b.c': 1 } }, true],
  ['a.b', 2, { a: [{ b: 1 }, { b: 2 }] }, true],
  ['F|hour', 13, { F: '2026-01-01T13:59:00Z' }, true],
  ['F|hour|gte', 14, { F: '2026-01-01T13:59:00Z' }, false],
];

test('lines of a detection', () => {
  for (const [key, value, event, want] of ROWS)
    assert.equal(line(key, value, event), want, `${key}: ${JSON.stringify(value)} on ${JSON.stringify(event)}`);
});

test('conditions', () => {
  const event = { A: 1, B: 2 };
  const parts = { a1: { A: 1 }, a2: { A: 9 }, b: { B: 2 }, _c: { B: 9 } };
  const want: Record<string, boolean> = {
    'a2 and b or a1': true,
    'a1 or b and a2': true,
    '(a1 or b) and a2': false,
    'not a2 and b': true,
    'not (a1 and b)': false,
    'not not a1': true,
    '1 of a*': true,
    'all of a*': false,
    '2 of them': true,
    '3 of them': false,
    'any of a*': true,
    'ALL OF b AND a1': true,
    'not 1 of _c*': true,
  };
  for (const [condition, expected] of Object.entries(want))
    assert.equal(evaluateRule(rule({ ...parts, condition }), event), expected, condition);
  assert.equal(evaluateRule(rule({ ...parts, condition: ['a2', 'b'] }), event), true);
});

test('keywords and lists', () => {
  const event = { x: 'Evil Service', n: { deep: 4711 }, flag: true };
  assert.equal(evaluateRule(rule({ k: ['nothing', 'evil'], condition: 'k' }), event), true);
  assert.equal(evaluateRule(rule({ k: [4711], condition: 'k' }), event), true);
  assert.equal(evaluateRule(rule({ k: ['true'], condition: 'k' }), event), false);
  assert.equal(evaluateRule(rule({ k: { '|all': ['evil', 'service'] }, condition: 'k' }), event), true);
  assert.equal(evaluateRule(rule({ k: { '|all': ['evil', 'absent'] }, condition: 'k' }), event), false);
  assert.equal(evaluateRule(rule({ k: [{ x: 'no' }, { 'n.deep': 4711 }], condition: 'k' }), event), true);
});

test('what is not understood is refused', () => {
  for (const [key, value] of [
    ['F|nonsense', 'a'],
    ['F|expand', '%who%'],
    ['F|lt', 'a'],
    ['F|cidr', '10.0.0.0/40'],
    ['F|base64', 'a*'],
    ['F', []],
  ] as [string, Json][])
    assert.throws(() => line(key, value, { F: '1' }), OracleRefusal, key);
  for (const condition of ['s and', 's or x', '(s', 's s', '1 of y*', 's | count() > 5'])
    assert.throws(() => evaluateRule(rule({ s: { F: 1 }, condition }), { F: 1 }), OracleRefusal, condition);
});

test('event_count and absence', () => {
  const base = rule({ s: { F: 1 }, condition: 's' });
  const at = (second: number, group = 'g') => ({ time: new Date(second * 1000).toISOString(), event: { F: 1, G: group } });
  const count = { title: 'c', correlation: { type: 'event_count', rules: 'r', 'group-by': ['G'], timespan: '10s', condition: { gte: 3 } } };
  assert.deepEqual(
    evaluateCorrelation(count, () => base, [at(10), at(0), at(5)]).map((a) => a.events),
    [3],
  );
  assert.equal(evaluateCorrelation(count, () => base, [at(0), at(5), at(11)]).length, 0);
  assert.equal(evaluateCorrelation(count, () => base, [at(0), at(1), at(2, 'h')]).length, 0);
  assert.deepEqual(
    evaluateCorrelation(
      count,
      () => base,
      [0, 1, 2, 60, 61, 62, 63].map((s) => at(s)),
    ).map((a) => a.events),
    [3, 4],
  );
  const absence = { title: 'a', correlation: { type: 'absence', rules: ['r'], 'group-by': 'G', timespan: '1m' } };
  assert.equal(evaluateCorrelation(absence, () => base, [at(0), at(60), at(60, 'h'), at(121, 'h')]).length, 2);
  assert.equal(evaluateCorrelation(absence, () => base, [at(0)], new Date(60_000).toISOString()).length, 0);
});

test('patterns stand for what the textbook table says, however they are looked for', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'A', 'b', 'ß', 'σ', 'ς', 'Σ', 'İ', '😀', '\ud83d', '\ude00', ' '), maxLength: 8 });
  const patterns = fc
    .array(fc.oneof(texts, fc.constantFrom('*', '?', '\\*')), { maxLength: 6 })
    .map((parts) => parsePattern(parts.join('')));
  fc.assert(
    fc.property(patterns, texts, fc.boolean(), (pattern, text, cased) => {
      assert.equal(matchPattern(pattern, text, cased), matchByTable(pattern, text, cased));
    }),
    { numRuns: 20_000 },
  );
});
