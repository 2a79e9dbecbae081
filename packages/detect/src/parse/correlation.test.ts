/** Correlations that cannot be what their author meant are refused, by file, line and column, and cost only themselves. */
import { describe, expect, it } from 'vitest';
import { parseRules } from './parse-rules.ts';

const BASE = ['a', 'b'].map(
  (name) => `title: ${name}\nid: ${name}\nlogsource: { product: test }\ndetection: { s: { f: 1 }, condition: s }\n`,
);

function outcome(...documents: string[]): { kept: string[]; refused: string[]; gone: number[] } {
  const { rules, refused } = parseRules([{ path: 'x.yml', text: [...BASE, ...documents].join('---\n') }]);
  // Rules that go with a correlation because they serve nothing else are another matter.
  const own = refused.filter(({ reason }) => !reason.startsWith('it serves'));
  return {
    kept: rules.map(({ meta }) => meta.id),
    refused: own.map((one) => `${one.line}:${one.column} ${one.reason}`),
    gone: refused.filter((one) => !own.includes(one)).map(({ line }) => line),
  };
}

/** A correlation over a and b on one line: line 14 of the file. */
const one = (parts: string): string => `title: C\nid: c\ncorrelation: { rules: [a, b], group-by: [k], timespan: 5m, ${parts} }\n`;

describe('a correlation is refused', () => {
  it.each<[string, string]>([
    ['type: event_count, condition: { gte: 5, lt: 5 }', 'nothing can ever satisfy gte 5, lt 5'],
    ['type: event_count, condition: { gt: 5, lte: 5 }', 'nothing can ever satisfy'],
    ['type: event_count, condition: { lt: 1 }', 'for what does not happen there is the type absence'],
    ['type: event_count, condition: { eq: 0 }', 'nothing can ever satisfy eq 0'],
    ['type: event_count, condition: { eq: 3, neq: 3 }', 'nothing can ever satisfy'],
    ['type: event_count, condition: { gte: 2.5 }', 'gte needs a whole number'],
    ['type: event_count, condition: { gte: "2" }', 'gte needs a number'],
    ['type: event_count, condition: { about: 2 }', '"about" is no comparison'],
    ['type: event_count, condition: { gte: 2, field: v }', 'event_count looks at no field'],
    ['type: event_count, condition: a and b', 'only temporal correlations take an expression'],
    ['type: event_count', 'event_count needs a condition'],
    ['type: value_count, condition: { field: v }', 'value_count needs a comparison'],
    ['type: value_count, condition: { gte: 2 }', 'value_count needs the field'],
    ['type: value_sum, condition: { field: [v, w], gte: 2 }', 'value_sum looks at one field'],
    ['type: value_sum, condition: { field: v, gt: 2, lt: 1 }', 'nothing can ever satisfy'],
    ['type: value_avg, condition: { field: v, gt: 2, lte: 2 }', 'nothing can ever satisfy'],
    ['type: value_percentile, condition: { field: v, percentile: 101, gt: 2 }', 'percentile is no number from 0 to 100'],
    ['type: value_sum, condition: { field: v, percentile: 5, gt: 2 }', 'value_sum takes no percentile'],
    ['type: temporal, condition: { gte: 3 }', 'it counts the rules that were seen'],
    ['type: temporal, condition: a and c', 'the condition names "c"'],
    ['type: temporal, condition: not a', 'the condition says nothing about rule b'],
    ['type: temporal, condition: a and', 'ends where a search identifier is expected'],
    ['type: absence, condition: { gte: 1 }', 'absence takes no condition'],
    ['type: absence, without: [a]', 'rule a is both waited for and waited on'],
    ['type: absence, without: [gone]', 'it refers to rule gone'],
    ['type: absence, window: session', 'absence has no session windows'],
    ['type: temporal, without: [b]', 'only absence knows "without"'],
    ['type: temporal, window: tumbling', 'window is neither sliding nor session'],
    ['type: temporal, suppress: soon', 'suppress "soon" is no number of s, m, h or d'],
    ['type: temporal, groupby: [x]', '"groupby" is no part of a correlation'],
    ['type: temporal, generate: maybe', 'generate is neither true nor false'],
    ['type: temporal, aliases: { x: { a: f } }', 'alias x names no field for rule b'],
    ['type: temporal, aliases: { x: { a: f, b: g, c: h } }', 'alias x names rule c, to which the correlation does not refer'],
    ['type: [temporal]', 'correlation type ["temporal"] is unknown'],
  ])('that says { %s }: %s', (parts, reason) => {
    const { refused } = outcome(one(parts));
    expect(refused[0]).toMatch(/^13:[0-9]+ /);
    expect(refused[0]).toContain(reason);
  });

  it('that names one rule twice, by id and by name', () => {
    const named = BASE[0]?.replace('id: a', 'id: z\nname: y') ?? '';
    expect(outcome(named, one('type: temporal').replace('[a, b]', '[y, z]')).refused[0]).toContain('y and z are the same rule');
  });

  it('that has more rules than a temporal window can tell apart', () => {
    const names = Array.from({ length: 31 }, (_, index) => `r${index}`).join(', ');
    expect(outcome(one('type: temporal').replace('[a, b]', `[${names}]`)).refused[0]).toContain('takes 30 rules at most');
  });
});

describe('chains', () => {
  const over = (id: string, rules: string): string =>
    `title: ${id}\nid: ${id}\ncorrelation: { type: temporal, rules: [${rules}], group-by: [k], timespan: 5m }\n`;

  it('may stand on correlations, in whatever order they are written', () => {
    expect(outcome(over('top', 'low, b'), over('low', 'a, b'))).toEqual({ kept: ['a', 'b', 'top', 'low'], refused: [], gone: [] });
  });

  it('are refused where they come back to themselves, with every rule of the circle and what stands on it', () => {
    const { kept, refused } = outcome(
      over('one', 'two, a'),
      over('two', 'three, a'),
      over('three', 'one, a'),
      over('top', 'one, b'),
      over('fine', 'a, b'),
    );
    expect(kept).toEqual(['a', 'b', 'fine']);
    expect(refused).toEqual([
      '13:32 it refers to itself: one > two > three > one',
      '17:32 it refers to itself: two > three > one > two',
      '21:32 it refers to itself: three > one > two > three',
      '25:40 it refers to rule one, which is not there or was refused',
    ]);
    expect(outcome(over('self', 'self, a')).refused[0]).toContain('it refers to itself: self > self');
  });

  it('end: eight correlations above one another, no more', () => {
    const chain = (length: number): string[] =>
      Array.from({ length }, (_, index) => over(`c${index}`, index === 0 ? 'a, b' : `c${index - 1}, b`));
    expect(outcome(...chain(8)).refused).toEqual([]);
    expect(outcome(...chain(9)).refused).toContain('45:32 it stands on 8 levels of correlations; 7 are allowed');
  });

  it('take what only a refused correlation wanted with them', () => {
    const { kept, gone } = outcome(over('low', 'a, b'), over('top', 'low, gone'));
    expect(kept).toEqual([]);
    expect(gone).toEqual([1, 6, 11]);
  });

  it('are read in time that grows with the number of references only', () => {
    const levels = Array.from({ length: 7 }, (_, level) =>
      Array.from({ length: 40 }, (_unused, at) =>
        over(`l${level}x${at}`, level === 0 ? 'a, b' : Array.from({ length: 25 }, (_none, to) => `l${level - 1}x${to}`).join(', ')),
      ),
    ).flat();
    expect(outcome(...levels).kept.length).toBeGreaterThan(200);
  });
});
