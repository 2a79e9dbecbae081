/** A rule set made from the one before judges as one made from nothing: over random changes, kept programs, and sets that are used in turns. */
import { decodeImage, encodeImage, type ProgramImage } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchOf, logSource } from '../../test/test-sources.ts';
import { judgeRecords } from '../match/judge-records.ts';
import { parseRules } from '../parse/parse-rules.ts';
import type { ParsedRule } from '../parse/parsed-rule.ts';
import { compileRules } from './compile-rules.ts';
import type { CompiledRules } from './compiled-rules.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const words = ['alpha', 'beta', 'gamma', 'powershell.exe', 'a', 'é', '-enc', 'x*y', '1'];
const modifiers = ['', '|contains', '|startswith', '|endswith', '|re', '|contains|all'];
const sources = [
  logSource({ jsonObjects: { unless: [] } }),
  logSource({ mapping: 'other', categories: ['two'], jsonObjects: { unless: [] } }),
];
const encoder = new TextEncoder();

/** Rule number n of the world in its given edition. */
function ruleText(number: number, edition: number): string {
  const word = words[(number * 7 + edition) % words.length];
  const modifier = modifiers[(number + edition) % modifiers.length];
  const value = modifier === '|re' ? '^al.*a' : modifier === '|contains|all' ? `['${word}', 'a']` : `'${word}'`;
  const category = number % 3 === 0 ? ', category: two' : '';
  const condition = number % 4 === 0 ? `  no: {b: '${words[number % words.length]}'}\n  condition: sel and not no` : '  condition: sel';
  return `title: Rule ${number}\nid: rule-${number}\nlogsource: {product: test${category}}\ndetection:\n  sel: {a${modifier}: ${value}}\n${condition}\n`;
}

const parsed = new Map<string, ParsedRule>();
function rule(number: number, edition: number): ParsedRule {
  const text = ruleText(number, edition);
  const { rules, refused } = parseRules([{ path: `${number}.yml`, text }]);
  if (rules[0] === undefined) throw new Error(refused[0]?.reason ?? text);
  const known = parsed.get(text) ?? rules[0];
  parsed.set(text, known);
  return known;
}

const records = words.flatMap((one) =>
  words.flatMap((two) => [`{"a":"${one}","b":"${two}"}`, `{"a":["${one}${two}","q"]}`, `{"a":"x ${one} ${two} y"}`]),
);
const batch = batchOf([...records, '{"\\u0061":"alpha"}', 'broken'].map((record) => encoder.encode(record)));

function hitsOf(compiled: CompiledRules): string[] {
  const hits: string[] = [];
  judgeRecords(compiled, batch, {
    mappingOf: (index) => (index % 2 === 0 ? 'test' : 'other'),
    fieldsOf: (index) => (index < records.length ? (JSON.parse(records[index] as string) as Record<string, unknown>) : { a: 'alpha' }),
    onHit: ({ index, detection }) => hits.push(`${index} ${detection.rule.meta.id} ${detection.rule.meta.version}`),
    onRuleError: (_index, id, cause) => {
      throw new Error(id, { cause });
    },
  });
  return hits;
}

const change = fc.record({
  add: fc.array(fc.nat({ max: 199 }), { maxLength: 4 }),
  drop: fc.array(fc.nat({ max: 199 }), { maxLength: 4 }),
  edit: fc.array(fc.nat({ max: 199 }), { maxLength: 3 }),
  many: fc.boolean(),
  skipped: fc.boolean(),
});

describe('a rule set made from the one before', () => {
  it(`finds what one made from nothing finds (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.nat({ max: 120 }), fc.array(change, { minLength: 1, maxLength: 12 }), (size, changes) => {
        const editions = new Map(Array.from({ length: size }, (_, number) => [number, 0]));
        const set = (): ParsedRule[] => [...editions].sort(([a], [b]) => a - b).map(([number, edition]) => rule(number, edition));
        let current = compileRules(set(), sources);
        const alive: [CompiledRules, string[]][] = [[current, hitsOf(current)]];
        for (const { add, drop, edit, many, skipped } of changes) {
          for (const number of many ? add.flatMap((one) => Array.from({ length: 40 }, (_, i) => (one + i) % 200)) : add)
            if (!editions.has(number)) editions.set(number, 0);
          for (const number of drop) editions.delete(number);
          for (const number of edit) if (editions.has(number)) editions.set(number, (editions.get(number) ?? 0) + 1);
          current = compileRules(set(), sources, { before: current });
          // A set may be replaced before anything was judged by it.
          if (skipped) continue;
          const hits = hitsOf(current);
          const anew = compileRules(set(), sources);
          expect(hits).toEqual(hitsOf(anew));
          expect([current.ruleSetHash, current.inactive, current.folds]).toEqual([anew.ruleSetHash, anew.inactive, anew.folds]);
          alive.push([current, hits]);
        }
        for (const [compiled, hits] of alive) expect(hitsOf(compiled)).toEqual(hits);
      }),
      { seed, numRuns: Number(process.env['TOCSIN_RUNS'] ?? 60) },
    );
  }, 120_000);

  it('plans one rule that is added, not the others', () => {
    const set = Array.from({ length: 150 }, (_, number) => rule(number, 0));
    const before = compileRules(set.slice(1), sources);
    hitsOf(before);
    const after = compileRules(set, sources, { before });
    expect(after.route('other')?.parts[0]?.part).toBe(before.route('other')?.parts[0]?.part);
    expect(
      after
        .route('other')
        ?.parts.at(-1)
        ?.part.rules.map(({ meta }) => meta.id),
    ).toEqual(['rule-0']);
  });

  it('reads kept programs instead of making them', () => {
    const kept = new Map<string, Uint8Array>();
    const read: string[] = [];
    const programs = {
      read: (key: string): ProgramImage | undefined => {
        const bytes = kept.get(key);
        if (bytes !== undefined) read.push(key);
        return bytes === undefined ? undefined : decodeImage(bytes);
      },
      write: (key: string, image: ProgramImage) => void kept.set(key, encodeImage(image)),
    };
    const set = Array.from({ length: 100 }, (_, number) => rule(number, 0));
    const expected = hitsOf(compileRules(set, sources, { programs }));
    expect(kept.size).toBe(2);
    expect(read).toEqual([]);
    expect(hitsOf(compileRules(set, sources, { programs }))).toEqual(expected);
    expect(read).toHaveLength(2);
    expect(hitsOf(compileRules(set.slice(1), sources, { programs })).length).toBeLessThan(expected.length);
    // Only the route that has the rule is another.
    expect(kept.size).toBe(3);
  });
});
