/** What stands in several documents: filters, actions of the older format, aggregations, placeholders. */
import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { compileDetection } from '../compile/compile-detection.ts';
import { EventView } from '../compile/event-view.ts';
import { type ParsedRules, type ParseOptions, parseRules } from './parse-rules.ts';

const read = (texts: readonly string[], options: ParseOptions = {}): ParsedRules =>
  parseRules(
    texts.map((text, index) => ({ path: `${index}.yml`, text })),
    options,
  );
const ids = ({ rules }: ParsedRules): string[] => rules.map((rule) => rule.meta.id);
const refusals = ({ refused }: ParsedRules): string[] =>
  refused.map((one) => `${one.path}:${one.line}:${one.column} ${one.error.code} ${one.reason}`);

function holds(parsed: ParsedRules, id: string, event: object): boolean {
  const rule = parsed.rules.find((one) => one.meta.id === id);
  if (rule?.kind !== 'detection') throw new Error(`no rule ${id}: ${refusals(parsed).join('; ')}`);
  const view = new EventView(logSource());
  view.show(event as Readonly<Record<string, unknown>>);
  return compileDetection(rule, view).test();
}

const rule = (id: string, more = ''): string =>
  `title: Rule ${id}\nid: ${id}\n${more}logsource: { product: windows, category: process_creation }\ndetection:\n  selection: { Image|endswith: x.exe }\n  condition: selection\n`;
const filter = (target: string, more = 'condition: not selection', source = '{ product: windows }'): string =>
  `title: Filter\nlogsource: ${source}\nfilter:\n  rules: ${target}\n  selection: { User|startswith: adm_ }\n  ${more}\n`;

describe('filters', () => {
  const event = { Image: 'C:\\x.exe', User: 'ADM_ann' };

  it('add their condition to the rules they name by id or name, and to no other', () => {
    const parsed = read([rule('one'), rule('two', 'name: second\n'), rule('three'), filter('[one, second, gone]')]);
    expect(['one', 'two', 'three'].map((id) => holds(parsed, id, event))).toEqual([false, false, true]);
    expect(['one', 'two', 'three'].map((id) => holds(parsed, id, { ...event, User: 'bob' }))).toEqual([true, true, true]);
    expect(parsed.filters[0]?.appliesTo).toEqual(['one', 'two']);
  });

  it.each(['any', 'ANY', '', '[any]'])('of rules "%s" go to every rule of their log source', (target) => {
    const parsed = read([filter(target), rule('one'), rule('two').replace('windows', 'linux')]);
    expect(parsed.filters[0]?.appliesTo).toEqual(target === '[any]' ? undefined : ['one']);
  });

  it('keep what they select where the condition does not negate it', () => {
    const parsed = read([rule('one'), filter('[one]', 'condition: selection')]);
    expect(holds(parsed, 'one', event)).toBe(true);
    expect(holds(parsed, 'one', { Image: 'x.exe' })).toBe(false);
  });

  it('need the rule to name every part of their log source', () => {
    const source = '{ product: windows, service: sysmon }';
    expect(refusals(read([rule('one'), filter('[one]', 'condition: not selection', source)]))).toEqual([
      expect.stringContaining('1.yml:4:3 detect.bad_rule the filter is for rule one of its log source, and there is none'),
    ]);
  });

  it('do not meet names of the rule or of each other', () => {
    const parsed = read([rule('one').replace('selection\n', '1 of them\n'), filter('any'), filter('any').replace('adm_', 'svc_')]);
    expect([event, { ...event, User: 'svc_x' }, { ...event, User: 'bob' }].map((one) => holds(parsed, 'one', one))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it.each<[string, string]>([
    [filter('[one]', 'condition: not other'), '1.yml:6:3 detect.bad_condition'],
    [filter('{ a: 1 }'), '1.yml:4:3 detect.bad_rule filter rules is neither "any" nor a list'],
    [filter('[one]').replace('User|startswith', 'User|begins'), '1.yml:5:16 detect.bad_modifier'],
    [
      filter('[one]').replace('User|startswith: adm_', 'User|expand: "%Admins%"'),
      '1.yml:3:1 detect.bad_rule the filter needs values for Admins',
    ],
    ['title: F\nlogsource: { product: windows }\nfilter: x\n', '1.yml:3:1 detect.bad_rule its filter section is no map'],
    ['title: F\nfilter: { rules: any, s: { a: 1 }, condition: s }\n', 'it has no logsource'],
  ])('%j is refused, and the rule stands without it', (text, wanted) => {
    const parsed = read([rule('one'), text]);
    expect(refusals(parsed)).toEqual([expect.stringContaining(wanted)]);
    expect(holds(parsed, 'one', event)).toBe(true);
  });

  it('change the version of the rules they are added to', () => {
    const version = (...texts: string[]): string | undefined => read(texts).rules[0]?.meta.version;
    const versions = [version(rule('one')), version(rule('one'), filter('any')), version(rule('one'), filter('any').replace('adm', 'sys'))];
    expect(new Set(versions).size).toBe(3);
  });
});

describe('actions', () => {
  const global = 'action: global\ntitle: Shared\nid: shared\nname: shared\nlevel: high\ndetection: { condition: selection }\n';
  const part = (product: string, more = ''): string =>
    `${more}logsource: { product: ${product} }\ndetection: { selection: { a: ${product} } }\n`;

  it('lay what is global under every document until a reset', () => {
    const parsed = read([[global, part('x'), part('y', 'level: low\n'), 'action: reset\n', rule('own')].join('---\n')]);
    expect(parsed.rules.map(({ meta }) => [meta.id, meta.name, meta.title, meta.level])).toEqual([
      ['shared', 'shared', 'Shared', 'high'],
      ['shared#2', undefined, 'Shared', 'low'],
      ['own', undefined, 'Rule own', 'medium'],
    ]);
    expect(holds(parsed, 'shared#2', { a: 'y' })).toBe(true);
  });

  it('gather several globals, the later ones above the earlier', () => {
    const parsed = read([[global, 'action: global\nlevel: low\nauthor: A\n', part('x')].join('---\n')]);
    expect(parsed.rules[0]?.meta).toMatchObject({ level: 'low', author: 'A', title: 'Shared' });
  });

  it('repeat the document before with changes', () => {
    const changed = 'action: repeat\nid: two\ndetection: { selection: { b: 1 } }\n';
    const parsed = read([[rule('one'), changed, changed.replace('id: two\n', '').replace('b: 1', 'b: 2')].join('---\n')]);
    expect(ids(parsed)).toEqual(['one', 'two', 'two#2']);
    expect([{ b: 1 }, { Image: 'x.exe' }, { b: 1, Image: 'x.exe' }].map((event) => holds(parsed, 'two', event))).toEqual([
      false,
      false,
      true,
    ]);
    expect(holds(parsed, 'two#2', { b: 2, Image: 'x.exe' })).toBe(true);
  });

  it('hold for the file they are in alone', () => {
    expect(refusals(read([[global, part('x')].join('---\n'), part('y')]))).toEqual([
      expect.stringContaining('1.yml:1:1 detect.bad_rule it has no title'),
    ]);
  });

  it.each<[string[], string]>([
    [['action: nonsense\n'], '0.yml:1:1 detect.bad_rule action "nonsense" is none of global, reset, repeat'],
    [['action: repeat\nid: x\n'], '0.yml:1:1 detect.bad_rule it repeats the document before it, and there is none'],
    [[rule('one'), global], '0.yml:8:1 detect.bad_rule a document with action global is followed by no rule'],
    [['action: reset\nid: x\n'], 'a document with action reset holds nothing else'],
    [['action: global\nid: [\n', part('x')], 'it builds on the global document at line 1, which was refused'],
    [[global, 'action: 1\n'], 'action 1 is none of'],
  ])('%j is refused: %s', (documents, wanted) => {
    expect(refusals(read([documents.join('---\n')])).join('\n')).toContain(wanted);
  });

  it('cannot multiply a large document without end', () => {
    const large = `action: global\nlarge: [${'x,'.repeat(50_000)}x]\n`;
    const parsed = read([[large, ...Array.from({ length: 40 }, (_, index) => rule(`r${index}`))].join('---\n')]);
    expect(parsed.rules.length).toBeLessThan(20);
    expect(parsed.refused.length).toBe(40 - parsed.rules.length);
  });
});

describe('aggregations of the older format', () => {
  const piped = (condition: string, more = '  timeframe: 5m\n'): string =>
    rule('agg', 'name: agg\n').replace('condition: selection\n', `condition: ${condition}\n${more}`);

  it('are read as a plain rule and a correlation that counts it', () => {
    const { rules, refused } = read([piped('selection | count() by Computer, User >= 5')]);
    expect(refused).toEqual([]);
    expect(rules.map((one) => [one.kind, one.meta.id, one.meta.name])).toEqual([
      ['detection', 'agg.events', undefined],
      ['correlation', 'agg', 'agg'],
    ]);
    expect(rules[1]).toMatchObject({
      type: 'event_count',
      references: ['agg.events'],
      groupBy: ['Computer', 'User'],
      timespanMs: 300_000,
      condition: [{ comparison: 'gte', limit: 5 }],
      generate: false,
    });
  });

  it('take filters that are for them', () => {
    const parsed = read([piped('selection | count() > 5'), filter('[agg]')]);
    expect(parsed.filters[0]?.appliesTo).toEqual(['agg.events']);
  });

  it.each<[string, string, string?]>([
    ['selection | near other', '"near" has no counterpart'],
    ['selection | max(a) > 5', 'the aggregation "max" has no counterpart'],
    ['selection | sum() > 5', 'the aggregation "sum" names no field'],
    ['selection | count() by a', 'the aggregation "count() by a" is not understood'],
    ['selection | count() > 5', 'it counts over no time', ''],
    ['[selection, selection | count() > 5]', 'it has several conditions and an aggregation in one of them'],
    ['" | count() > 5"', 'the condition is empty'],
    ['nothing | count() > 5', 'the condition names "nothing"'],
    ['selection | count() > 5', 'timespan "5x" is no number', '  timeframe: 5x\n'],
  ])('%s is refused: %s', (condition, wanted, timeframe) => {
    const parsed = read([piped(condition, timeframe)]);
    expect(parsed.rules).toEqual([]);
    expect(refusals(parsed)).toEqual([expect.stringContaining(wanted)]);
  });
});

describe('placeholders', () => {
  const expanding = (value: string, key = 'User|expand'): string => rule('one').replace('Image|endswith: x.exe', `"${key}": '${value}'`);

  it('stand for the values given by the caller or by a document among the files', () => {
    const given = 'placeholders:\n  Admins: [adm_*, root]\n  "%Servers%": srv?\n';
    const parsed = read([expanding('%Admins%'), given, expanding('\\\\%Servers%\\%x').replaceAll('one', 'two')], {
      placeholders: new Map([['Admins', ['boss']]]),
    });
    expect(parsed.refused).toEqual([]);
    for (const User of ['ADM_ann', 'root', 'BOSS']) expect(holds(parsed, 'one', { User })).toBe(true);
    expect(holds(parsed, 'one', { User: 'bob' })).toBe(false);
    expect(holds(parsed, 'two', { User: '\\srv1%x' })).toBe(true);
  });

  it('multiply where a value has several, go through encodings, and work beside wildcards', () => {
    const placeholders = new Map([
      ['a', ['1', '2']],
      ['b', ['x']],
    ]);
    const parsed = read([expanding('%a%-%b%*'), expanding('%a%%a%', 'User|expand|base64').replaceAll('one', 'two')], { placeholders });
    expect(['1-x', '2-xyz', '3-x'].map((User) => holds(parsed, 'one', { User }))).toEqual([true, true, false]);
    expect([btoa('12'), btoa('13')].map((User) => holds(parsed, 'two', { User }))).toEqual([true, false]);
  });

  it('without values keep the rule loaded and silent', () => {
    const parsed = read([expanding('x%nobody%')]);
    expect(parsed.rules[0]).toMatchObject({ needsValues: ['nobody'] });
    expect(holds(parsed, 'one', { User: 'x%nobody%' })).toBe(false);
  });

  it('are part of what a rule means', () => {
    const versions = [undefined, new Map([['a', ['1']]]), new Map([['a', ['2']]])].map(
      (placeholders) => read([expanding('%a%')], { placeholders }).rules[0]?.meta.version,
    );
    expect(new Set(versions).size).toBe(3);
  });

  it.each<[string, string]>([
    ['placeholders: x\n', '0.yml:1:1 detect.bad_rule placeholders is no map'],
    ['placeholders: { a: [] }\n', 'placeholder a has no values'],
    ['placeholders: { a: [{ b: 1 }] }\n', '0.yml:1:21 detect.bad_rule a value of placeholder a is no text'],
    ['placeholders: { "a%b": 1 }\n', '"a%b" is no name of a placeholder'],
  ])('%j is refused: %s', (text, wanted) => {
    expect(refusals(read([text]))).toEqual([expect.stringContaining(wanted)]);
  });

  it('bound what they multiply to', () => {
    const placeholders = new Map([['a', Array.from({ length: 200 }, (_, index) => `v${index}`)]]);
    expect(refusals(read([expanding('%a%%a%%a%')], { placeholders }))).toEqual([
      expect.stringContaining('stand for more than 20000 values'),
    ]);
  });
});
