import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { parseRules } from '../parse/parse-rules.ts';
import type { DetectionRule } from '../parse/parsed-rule.ts';
import { explainRule } from './explain-rule.ts';
import type { ExplainedBody, ExplainedCondition, ExplainedLine, ExplainedRule } from './explained-rule.ts';

function ruleOf(detection: object, wanted: object = { product: 'test' }): DetectionRule {
  const { rules, refused } = parseRules([{ path: 'r.yml', text: JSON.stringify({ title: 'r', id: 'r', logsource: wanted, detection }) }]);
  const [rule] = rules;
  if (rule?.kind !== 'detection') throw new Error(refused[0]?.reason);
  return rule;
}

function explain(detection: object, fields: object, source = logSource()): ExplainedRule {
  return explainRule(ruleOf(detection), { fields: fields as Record<string, unknown>, logSource: source, logSources: [source] });
}

function linesOf(node: ExplainedCondition | ExplainedBody): ExplainedLine[] {
  if (node.kind === 'line') return [node];
  if (node.kind === 'selection') return node.body === undefined ? [] : linesOf(node.body);
  return node.kind === 'not' ? linesOf(node.part) : node.parts.flatMap((part) => linesOf(part));
}

function lineOf(key: string, value: unknown, fields: object): ExplainedLine {
  const [line] = linesOf(explain({ s: { [key]: value }, condition: 's' }, fields).condition);
  if (line === undefined) throw new Error('no line');
  return line;
}

describe('an explained line', () => {
  it.each<[string, unknown, object, string, RegExp]>([
    ['f', 'abc', {}, 'field_missing', /no field f$/],
    ['CommandLine', 'abc', { process: { command_line: 'abc' } }, 'field_missing', /it has process\.command_line/],
    ['SourceName', 'abc', { 'Source Name': 'abc' }, 'field_missing', /it has Source Name/],
    ['f', 'abc', { f: null }, 'no_text', /is null/],
    ['f', 'abc', { f: {} }, 'no_text', /name a field inside/],
    ['f', 'abc', { f: [] }, 'no_text', /empty list/],
    ['f|cased', 'abc', { f: 'ABC' }, 'case', /case only/],
    ['f|re', 'abc', { f: 'ABC' }, 'case', /\|re\|i would hold/],
    ['f|fieldref|cased', 'g', { f: 'a', g: 'A' }, 'case', /case only/],
    ['f', 'abc', { f: 'abc ' }, 'space', /white space/],
    ['f', 'abc', { f: 'abcdef' }, 'part_only', /\|startswith/],
    ['f', 'def', { f: 'abcdef' }, 'part_only', /\|endswith/],
    ['f', 'cd', { f: 'abcdef' }, 'part_only', /\|contains would hold/],
    ['f|startswith', 'cd', { f: 'abcdef' }, 'part_only', /\|endswith|\|contains/],
    ['f', 'abcdef', { f: 'abcxyz' }, 'different', /from character 4 on/],
    ['f|gt', 5, { f: '5' }, 'different', /not more than 5/],
    ['f|lte', 5, { f: 'x' }, 'kind', /no number/],
    ['f|cidr', '10.0.0.0/8', { f: '11.0.0.1' }, 'different', /not in 10\.0\.0\.0\/8/],
    ['f|cidr', '10.0.0.0/8', { f: 'host' }, 'kind', /no IP address/],
    ['f|fieldref', 'g', { f: 'a' }, 'field_missing', /no field g/],
    ['f|fieldref', 'g', { f: 'a', g: 'b' }, 'different', /not what g holds/],
    ['f|exists', true, {}, 'field_missing', /no field f/],
    ['f|exists', false, { f: 1 }, 'different', /has the field f/],
    ['f', null, { f: 'a' }, 'different', /not null/],
    ['f|hour', 3, { f: '2026-01-02 04:00:00' }, 'different', /hour \(UTC\)/],
    ['f|expand', '%names%', { f: 'a' }, 'needs_values', /%names%/],
    ['', 'needle', { a: 'hay' }, 'different', /nowhere|anywhere/],
  ])('%s: %j over %j misses by %s', (key, value, fields, reason, words) => {
    const line = lineOf(key, value, fields);
    expect(line.held).toBe(false);
    expect(line.values[0]?.miss?.reason).toBe(reason);
    expect(line.values[0]?.miss?.detail).toMatch(words);
  });

  it('tells the nearest misses first and counts the others', () => {
    const line = lineOf('f', ['zzz', 'yyy', 'xxx', 'www', 'need', 'needles', 'needle!'], { f: 'needle' });
    expect(line.values.map(({ shown }) => shown)).toEqual(['need', 'needles', 'needle!']);
    expect(line.untold).toBe(4);
  });

  it('tells which value held, where it was read from, and of "neq" what it kept away from', () => {
    const source = logSource({ aliases: { Image: ['NewProcessName'] } });
    const held = linesOf(
      explain({ s: { 'Image|endswith': ['\\b.exe', '\\a.exe'] }, condition: 's' }, { NewProcessName: 'C:\\A.EXE' }, source).condition,
    );
    expect(held[0]).toMatchObject({ held: true, path: 'NewProcessName', found: ['C:\\A.EXE'], untold: 1 });
    expect(held[0]?.values).toEqual([{ held: true, shown: '\\a.exe', value: 'C:\\A.EXE' }]);
    expect(lineOf('f|neq', ['a', 'b'], { f: 'c' })).toMatchObject({
      held: true,
      negated: true,
      values: [{ held: false }, { held: false }],
    });
    expect(lineOf('f|neq', ['a', 'b'], { f: 'b' })).toMatchObject({
      held: false,
      values: [
        { held: true, shown: 'b' },
        { held: false, shown: 'a' },
      ],
    });
  });

  it('keeps hostile events small', () => {
    const line = lineOf('f|contains', 'x', { f: Array.from({ length: 10_000 }, () => 'y'.repeat(10_000)) });
    expect(line.found).toHaveLength(5);
    expect(JSON.stringify(line).length).toBeLessThan(4000);
    const proto = JSON.parse('{"__proto__":{"f":"x"}}') as object;
    expect(lineOf('F', 'x', proto).values[0]?.miss?.near).toBe('__proto__.f');
  });
});

describe('an explained rule', () => {
  it('is a tree of its condition', () => {
    const detection = { a: { f: 1 }, b1: [{ g: 1 }, { g: 2 }], b2: { h: 1 }, n: { i: 1 }, condition: 'a and 1 of b* and not n' };
    const { condition, matched } = explain(detection, { f: 1, g: 2 });
    expect(matched).toBe(true);
    expect(condition).toMatchObject({
      kind: 'and',
      held: true,
      parts: [
        { kind: 'selection', name: 'a', held: true },
        {
          kind: 'atLeast',
          needed: 1,
          held: true,
          parts: [
            { name: 'b1', held: true, body: { kind: 'any', parts: [{ held: false }, { held: true }] } },
            { name: 'b2', held: false },
          ],
        },
        { kind: 'not', held: true, part: { name: 'n', held: false } },
      ],
    });
  });

  it('tells a search identifier once, so that a condition of many words stays small', () => {
    const names = Array.from({ length: 50 }, (_, i) => `s${i}`);
    const selections = Object.fromEntries(names.map((name) => [name, { f: Array.from({ length: 100 }, (_, n) => `${name}.${n}`) }]));
    const once = explain({ ...selections, condition: '1 of them' }, { f: 'x' });
    const often = explain({ ...selections, condition: Array.from({ length: 40 }, () => '1 of them').join(' and ') }, { f: 'x' });
    expect(linesOf(often.condition)).toHaveLength(linesOf(once.condition).length);
    expect(JSON.stringify(often).length).toBeLessThan(5 * JSON.stringify(once).length);
  });

  it('says what keeps a rule from being asked, and what it would be asked about', () => {
    const sources = [
      logSource({ mapping: 'dns', product: 'test', categories: ['dns'] }),
      logSource({ mapping: 'proc', product: 'test', categories: ['process_creation'] }),
    ];
    const rule = ruleOf({ s: { f: 1 }, condition: 's' }, { product: 'test', category: 'process_creation' });
    const { matched, routing, condition } = explainRule(rule, { fields: { f: 1 }, logSource: sources[0], logSources: sources });
    expect([matched, condition.held]).toEqual([false, true]);
    expect(routing).toEqual({
      held: false,
      mapping: 'dns',
      wanted: rule.logSource,
      missing: [{ part: 'category', wanted: 'process_creation', has: ['dns'] }],
      fedBy: ['proc'],
    });
    expect(explainRule(rule, { fields: { f: 1 }, logSource: sources[1], logSources: sources }).matched).toBe(true);
    expect(explainRule(rule, { fields: { f: 1 }, logSource: undefined, logSources: sources }).matched).toBe(false);
  });
});
