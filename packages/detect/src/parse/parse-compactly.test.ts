import { describe, expect, it } from 'vitest';
import { ruleArchive, skipWithoutCorpora } from '../../test/corpora.ts';
import { decodeRules } from './encode-rules.ts';
import { parseCompactly } from './parse-compactly.ts';
import type { RuleFile } from './parse-memo.ts';
import { parseRules } from './parse-rules.ts';

const plain = (number: number): RuleFile => ({
  path: `r${number}.yml`,
  text: `title: T${number}\nid: r${number}\nname: n${number}\nlogsource: {product: test}\ndetection:\n  s: {a: ${number}}\n  condition: s\n`,
});

/** More than two slices. */
const MANY = Array.from({ length: 600 }, (_, number) => plain(number));

function expectSame(files: readonly RuleFile[]): void {
  const whole = parseRules(files);
  const compact = decodeRules(parseCompactly(files, (file) => file));
  expect(compact.rules).toEqual(whole.rules);
  expect(compact.filters).toEqual(whole.filters);
  expect(compact.placeholders).toEqual(whole.placeholders);
  const said = ({ refused }: typeof whole): unknown[] => refused.map(({ error, ...rest }) => ({ ...rest, message: error.message }));
  expect(said(compact)).toEqual(said(whole));
}

describe('parseCompactly', () => {
  it('reads what parseRules reads', () => {
    expectSame([]);
    expectSame(MANY.slice(0, 3));
    expectSame(MANY);
    expect(decodeRules(parseCompactly(MANY, (file) => file)).rules).toHaveLength(600);
  });

  it.each([
    ['an id that an earlier slice has', { path: 'x.yml', text: plain(1).text.replace('title: T1', 'title: Again') }],
    ['a name that an earlier slice has', { path: 'x.yml', text: plain(1).text.replace('id: r1', 'id: other') }],
    [
      'an id that is the name of an earlier rule',
      { path: 'x.yml', text: plain(1).text.replace('id: r1', 'id: n1').replace('name: n1', 'name: x') },
    ],
    ['a refused rule', { path: 'x.yml', text: plain(1).text.replace('condition: s', 'condition: nothing') }],
    [
      'a correlation over an earlier slice',
      {
        path: 'x.yml',
        text: 'title: C\nid: c\ncorrelation: { type: event_count, rules: [n1], group-by: [u], timespan: 1m, condition: { gte: 2 } }\n',
      },
    ],
    [
      'a filter for an earlier slice',
      { path: 'x.yml', text: 'title: F\nid: f\nlogsource: {product: test}\nfilter:\n  rules: [r1]\n  s: {b: 1}\n  condition: not s\n' },
    ],
  ])('reads %s as it is read among all files', (_, file) => {
    expectSame([...MANY, file]);
    expectSame([file, ...MANY]);
  });

  it('reads all public rules', (context) => {
    skipWithoutCorpora(context);
    expectSame(ruleArchive('sigma-rules/sigmahq-rules.tar.gz'));
  }, 120_000);
});
