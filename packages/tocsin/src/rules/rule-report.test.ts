import { loadMappings, readShippedMappings } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { bookOf, ruleFile, ruleText } from '../../test/ground.ts';
import { checkRules, listRules } from './rule-report.ts';

const mappings = loadMappings(readShippedMappings());
const check = (files: Parameters<typeof checkRules>[0], present: Parameters<typeof checkRules>[0] = []): ReturnType<typeof checkRules> =>
  checkRules(files, { mappings, test: true, present });

describe('rule check', () => {
  it('refuses an id that is taken by the rules in force, and names where', () => {
    const { accepted, refused } = check([{ path: 'mine.yml', text: ruleText('s', 'x') }], [ruleFile('s', 's')]);
    expect(accepted).toEqual([]);
    expect(refused).toMatchObject([
      { path: 'mine.yml', code: 'detect.duplicate_rule', reason: expect.stringContaining('s.yml') as string },
    ]);
  });

  it("lets a file replace the tenant's own of the same path, and not everybody's", () => {
    expect(check([{ path: 's.yml', text: ruleText('s', 'x') }], [ruleFile('s', 's', 'acme')]).accepted).toHaveLength(1);
    expect(check([{ path: 's.yml', text: ruleText('s', 'x') }], [ruleFile('s', 's')]).accepted).toHaveLength(0);
  });

  it('lets a correlation refer to a rule in force', () => {
    const text = 'title: c\nid: c\ncorrelation: { type: event_count, rules: [s], group-by: [h], timespan: 5m, condition: { gte: 2 } }\n';
    expect(check([{ path: 'c.yml', text }], [ruleFile('s', 's')])).toMatchObject({ accepted: [{ id: 'c' }], refused: [] });
    expect(check([{ path: 'c.yml', text }])).toMatchObject({ accepted: [], refused: [{ path: 'c.yml' }] });
  });

  it('runs the tests a rule carries', () => {
    const text = ruleText(
      't',
      'a',
      'tests:\n  - { name: y, event: { event_type: heartbeat, act: a }, expect: match }\n  - { name: n, event: { event_type: heartbeat, act: b }, expect: match }\n',
    ).replace('product: test', 'category: heartbeat');
    expect(check([{ path: 't.yml', text }]).tests.map((test) => test.passed)).toEqual([true, false]);
  });

  it('accepts filters and values for placeholders, which stand in no rule file of their own', () => {
    const filter = {
      path: 'f.yml',
      text: 'title: No tests\nlogsource: { product: test }\nfilter: { rules: any, s: { act: t }, condition: not s }\n',
    };
    const values = { path: 'p.yml', text: 'placeholders: { admins: [root] }\n' };
    expect(check([filter, values], [ruleFile('s', 's')])).toMatchObject({
      accepted: [
        { path: 'f.yml', kind: 'filter', title: 'No tests (filter of 1 rule)' },
        { path: 'p.yml', kind: 'placeholders', title: 'values of admins' },
      ],
      refused: [],
    });
  });
});

describe('rule list', () => {
  it('says of a rule that cannot fire why', () => {
    const expanding = { path: 'e.yml', text: ruleText('e', "'%admins%'").replace('act:', 'act|expand:') };
    const elsewhere = { path: 'n.yml', text: ruleText('n', 'x').replace('product: test', 'product: nowhere') };
    const { rules } = listRules(bookOf(ruleFile('s', 's'), expanding, elsewhere), 'acme');
    expect(rules.map(({ id, dormant }) => [id, dormant])).toEqual([
      ['s', undefined],
      ['e', 'needs values for admins'],
      ['n', 'no mapping reads events of product: nowhere'],
    ]);
    expect(check([elsewhere]).accepted).toMatchObject([{ id: 'n', dormant: 'no mapping reads events of product: nowhere' }]);
  });

  it('says which filters a rule has, and fires once its placeholders have values', () => {
    const filter = {
      path: 'f.yml',
      text: 'title: No tests\nlogsource: { product: test }\nfilter: { rules: [s], s: { act: t }, condition: not s }\n',
    };
    const expanding = { path: 'e.yml', text: ruleText('e', "'%admins%'").replace('act:', 'act|expand:') };
    const values = { path: 'p.yml', text: 'placeholders: { admins: [root] }\n' };
    const { rules, refused } = listRules(bookOf(ruleFile('s', 's'), filter, expanding, values), 'acme');
    expect(refused).toEqual([]);
    expect(rules.map(({ id, filters, dormant }) => [id, filters, dormant])).toEqual([
      ['s', ['No tests'], undefined],
      ['e', undefined, undefined],
    ]);
  });
});
