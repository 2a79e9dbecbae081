import { describe, expect, it } from 'vitest';
import { parseRules } from './parse-rules.ts';

const HEAD = 'title: T\nid: r1\nlogsource: { product: test }\n';
const GOOD = `${HEAD}detection:\n  s: { a: 1 }\n  condition: s\n`;

function refusalOf(text: string): string {
  const { refused } = parseRules([{ path: 'x.yml', text }]);
  const first = refused[0];
  return first === undefined ? 'accepted' : `${first.error.code} ${first.line}:${first.column} ${first.reason}`;
}

describe('refusals', () => {
  it.each<[string, string]>([
    ['title: [', 'detect.bad_yaml 1:'],
    ['just text', 'detect.bad_rule 1:1 the document is no map'],
    ['title: T\n', 'detect.bad_rule 1:1 it has no detection'],
    ['id: x\ndetection: { s: { a: 1 }, condition: s }', 'detect.bad_rule 1:1 it has no title'],
    ['title: T\ndetection: { s: { a: 1 }, condition: s }', 'detect.bad_rule 1:1 it has no logsource'],
    ['title: T\nlogsource: { definition: x }\ndetection: { s: { a: 1 }, condition: s }', 'detect.bad_rule 2:1'],
    [`${GOOD}level: urgent\n`, 'detect.bad_rule 7:1 level "urgent"'],
    [GOOD.replace('a: 1', 'a|contain: x'), 'detect.bad_modifier 5:8 "contain"'],
    [GOOD.replace('a: 1', 'a|i: x'), 'detect.bad_modifier 5:8 i, m and s'],
    [GOOD.replace('a: 1', 'a|contains|endswith: x'), 'detect.bad_modifier 5:8'],
    [GOOD.replace('a: 1', 'a|cidr|contains: 10.0.0.0/8'), 'detect.bad_modifier 5:8'],
    [GOOD.replace('a: 1', 'a|cidr: [10.0.0.0/8, 10.0.0.0/33]'), 'detect.bad_value 5:29 "10.0.0.0/33"'],
    [GOOD.replace('a: 1', 'a|lt: x'), 'detect.bad_value 5:8'],
    [GOOD.replace('a: 1', 'a|exists: maybe'), 'detect.bad_value 5:8'],
    [GOOD.replace('a: 1', "a|re: '(?=x)y'"), 'detect.bad_value 5:8 "(?=x)y" is no regular expression that runs in linear time'],
    [GOOD.replace('a: 1', "a|re: '(a)\\1'"), 'detect.bad_value 5:8'],
    [GOOD.replace('a: 1', 'a|base64: x*'), 'detect.bad_value 5:8 base64 cannot encode'],
    [GOOD.replace('a: 1', 'a: []'), 'detect.bad_value 5:8'],
    [GOOD.replace('a: 1', 'a: { b: 1 }'), 'detect.bad_value 5:8'],
    [GOOD.replace('{ a: 1 }', '{}'), 'detect.bad_rule 5:3'],
    [GOOD.replace('condition: s', 'condition: t'), 'detect.bad_condition 6:3 the condition names "t"'],
    [GOOD.replace('condition: s', 'condition: s and'), 'detect.bad_condition 6:3'],
    [GOOD.replace('condition: s', 'condition: (s'), 'detect.bad_condition 6:3'],
    [GOOD.replace('condition: s', 'condition: s s'), 'detect.bad_condition 6:3'],
    [GOOD.replace('condition: s', 'condition: 1 of x*'), 'detect.bad_condition 6:3'],
    [GOOD.replace('condition: s', 'condition: 2 of them'), 'detect.bad_condition 6:3'],
    [GOOD.replace('condition: s', 'condition: s | count() > 5'), 'detect.unsupported 6:3 it counts over no time'],
    [GOOD.replace('condition: s', `condition: ${'('.repeat(200)}s${')'.repeat(200)}`), 'detect.bad_condition 6:3'],
    ['title: T\ncorrelation: { type: value_count, rules: [a], timespan: 5m }', 'detect.bad_correlation 2:1 value_count needs a condition'],
    [
      'title: T\ncorrelation: { type: value_count, rules: [a], timespan: 5m, condition: { gte: 2 } }',
      'detect.bad_correlation 2:61 value_count needs the field',
    ],
    ['title: T\ncorrelation: { type: guess, rules: [a], timespan: 5m }', 'detect.bad_correlation 2:16 correlation type "guess" is unknown'],
    [
      'title: T\ncorrelation: { type: event_count, rules: [a], timespan: 5m, condition: { gte: 2 } }',
      'detect.bad_correlation 2:43 it refers to rule a',
    ],
    ['title: T\ncorrelation: { type: event_count, rules: [a], timespan: 5x, condition: { gte: 2 } }', 'detect.bad_correlation 2:47'],
    ['title: T\ncorrelation: { type: event_count, rules: [a], timespan: 5m }', 'detect.bad_correlation 2:1'],
    ['title: T\ncorrelation: { type: absence, rules: [a], timespan: 5m, condition: { gte: 1 } }', 'detect.bad_correlation 2:57'],
    [`${GOOD}tests:\n  - { event: { a: 1 }, expect: maybe }\n`, 'detect.bad_rule 8:5'],
  ])('%j is refused: %s', (text, wanted) => {
    expect(refusalOf(text)).toContain(wanted);
  });

  it('costs the rule it is in and nothing else, even in one file', () => {
    const text = `${GOOD}---\ntitle: [broken\n---\n${GOOD.replace('r1', 'r2')}---\n${GOOD}`;
    const { rules, refused } = parseRules([{ path: 'many.yml', text }]);
    expect(rules.map((rule) => rule.meta.id)).toEqual(['r1', 'r2']);
    expect(refused.map((one) => [one.error.code, one.line])).toEqual([
      ['detect.bad_yaml', 8],
      ['detect.duplicate_rule', 18],
    ]);
    expect(refused[1]?.error.message).toContain('many.yml:18:1: rule r1: its id r1 is already taken by the rule at many.yml:1');
  });

  it.each<[string, string]>([
    ['deep nesting', `a: ${'['.repeat(5000)}`],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]`,
    ],
    ['too much text', `title: ${'x'.repeat(2_000_000)}`],
  ])('bounds %s', (_name, text) => {
    expect(refusalOf(text)).toContain('detect.bad_yaml');
  });
});

describe('what is read', () => {
  it('takes metadata, level and techniques', () => {
    const text = `${GOOD}level: Critical\nauthor: A\ntags: [attack.execution, attack.t1059.001]\nfalsepositives: [Admins]\n`;
    expect(parseRules([{ path: 'x.yml', text }]).rules[0]?.meta).toMatchObject({
      id: 'r1',
      severity: 5,
      score: 95,
      author: 'A',
      techniques: ['T1059.001'],
      falsePositives: ['Admins'],
    });
  });

  it('gives a rule without an id one that stays, and a version that follows its content', () => {
    const [one, two] = ['1', '2'].map(
      (value) => parseRules([{ path: 'x.yml', text: GOOD.replace('id: r1\n', '').replace('a: 1', `a: ${value}`) }]).rules[0]?.meta,
    );
    expect(one?.id).toBe(two?.id);
    expect(one?.version).not.toBe(two?.version);
  });
});

describe('a rule that serves a correlation', () => {
  const base = GOOD.replace('r1', 'base\nname: base');
  const count = (rest: string): string => `title: C\nid: c\ncorrelation: { type: event_count, rules: [base], timespan: 5m, ${rest} }\n`;
  const outcome = (...texts: string[]): { kept: string[]; refused: string[] } => {
    const { rules, refused } = parseRules(texts.map((text, i) => ({ path: `${i}.yml`, text })));
    return {
      kept: rules.map((rule) => rule.meta.id),
      refused: refused.map((one) => `${one.path}:${one.line} ${one.error.code} ${one.reason}`),
    };
  };

  it.each<[string, string]>([
    ['is incomplete', count('group-by: [a]')],
    ['is of a type that nobody knows', count('condition: { gte: 2 }').replace('event_count', 'value_mode')],
    ['refers to another rule that is not there', count('condition: { gte: 2 }').replace('[base]', '[base, gone]')],
  ])('is refused with it where that %s: alone it would raise alerts', (_, correlation) => {
    const { kept, refused } = outcome(`${base}---\n${correlation}`);
    expect(kept).toEqual([]);
    expect(refused).toContainEqual('0.yml:1 detect.bad_correlation it serves the correlation at 0.yml:9 only, which was refused');
    expect(refused).toHaveLength(2);
  });

  it('stays where another correlation needs it, or where it was to raise alerts all along', () => {
    const good = count('condition: { gte: 2 }').replace('id: c', 'id: d');
    expect(outcome(base, count('group-by: [a]'), good).kept).toEqual(['base', 'd']);
    expect(outcome(base, count('generate: true')).kept).toEqual(['base']);
  });
});
