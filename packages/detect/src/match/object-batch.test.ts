/** Records that are no JSON objects: filtered by what their decoder reads, with the outcome that every rule by itself would have. */
import type { Fields } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAlone } from '../../test/judge-alone.ts';
import { batchOf, logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { judgeRecords } from './judge-records.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);

const RULES = [
  `{ sel: { a: x }, condition: sel }`,
  `{ sel: { 'a|contains': 'é' }, other: { 'b|exists': true }, condition: sel and not other }`,
  `{ sel: { 'b|exists': true }, condition: sel }`,
  `{ sel: { b: null }, condition: sel }`,
  `{ sel: { 'n|gte': 10 }, condition: sel }`,
  `{ sel: { 'c.d': 'x*' }, condition: sel }`,
  `{ words: ['needle', 'x y'], condition: words }`,
  `{ sel: { a: '*' }, condition: not sel }`,
].map((detection, i) => `title: R${i}\nid: r${i}\nlogsource: { product: test }\ndetection: ${detection}`);

function compile(): CompiledRules {
  const { rules, refused } = parseRules(RULES.map((text, i) => ({ path: `${i}.yml`, text })));
  expect(refused.map(({ error }) => error)).toEqual([]);
  return compileRules(rules, [logSource(), logSource({ mapping: 'json', jsonObjects: { unless: [] } })]);
}

const compiled = compile();

/** What a decoder may come to, and a value that none of ours gives but that must not be lost all the same. */
const scalar = fc.oneof(
  fc.constantFrom<unknown>('x', 'X', 'é', 'É', 'a needle', 'x y', '', '\u0000', '\ud800', '"', '\\', 'xyz'),
  fc.constantFrom<unknown>(10, 9.5, -0, Number.NaN, Number.POSITIVE_INFINITY, true, null, undefined, 12n, Uint8Array.of(120)),
);
const value = fc.oneof({ weight: 4, arbitrary: scalar }, fc.array(scalar, { maxLength: 3 }), fc.record({ d: scalar }));
const fields: fc.Arbitrary<Fields | undefined> = fc.option(
  fc.dictionary(fc.constantFrom('a', 'b', 'n', 'c', 'c.d', '__proto__', 'toJSON'), value, { maxKeys: 5 }),
  { nil: undefined, freq: 12 },
);

interface Seen {
  readonly hits: readonly string[];
  readonly decoded: readonly number[];
}

function judge(decoded: readonly (Fields | undefined)[], by = judgeRecords): Seen {
  const hits: string[] = [];
  const asked: number[] = [];
  by(compiled, batchOf(decoded.map(() => new TextEncoder().encode('<13>text\n'))), {
    mappingOf: () => 'test',
    fieldsOf: (index) => {
      asked.push(index);
      return decoded[index];
    },
    onHit: ({ index, detection }) => hits.push(`${index} ${detection.rule.meta.id}`),
    onRuleError: (_index, _rule, cause) => {
      throw cause;
    },
  });
  return { hits, decoded: asked };
}

describe('records that are no JSON objects', () => {
  it(`are judged as every rule by itself would (seed ${seed})`, () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 8 }), (decoded) => {
        const seen = judge(decoded);
        expect(seen.hits).toEqual(judge(decoded, judgeAlone).hits);
        expect(seen.decoded).toEqual(decoded.map((_, index) => index));
      }),
      { seed, numRuns: 1000 },
    );
  });

  it('are looked at rule by rule only where the filter says so', () => {
    const evaluated: number[] = [];
    judgeRecords(compiled, batchOf([new Uint8Array(3), new Uint8Array(3)]), {
      mappingOf: () => 'test',
      fieldsOf: (index) => (index === 0 ? { a: 'harmless' } : { a: 'x' }),
      onHit: ({ index }) => evaluated.push(index),
      onRuleError: () => undefined,
      cost: { begin: () => evaluated.push(-1), end: () => undefined } as never,
    });
    // Of eight rules one is asked about the first record and two about the second; all of them hold.
    expect(evaluated).toEqual([-1, 0, -1, 1, -1, 1]);
  });

  it('are not decoded where no rule is routed to them', () => {
    const { rules } = parseRules(RULES.map((text, i) => ({ path: `${i}.yml`, text })));
    judgeRecords(compileRules(rules, [logSource({ product: 'other' })]), batchOf([new Uint8Array(3)]), {
      mappingOf: () => 'test',
      fieldsOf: () => expect.fail('decoded'),
      onHit: () => expect.fail('matched'),
      onRuleError: () => undefined,
    });
  });

  it('stand beside such that are, in the order of the batch', () => {
    const texts = ['text', '{"a":"x"}', 'text', '{"a":"y"}', 'text'];
    const hits: string[] = [];
    judgeRecords(compiled, batchOf(texts.map((text) => new TextEncoder().encode(text))), {
      mappingOf: (index) => (index % 2 === 1 ? 'json' : 'test'),
      fieldsOf: (index) => (index % 2 === 1 ? (JSON.parse(texts[index] ?? '') as Fields) : { a: index === 2 ? 'none' : 'X' }),
      skip: (index) => index === 4,
      onHit: ({ index, detection }) => hits.push(`${index} ${detection.rule.meta.id}`),
      onRuleError: () => undefined,
    });
    expect(hits).toEqual(['0 r0', '0 r3', '1 r0', '1 r3', '2 r3', '3 r3']);
  });
});
