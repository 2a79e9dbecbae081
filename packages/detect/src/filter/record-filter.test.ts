/** The filter in front of the rules loses nothing: filter and confirm against the rules alone, and the module against the same machine as TypeScript. */
import type { Fields, LogSource } from '@tocsin/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeAlone } from '../../test/judge-alone.ts';
import { spelledJson } from '../../test/spelled-json.ts';
import { batchOf, logSource } from '../../test/test-sources.ts';
import { compileRules } from '../compile/compile-rules.ts';
import type { CompiledRules } from '../compile/compiled-rules.ts';
import { judgeRecords } from '../match/judge-records.ts';
import { parseRules } from '../parse/parse-rules.ts';
import { createRecordFilter } from './record-filter.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);

const names = ['a', 'b', 'c.d', 'a.b', 'x.y.z', 'alias', '__proto__'];
const words = [
  'a',
  'B',
  'ab',
  'Kelvin',
  'ſet',
  'İx',
  'K',
  '-e',
  '/e',
  '–e',
  ' -e',
  'é',
  'É',
  'a/b',
  'a\\b',
  '"q"',
  'ς',
  '😀',
  'ß',
  '\u0000',
  '1',
  '10',
  '1.5',
  'true',
  '',
  '\ud800',
  'powershell.exe',
  'x'.repeat(40),
];
const text = fc.oneof(
  fc.constantFrom(...words),
  fc.array(fc.constantFrom(...words), { maxLength: 4 }).map((parts) => parts.join('')),
);
const scalar = fc.oneof(
  { weight: 6, arbitrary: text },
  fc.constantFrom<unknown>(0, 1, 10, -1, 1.5, 1e21, 12345678901234567000, true, false, null),
);
const value = fc.oneof(
  { weight: 6, arbitrary: scalar },
  fc.array(scalar, { maxLength: 3 }),
  fc.array(fc.array(scalar, { maxLength: 2 }), { maxLength: 2 }),
);
const leafMap = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'y', 'z', 'y.z', 'q'), value, { maxKeys: 4 });
const event = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'c.d', 'a.b', 'x', 'x.y', 'x.y.z', 'other', 'deep', 'p', 'w', '__proto__', 'Records'),
  fc.oneof(
    { weight: 4, arbitrary: value },
    leafMap,
    fc.array(leafMap, { maxLength: 2 }),
    fc.constant({ y: { z: 'a', deeper: [[{ z: 'b' }]] } }),
  ),
  { maxKeys: 7 },
);

const pattern = fc.oneof(
  text,
  fc.array(fc.oneof(text, fc.constantFrom('*', '?', '\\*')), { maxLength: 4 }).map((parts) => parts.join('')),
);
const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 5 }));
const regex = fc.constantFrom(
  '^a',
  'ab+',
  '(?i)k',
  '(a|B)\\\\b',
  '[kK]elvin',
  'a{2}|é',
  '-e\\s?',
  '(?:x{3}|y)z?',
  '\\d+',
  'S.T',
  '"q"',
  'a\\/b',
  '(set){1}',
  String.raw`-\we`,
  String.raw`^[aA]b`,
  'a[/\\\\]b$',
  '^(?:B|x{2})$',
  'K[de]',
  String.raw`\d\.?5`,
  '^$',
);
const line = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constantFrom(
        '',
        '|contains',
        '|startswith',
        '|endswith',
        '|contains|all',
        '|cased',
        '|contains|cased',
        '|windash',
        '|contains|windash',
        '|endswith|windash',
        '|neq',
      ),
      many(pattern),
    ),
  },
  fc.tuple(fc.constantFrom('|re', '|re|i', '|re|all'), many(regex)),
  fc.tuple(fc.constantFrom('|lt', '|gte'), many(fc.constantFrom(1, 5))),
  fc.tuple(fc.constant('|cidr'), fc.constantFrom('10.0.0.0/8', '::/0')),
  fc.tuple(fc.constant('|exists'), fc.boolean()),
  fc.tuple(fc.constantFrom('|fieldref', '|fieldref|startswith'), fc.constantFrom(...names)),
  fc.tuple(fc.constant(''), fc.constantFrom(null, 1, true, 1.5)),
);
const map = fc
  .array(fc.tuple(fc.constantFrom(...names), line), { minLength: 1, maxLength: 3 })
  .map((lines) => Object.fromEntries(lines.map(([name, [modifiers, values]]) => [name + modifiers, values])));
const keywords = fc.oneof(
  fc.array(
    fc.oneof(
      text.filter((one) => one !== ''),
      fc.constantFrom('a*b', 'e?', 10),
    ),
    { minLength: 1, maxLength: 4 },
  ),
  many(regex).map((values) => ({ '|re': values })),
  fc.record({ '|all': fc.array(text, { minLength: 2, maxLength: 3 }) }),
);
const selection = fc.oneof({ weight: 5, arbitrary: map }, fc.array(map, { minLength: 1, maxLength: 2 }), keywords);
const condition = fc.constantFrom(
  'one',
  'one and not two',
  'one or two',
  'not one',
  'all of them',
  '2 of them',
  'not 2 of them',
  '1 of t* and not three',
  'not (one and (two or not three))',
  'not all of t*',
);
const detection = fc.record({ one: selection, two: selection, three: selection, condition });

const source: Partial<LogSource> = { aliases: { alias: ['p.b', 'w', 'a.b'] }, prefixes: ['deep.'] };

function compile(detections: readonly object[], parts: Partial<LogSource>): CompiledRules {
  const files = detections.map((one, index) => ({
    path: `${index}.yml`,
    text: JSON.stringify({ title: `rule ${index}`, id: `rule-${index}`, logsource: { product: 'test' }, detection: one }),
  }));
  return compileRules(parseRules(files).rules, [logSource({ ...source, ...parts })]);
}

const decoder = new TextDecoder();

function decode(record: Uint8Array): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(decoder.decode(record));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** A record of which nothing is read that was not asked for. */
function onlyMembers(fields: Fields | undefined, members?: ReadonlySet<string>): Fields | undefined {
  if (fields === undefined || members === undefined) return fields;
  return Object.fromEntries(Object.entries(fields).filter(([name]) => members.has(name)));
}

function judge(compiled: CompiledRules, records: readonly Uint8Array[], by = judgeRecords): string[] {
  const found: string[] = [];
  by(compiled, batchOf(records), {
    mappingOf: () => 'test',
    fieldsOf: (index, members) => onlyMembers(decode(records[index] as Uint8Array), members),
    onHit: ({ index, detection: { rule } }) => found.push(`${index} ${rule.meta.id}`),
    onRuleError: (_index, _rule, cause) => {
      throw cause;
    },
  });
  return found;
}

const json = { jsonObjects: { unless: ['Records'] } };

describe('the filter', () => {
  it(`loses no match, whatever the rules and however the records are spelled (seed ${seed})`, () => {
    fc.assert(
      fc.property(
        fc.array(detection, { minLength: 1, maxLength: 6 }),
        fc.array(spelledJson(event), { minLength: 1, maxLength: 12 }),
        (detections, records) => {
          // Through JSON, as rules come from files: `__proto__` becomes an own key.
          const rules = JSON.parse(JSON.stringify(detections)) as object[];
          const filtered = compile(rules, json);
          expect(judge(filtered, records)).toEqual(judge(filtered, records, judgeAlone));
          expectTwins(filtered, records);
        },
      ),
      { seed, numRuns: 1500 },
    );
  }, 300_000);

  it('asks for few confirmations', () => {
    const compiled = compile([{ one: { a: ['x*y', 'exactly'], 'b|contains': 'needle' }, condition: 'one' }], json);
    const records = [
      '{"a":"xqy","b":"a NEEDLE"}',
      '{"a":"xqy","b":"none"}',
      '{"b":"needle"}',
      '{"a":"Exactly","b":["no","needle"]}',
      '{"a":"not exactly","b":"needle"}',
    ];
    expect(candidatesOf(compiled, records)).toEqual([[0], [], [], [0], []]);
  });

  it.each([
    ['an escaped key', String.raw`{"\u0061":"x","q":1}`],
    ['a key twice', '{"a":"q","a":"x"}'],
    ['two spellings of a path', '{"a.b":1,"a":{"b":"x"}}'],
    ['nesting without end', `{"a":${'['.repeat(5000)}`],
    ['a member that wraps others', '{"Records":[{"a":"x"}]}'],
    ['text before the object', '\ufeff{"a":"x"}'],
    ['an end that is missing', '{"a":"x'],
    ['nothing at all', ''],
  ])('leaves %s to the rules', (_what, record) => {
    const compiled = compile([{ one: { a: 'x' }, two: { 'a.b': 'x' }, condition: 'one or two' }], json);
    expect(candidatesOf(compiled, [record])).toEqual(['all']);
  });

  it('judges beyond the bounds of a chunk and a record', () => {
    const compiled = compile([{ one: { 'a|contains': 'needle' }, condition: 'one' }], json);
    const long = (length: number): string => `{"a":"${'x'.repeat(length)}needle"}`;
    const records = [
      ...Array.from({ length: 700 }, (_, i) => `{"a":"${i % 3 === 0 ? 'needle' : 'none'}"}`),
      long(90_000),
      long(90_000),
      long(300_000),
      '{"a":"needle"}',
    ];
    const found = candidatesOf(compiled, records);
    expect(found.slice(0, 4)).toEqual([[0], [], [], [0]]);
    expect(found.slice(700)).toEqual([[0], [0], 'all', [0]]);
    expect(found.filter((one) => one.length > 0)).toHaveLength(234 + 4);
  });
});

function candidatesOf(compiled: CompiledRules, records: readonly string[]): (number[] | 'all')[] {
  const batch = batchOf(records.map((record) => new TextEncoder().encode(record)));
  compiled.filter.scan(
    batch,
    records.map(() => compiled.route('test')),
  );
  return records.map((_, index) => {
    const candidates = compiled.filter.candidates(index);
    return candidates === 'all' ? candidates : Array.from(candidates);
  });
}

/** The module and the same machine as TypeScript find the same candidates. */
function expectTwins(compiled: CompiledRules, records: readonly Uint8Array[]): void {
  const batch = batchOf(records);
  const [module, twin] = [{}, { runsAs: 'typescript' } as const].map((options) => {
    const filter = createRecordFilter(options);
    filter.scan(
      batch,
      records.map(() => compiled.route('test')),
    );
    return records.map((_, index) => [filter.candidates(index)].map((found) => (found === 'all' ? found : Array.from(found))));
  });
  expect(twin).toEqual(module);
}
