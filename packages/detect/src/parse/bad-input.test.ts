/** Hostile and broken rules: each is refused by name, with a place, soon, and without harm to the rules beside it. */
import { describe, expect, it } from 'vitest';
import { logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import { parseRules } from './parse-rules.ts';

const GOOD = 'title: Good\nid: good\nlogsource: { product: test }\ndetection:\n  s: { a: 1 }\n  condition: s\n';
const bad = (detection: string): string => `title: Bad\nid: bad\nlogsource: { product: test }\ndetection:\n${detection}`;

/** CPU milliseconds of this process while it ran: the clock on the wall also counts what others do. */
function cpuMs(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

/** The target is 100 ms for each; four times that is for processors that share their caches with others, and for code that is not yet compiled. */
const MAX_CPU_MS = 400;

interface Outcome {
  readonly refusal: string;
  readonly tookMs: number;
  readonly others: readonly string[];
}

function outcomeOf(text: string): Outcome {
  let parsed: ReturnType<typeof parseRules> | undefined;
  const tookMs = cpuMs(() => {
    parsed = parseRules([
      { path: 'before.yml', text: GOOD },
      { path: 'bad.yml', text },
      { path: 'behind.yml', text: GOOD.replace('id: good', 'id: second').replace('Good', 'Second') },
    ]);
  });
  const { rules = [], refused = [] } = parsed ?? {};
  return {
    refusal: refused.map((one) => `${one.error.code} ${one.line}:${one.column} ${one.reason}`).join('\n'),
    tookMs,
    others: rules.map((rule) => rule.meta.id),
  };
}

const many = (count: number, one: (index: number) => string): string => Array.from({ length: count }, (_, index) => one(index)).join('');
const bomb = (levels: number): string =>
  `a: &a [x,x,x,x,x,x,x,x,x]\n${many(levels, (index) => {
    const [name, before] = ['bcdefghij'[index] as string, 'abcdefghi'[index] as string];
    return `${name}: &${name} [*${before},*${before},*${before},*${before},*${before},*${before},*${before},*${before},*${before}]\n`;
  })}`;

describe('hostile rules', () => {
  it.each<[string, string, string]>([
    ['nine levels of aliases', bomb(9), 'detect.bad_yaml'],
    ['an alias of itself', 'title: T\ndetection: &d { s: *d, condition: s }\n', 'detect.bad_'],
    ['code in a tag', 'title: !!js/function "function () { return 1 }"\n', 'detect.bad_yaml 1:'],
    ['a merge bomb', `x: &x { ${many(2000, (i) => `k${i}: v, `)} }\n${many(60, (i) => `m${i}: { <<: *x }\n`)}`, 'detect.bad_'],
    ['20,000 brackets', `a: ${'['.repeat(20_000)}`, 'detect.bad_yaml 1:'],
    ['20,000 indents', many(2000, (i) => `${' '.repeat(i)}k:\n`), 'detect.bad_yaml'],
    [
      'a condition of 10,000 clauses',
      bad(`  s: { a: 1 }\n  condition: ${many(9999, () => 's or ')}s\n`),
      'detect.bad_condition 6:3 the condition has more than 1000 words',
    ],
    ['10,000 parentheses', bad(`  s: { a: 1 }\n  condition: ${'('.repeat(10_000)}s${')'.repeat(10_000)}\n`), 'detect.bad_condition 6:3'],
    [
      'one of them over 5,000 selections',
      bad(`${many(5000, (i) => `  s${i}: { a: ${i} }\n`)}  condition: 1 of them\n`),
      'detect.bad_yaml 1:1 it has more than 8000 keys',
    ],
    [
      'one of them over 1,000 selections',
      bad(`${many(1000, (i) => `  s${i}: { a: ${i} }\n`)}  condition: 1 of them\n`),
      'detect.bad_rule 4:1 it has more than 500 search identifiers',
    ],
    [
      'quantifiers that multiply',
      bad(`${many(400, (i) => `  s${i}: { a: ${i} }\n`)}  condition: ${many(60, () => '1 of them or ')}s1\n`),
      'detect.bad_condition 405:3 the quantifiers',
    ],
    [
      '10,000 conditions',
      bad(`  s: { a: 1 }\n  condition: [${many(10_000, () => 's,')}]\n`),
      'detect.bad_condition 6:3 it has more than 100 conditions',
    ],
    ['an expression of a megabyte', bad(`  s: { a|re: '${'(a|b)'.repeat(209_000)}' }\n  condition: s\n`), 'detect.bad_'],
    ['an expression that repeats repeats', bad("  s: { a|re: '((a{1000}){1000}){1000}' }\n  condition: s\n"), 'detect.bad_value 5:8'],
    [
      'an expression of 3,000 groups',
      bad(`  s: { a|re: '${'('.repeat(3000)}a${')'.repeat(3000)}' }\n  condition: s\n`),
      'detect.bad_value 5:8',
    ],
    ['a megabyte of one value', bad(`  s: { a: '${'x'.repeat(1_000_000)}' }\n  condition: s\n`), 'detect.bad_value 5:3'],
    ['100,000 values', bad(`  s: { a: [${many(100_000, () => 'x,')}] }\n  condition: s\n`), 'detect.bad_'],
    [
      'dashes that multiply',
      bad(`  s: { a|windash|base64: '${' -a'.repeat(40)}' }\n  condition: s\n`),
      'detect.bad_value 5:8 windash before base64',
    ],
    ['lists in lists', bad(`  s: ${'['.repeat(15)}{ a: 1 }${']'.repeat(15)}\n  condition: s\n`), 'detect.bad_rule 5:'],
    ['a NUL', 'title: T\nid: "a\u0000b"\n'.replace('\\u0000', '\u0000'), 'detect.bad_'],
    ['an unknown tag', 'title: !thing T\n', 'detect.bad_yaml 1:'],
    ['a key twice', bad('  s: { a: 1, a: 2 }\n  condition: s\n'), 'detect.bad_yaml 5:'],
    ['a field name of 100 kB', bad(`  s: { ? '${'f'.repeat(100_000)}' : 1 }\n  condition: s\n`), 'detect.bad_'],
    ['a title of a megabyte', `title: ${'t'.repeat(1_000_000)}\n`, 'detect.bad_rule 1:1 title is longer'],
  ])('%s: refused by name, in time, alone', (_, text, wanted) => {
    const { refusal, tookMs, others } = outcomeOf(text);
    expect(refusal).toContain(wanted);
    expect(refusal.length).toBeLessThan(2000);
    expect(others).toEqual(['good', 'second']);
    expect(tookMs).toBeLessThan(MAX_CPU_MS);
  });

  it.each<[string, string]>([
    ['^(a+)+$', 'a'.repeat(30_000)],
    ['(.*a){20}', 'a'.repeat(3000)],
    ['(a|aa)+$', `${'a'.repeat(30_000)}!`],
    ['\\s+$', `${' '.repeat(30_000)}x`],
  ])('%s is judged in linear time', (source, text) => {
    const { rules } = parseRules([{ path: 'r.yml', text: bad(`  s: { a|re: '${source}' }\n  condition: s\n`) }]);
    const route = compileRules(rules, [logSource()]).route('test');
    route?.view.show({ a: `${text}!` });
    const tookMs = cpuMs(() => route?.detections[0]?.test());
    expect(tookMs).toBeLessThan(MAX_CPU_MS);
  });
});

describe('hostile events', () => {
  const judge = (detection: string, event: Readonly<Record<string, unknown>>): { matched: boolean | undefined; tookMs: number } => {
    const { rules, refused } = parseRules([{ path: 'r.yml', text: bad(detection) }]);
    expect(refused).toEqual([]);
    const route = compileRules(rules, [logSource()]).route('test');
    let matched: boolean | undefined;
    const tookMs = cpuMs(() => {
      route?.view.show(event);
      matched = route?.detections[0]?.test();
    });
    return { matched, tookMs };
  };
  const deep = (depth: number): Readonly<Record<string, unknown>> => {
    let event: Readonly<Record<string, unknown>> = { a: 'needle' };
    for (let i = 0; i < depth; i++) event = { a: event };
    return event;
  };

  it('200,000 levels deep are read by keywords and by path', () => {
    expect(judge('  s: [needle]\n  condition: s\n', deep(200_000))).toMatchObject({ matched: true });
    expect(judge('  s: { a.a.a|exists: true }\n  condition: s\n', deep(200_000))).toMatchObject({ matched: true });
    expect(judge(`  s: { ${'a.'.repeat(40)}a: needle }\n  condition: s\n`, deep(200_000)).matched).toBe(false);
  });

  it('with a million keys are read, and searched up to what a record can hold', () => {
    const wide = Object.fromEntries(Array.from({ length: 1_000_000 }, (_, index) => [`k${index}`, index]));
    const { matched, tookMs } = judge('  s: { k999999: 999999 }\n  condition: s\n', wide);
    expect(matched).toBe(true);
    expect(tookMs).toBeLessThan(MAX_CPU_MS);
    const many = Object.fromEntries(Object.entries(wide).slice(0, 100_000));
    expect(judge('  s: [absent]\n  condition: s\n', many).matched).toBe(false);
  });

  it.each<[string, unknown, boolean]>([
    ['"a|contains": "\\0"', { a: 'x\u0000y' }, true],
    ['"a|contains": "\\L"', { a: 'x\u2028y' }, true],
    ['"a|re": "^x.y$"', { a: 'x\u2028y' }, true],
    ['a: "*"', { a: '\ud83d' }, true],
    ['"a|contains": b', { a: '\ud83db\ude00' }, true],
    ['__proto__: 1', {}, false],
    ['__proto__: 1', JSON.parse('{"__proto__":1}'), true],
    ['__proto__.x: 1', JSON.parse('{"__proto__":{"x":1}}'), true],
    ['constructor: "*"', {}, false],
    ['"hasOwnProperty|exists": true', {}, false],
    ['toString: null', {}, true],
    ['"a.length|exists": true', { a: 'text' }, false],
    ['"a.0": x', { a: ['x'] }, false],
  ])('%s on %j is %s', (line, event, wanted) => {
    expect(judge(`  s: { ${line} }\n  condition: s\n`, event as Readonly<Record<string, unknown>>).matched).toBe(wanted);
  });
});
