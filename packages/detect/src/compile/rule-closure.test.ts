import { describe, expect, it } from 'vitest';
import { parseRules } from '../parse/parse-rules.ts';
import { ruleClosure } from './rule-closure.ts';

const plain = (id: string): string =>
  `title: ${id}\nid: ${id}\nlogsource: { product: test }\ndetection: { s: { a: ${id} }, condition: s }\n---\n`;
const above = (id: string, rules: string): string =>
  `title: ${id}\nid: ${id}\ncorrelation: { type: temporal, rules: [${rules}], group-by: [host], timespan: 5m }\n---\n`;
const text = plain('a') + plain('b') + plain('c') + above('ab', 'a, b') + above('top', 'ab, c');
const { rules, refused } = parseRules([{ path: 'all.yml', text }]);
const ids = (list: readonly { readonly meta: { readonly id: string } }[]): string[] => list.map(({ meta }) => meta.id);

describe('rule closure', () => {
  it('takes every correlation above a rule, and everything those stand on', () => {
    expect(refused).toEqual([]);
    const of = (...asked: string[]): [string[], string[]] => {
      const { targets, needed } = ruleClosure(rules, asked);
      return [ids(targets), ids(needed)];
    };
    expect(of('b')).toEqual([
      ['b', 'ab', 'top'],
      ['a', 'b', 'c', 'ab', 'top'],
    ]);
    expect(of('top')).toEqual([['top'], ['a', 'b', 'c', 'ab', 'top']]);
    expect(of('c')).toEqual([
      ['c', 'top'],
      ['a', 'b', 'c', 'ab', 'top'],
    ]);
    expect(of('nobody')).toEqual([[], []]);
  });
});
