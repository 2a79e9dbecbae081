import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bookOf, logSources, openGround, ruleFile, ruleText } from '../../test/ground.ts';
import { RULE_SETS_BUCKET } from '../topology.ts';
import { openParsedRuleStore } from './parsed-rule-store.ts';
import { RuleBook, type RuleFile } from './rule-book.ts';
import { listRules } from './rule-report.ts';
import { RuleSetHashes } from './rule-set-hash.ts';

const hashOf = (files: readonly RuleFile[]): string => new RuleSetHashes().hash(files, []);

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

  it('reads what its files come to where an earlier start has kept it, and reads files where that is damaged', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-rules-'));
    const ignored: string[] = [];
    const parsedRules = openParsedRuleStore({ folder, onIgnored: (_, reason) => ignored.push(reason) });
    const files = [ruleFile('s', 's'), { path: 'broken.yml', text: 'title: [' }, ruleFile('a', 'a', 'acme')];
    const compile = (): RuleBook => RuleBook.compile(files, logSources, { parsedRules });
    const contentOf = (book: RuleBook): unknown => [
      book.rulesFor('acme'),
      book.rulesFor(''),
      book.refusedFor('').map(({ reason }) => reason),
    ];
    try {
      const first = compile();
      const [name = ''] = readdirSync(folder);
      const second = compile();
      expect(second.rulesFor('')[0]).not.toBe(first.rulesFor('')[0]);
      expect(contentOf(second)).toEqual(contentOf(first));
      expect(second.compiledFor('acme').rules).toHaveLength(2);
      const more = RuleBook.compile([...files, ruleFile('t', 't')], logSources, { before: second, parsedRules });
      // What did not change is taken over.
      expect(more.rulesFor('')[0]).toBe(second.rulesFor('')[0]);
      expect([readdirSync(folder), ignored]).toEqual([[name], []]);
      writeFileSync(join(folder, name), 'damaged');
      expect(contentOf(compile())).toEqual(contentOf(first));
      expect(ignored).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('has a hash of its content, whatever the order', () => {
    const files = [ruleFile('s', 's'), ruleFile('a', 'a', 'acme'), ruleFile('g', 'g', 'globex')];
    expect(hashOf(files)).toBe(hashOf([...files].reverse()));
    const variants = [
      files.slice(1),
      files.map((file) => ({ ...file, tenant: 'acme' })),
      files.map((file) => ({ ...file, text: `${file.text} ` })),
      files.map((file) => ({ ...file, path: `x${file.path}` })),
    ];
    expect(new Set([files, ...variants].map(hashOf)).size).toBe(5);
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
    const loaded = await RuleBook.load(bucket, book.hash, { logSources });
    expect(loaded?.hash).toBe(book.hash);
    expect(loaded?.rulesFor('acme')).toHaveLength(2);
    expect(await RuleBook.load(bucket, 'f'.repeat(32), { logSources })).toBeUndefined();
  });

  it('judges nothing by a rule in quarantine, for the tenant that put it there, and keeps that with the set', async () => {
    const files = [ruleFile('s', 's'), ruleFile('t', 't')];
    const quarantine = [{ tenant: 'acme', ruleId: 's', reason: 'too slow', sinceMs: 5 }];
    const book = RuleBook.compile(files, logSources, { quarantine });
    const judging = (tenant: string): string[] | undefined =>
      book
        .compiledFor(tenant)
        .route('json')
        ?.detections.map(({ rule }) => rule.meta.id);
    expect([judging('acme'), judging('globex')]).toEqual([['t'], ['s', 't']]);
    expect(listRules(book, 'acme').rules).toMatchObject([{ id: 's', quarantine: { reason: 'too slow', sinceMs: 5 } }, { id: 't' }]);
    expect(listRules(book, 'globex').rules[0]).not.toHaveProperty('quarantine');
    expect(book.hash).not.toBe(hashOf(files));
    const { bus } = await openGround();
    const bucket = bus.bucket(RULE_SETS_BUCKET);
    await book.save(bucket);
    const loaded = await RuleBook.load(bucket, book.hash, { logSources });
    expect([loaded?.hash, loaded?.quarantineOf('acme')]).toEqual([book.hash, quarantine]);
  });
});
