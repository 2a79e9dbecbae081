/** A set read with what is remembered of the one before comes to what it comes to when every file is read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeRules, encodeRules } from './encode-rules.ts';
import { ParseMemo, type RuleFile } from './parse-memo.ts';
import { type ParsedRules, parseRules } from './parse-rules.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const plain = (id: number, word: string): string =>
  `title: Rule ${id}\nid: rule-${id}\nname: name_${id}\nlogsource: {product: test}\ndetection:\n  sel: {a: '${word}'}\n  condition: sel\n`;

/** Files that a set may have; the same number may hold another text in another set. */
const texts = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat({ max: 12 }), fc.constantFrom('x', 'y')).map(([id, word]) => plain(id, word)) },
  fc.constantFrom(
    plain(1, 'a').concat('---\n', plain(2, 'b')),
    plain(3, 'a').concat('---\n', 'title: broken\n'),
    'title: [',
    '',
    'title: Needs\nid: needs\nlogsource: {product: test}\ndetection:\n  sel: {a|expand: "%given%"}\n  condition: sel\n',
    'title: Correlation\nid: corr\ncorrelation: {type: event_count, rules: [name_1], group-by: [u], timespan: 1m, condition: {gte: 2}}\n',
    'title: Correlation 2\nid: corr2\ncorrelation: {type: event_count, rules: [name_7], group-by: [u], timespan: 1m, condition: {gte: 2}}\n',
    'title: Filter\nid: filter\nlogsource: {product: test}\nfilter: {rules: [rule-1, rule-4], selection: {b: z}, condition: not selection}\n',
    'placeholders: {given: [one, two]}\n',
    'action: global\nlogsource: {product: test}\n---\n'.concat(plain(8, 'q')),
  ),
);
const change = fc.record({ at: fc.nat({ max: 20 }), file: fc.nat({ max: 15 }), text: texts, drop: fc.boolean() });

describe('what is remembered of rule files', () => {
  it.each([
    ['by the same memo', (memo: ParseMemo): ParseMemo => memo],
    [
      'by a memo of what was kept of the set',
      (_: ParseMemo, files: readonly RuleFile[], parsed: ParsedRules): ParseMemo =>
        ParseMemo.of({ files, parsed: decodeRules(encodeRules(parsed)) }),
    ],
  ])(
    `gives what reading them gives, %s (seed ${seed})`,
    (_, next) => {
      fc.assert(
        fc.property(fc.array(fc.array(change, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 12 }), (sets) => {
          let memo = new ParseMemo();
          let files: RuleFile[] = [];
          for (const changes of sets) {
            for (const { at, file, text, drop } of changes) {
              const path = `${file}.yml`;
              files = files.filter((one) => one.path !== path);
              if (!drop) files.splice(at % (files.length + 1), 0, { path, text });
            }
            const parsed = parseRules([...files], { memo, compact: true });
            memo = next(memo, files, parsed);
            const { refused, ...rest } = parsed;
            const { refused: expectedRefused, ...expected } = parseRules(files);
            expect(rest).toEqual(expected);
            expect(refused.map(({ error, ...place }) => [place, error.code, error.message])).toEqual(
              expectedRefused.map(({ error, ...place }) => [place, error.code, error.message]),
            );
          }
        }),
        { seed, numRuns: Number(process.env['TOCSIN_RUNS'] ?? 150) },
      );
    },
    60_000,
  );

  it('knows the files of a set that was kept: a change reads the changed file alone', () => {
    const files = [1, 2, 3].map((id) => ({ path: `${id}.yml`, text: plain(id, 'x') }));
    const memo = ParseMemo.of({ files, parsed: decodeRules(encodeRules(parseRules(files))) });
    expect(files.map((file) => memo.documentsOf(file)?.length)).toEqual([1, 1, 1]);
    const broken = [...files, { path: '4.yml', text: 'title: [' }];
    const other = ParseMemo.of({ files: broken, parsed: parseRules(broken) });
    expect(broken.map((file) => other.documentsOf(file)?.length)).toEqual([1, 1, 1, undefined]);
  });
});
