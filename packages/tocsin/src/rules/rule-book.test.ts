import { describe, expect, it } from 'vitest';
import { bookOf, logSources, openGround, ruleFile, ruleText } from '../../test/ground.ts';
import { RULE_SETS_BUCKET } from '../topology.ts';
import { hashRuleFiles, RuleBook } from './rule-book.ts';
import { listRules } from './rule-report.ts';

describe('rule book', () => {
  it("gives each tenant everybody's rules and its own", () => {
    const book = bookOf(ruleFile('s', 's'), ruleFile('a', 'a', 'acme'), ruleFile('g', 'g', 'globex'));
    const ids = (tenant: string): string[] => book.rulesFor(tenant).map((rule) => rule.meta.id);
    expect([ids('acme'), ids('globex'), ids('nobody'), ids('__proto__')]).toEqual([['s', 'a'], ['s', 'g'], ['s'], ['s']]);
    expect(listRules(book, 'acme').rules.map(({ id, own }) => [id, own])).toEqual([
      ['s', false],
      ['a', true],
    ]);
    expect(book.tenants()).toEqual(['acme', 'globex']);
    expect(book.filesOf('globex').map((file) => file.path)).toEqual(['s.yml', 'g.yml']);
  });

  it('has a hash of its content, whatever the order', () => {
    const files = [ruleFile('s', 's'), ruleFile('a', 'a', 'acme'), ruleFile('g', 'g', 'globex')];
    expect(hashRuleFiles(files)).toBe(hashRuleFiles([...files].reverse()));
    const variants = [
      files.slice(1),
      files.map((file) => ({ ...file, tenant: 'acme' })),
      files.map((file) => ({ ...file, text: `${file.text} ` })),
      files.map((file) => ({ ...file, path: `x${file.path}` })),
    ];
    expect(new Set([files, ...variants].map(hashRuleFiles)).size).toBe(5);
  });

  it('leaves out the rule that is wrong, with its line, and keeps the others of its file', () => {
    const text = `${ruleText('one', 'a')}---\ntitle: bad\nlogsource: { product: test }\ndetection: { s: { a: 1 }, condition: nothing }\n---\n${ruleText('two', 'b')}`;
    const book = bookOf({ path: 'mixed.yml', text }, { path: 'broken.yml', text: 'title: [' });
    expect(book.rulesFor('x').map((rule) => rule.meta.id)).toEqual(['one', 'two']);
    const { refused } = listRules(book, 'x');
    expect(refused.map(({ path }) => path)).toEqual(['mixed.yml', 'broken.yml']);
    expect(refused[0]?.line).toBeGreaterThan(5);
    expect(refused.every(({ reason }) => reason.length > 20)).toBe(true);
  });

  it('is kept by its hash and comes back the same', async () => {
    const { bus } = await openGround();
    const bucket = bus.bucket(RULE_SETS_BUCKET);
    const book = bookOf(ruleFile('s', 's'), ruleFile('a', 'a', 'acme'));
    await book.save(bucket);
    await book.save(bucket);
    const loaded = await RuleBook.load(bucket, book.hash, logSources);
    expect(loaded?.hash).toBe(book.hash);
    expect(loaded?.rulesFor('acme')).toHaveLength(2);
    expect(await RuleBook.load(bucket, 'f'.repeat(32), logSources)).toBeUndefined();
  });
});
