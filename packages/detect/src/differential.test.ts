/** The engine against a naive evaluator written from the specification: generated rules over generated events. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { explanationsOf } from '../test/explanations-of.ts';
import { evaluateRule, type Filter, type OracleEvent, type Rule } from '../test/oracle/evaluate.ts';
import { logSource } from '../test/test-sources.ts';
import { compileDetection } from './compile/compile-detection.ts';
import { EventView } from './compile/event-view.ts';
import { explainDetection } from './explain/explain-detection.ts';
import { parseRules } from './parse/parse-rules.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);

const fields = ['a', 'b', 'c.d', 'a.b', '__proto__', 'constructor'];
const letters = fc.constantFrom('a', 'B', '\\', '-', '/', '*', '?', '%', ' ', '.', 'İ', 'ß', 'ς', 'Σ', '😀', '–', '1', '0', 'e', '\n');
const text = fc.array(letters, { maxLength: 6 }).map((parts) => parts.join(''));
const address = fc.constantFrom('10.0.0.1', '10.1.2.3', '::ffff:10.0.0.1', '2001:db8::1', '192.168.1.1', '010.0.0.1', 'x');
// What encodings and placeholders leave in values, which letters at random would hardly ever come to.
const encoded = fc
  .tuple(
    fc.constantFrom('a', 'ab', 'aB1', 'ß😀', 'a-1 /b', 'B*', '1'),
    fc.constantFrom('', '?', '??', ' z'),
    fc.constantFrom('', '!', '!!'),
  )
  .chain(([value, before, behind]) =>
    fc.constantFrom<BufferEncoding>('utf8', 'utf16le').map((form) => Buffer.from(before + value + behind, form).toString('base64')),
  );
const spelled = fc.constantFrom('\\a', '\\Bx', 'aa', 'ab', 'bB', 'B1', '%x%', '100%', '\\%x%', '%', '-*', '1*', '*', 'a%x%', 'B*');
const scalar = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 2, arbitrary: encoded },
  { weight: 2, arbitrary: spelled },
  address,
  fc.integer({ min: -3, max: 12 }),
  fc.boolean(),
  fc.constantFrom(1.5, 4624),
);
const leaf = fc.oneof({ weight: 8, arbitrary: scalar }, fc.constant(null), fc.array(scalar, { maxLength: 3 }));
const inner = fc.dictionary(fc.constantFrom('a', 'b', 'd', '__proto__'), leaf, { maxKeys: 3 });
const event = fc.dictionary(
  fc.constantFrom('a', 'b', 'c', 'c.d', 'a.b', 'constructor', '__proto__'),
  fc.oneof({ weight: 3, arbitrary: leaf }, inner, fc.array(inner, { maxLength: 2 })),
  { maxKeys: 6 },
);

const side = fc.constantFrom('', '|contains', '|startswith', '|endswith');
const flag = fc.constantFrom('', '|all', '|neq');
const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | T[]> => fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 4 }));
const key = (modifiers: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...fields), modifiers, flag).map((parts) => parts.join(''));
const joined = (...parts: fc.Arbitrary<string>[]): fc.Arbitrary<string> => fc.tuple(...parts).map((all) => all.join(''));
const cased = fc.constantFrom('', '|cased');
const moment = fc.constantFrom(
  '2026-01-02 03:04:05',
  '2026-01-02T03:04',
  '2025-12-31T23:59:59.999Z',
  '2024-02-29T12:00:00+02:00',
  1_767_323_045,
  1_767_323_045_000,
  0,
  -1,
  'x',
  '2026',
);
const stamped = fc.dictionary(fc.constantFrom(...fields), fc.oneof(moment, fc.array(moment, { maxLength: 2 })), { maxKeys: 3 });
const line = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(key(joined(side, cased)), many(scalar)) },
  fc.tuple(key(joined(fc.constant('|windash'), side)), many(text)),
  fc.tuple(
    key(
      joined(
        fc.constantFrom(
          '|base64',
          '|base64offset',
          '|windash|base64',
          '|expand|base64offset',
          '|wide|base64',
          '|utf16|base64',
          '|utf16be|base64offset',
          '|utf16le',
        ),
        side,
      ),
    ),
    many(fc.constantFrom('a', 'ab', 'aB1', 'ß😀', 'a-1 -b')),
  ),
  fc.tuple(
    key(fc.constantFrom('|re', '|re|i', '|re|m', '|re|s', '|re|i|s')),
    many(fc.constantFrom('^a', 'b$', 'a.b', '[ab]+', '(a|b){2}', '\\d')),
  ),
  fc.tuple(
    key(fc.constant('|cidr')),
    many(fc.constantFrom('10.0.0.0/8', '10.0.0.1', '2001:db8::/32', '0.0.0.0/0', '::/0', '192.168.1.0/31')),
  ),
  fc.tuple(key(fc.constantFrom('|lt', '|lte', '|gt', '|gte')), many(fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constant('4')))),
  fc.tuple(key(fc.constant('|exists')), fc.boolean()),
  fc.tuple(
    key(joined(fc.constantFrom('|minute', '|hour', '|day', '|week', '|month', '|year'), fc.constantFrom('', '|lt', '|lte', '|gt', '|gte'))),
    many(fc.constantFrom(0, 1, 2, 3, 4, 12, 23, 53, 59, 2025, 2026)),
  ),
  fc.tuple(
    key(joined(fc.constant('|expand'), side, cased)),
    many(fc.constantFrom('%x%', 'a%x%', '%x%%y%', '\\%x%', '\\\\%x%', '100\\%', '%', '%%', '%y%*', 'b')),
  ),
  fc.tuple(key(joined(fc.constant('|fieldref'), side, cased)), fc.constantFrom(...fields)),
  fc.tuple(key(fc.constant('')), fc.constant(null)),
  fc.tuple(fc.constant('|re'), many(fc.constantFrom('a', '^b', '[0-9]'))),
  fc.tuple(fc.constantFrom('', '|all', '|cased', '|startswith'), many(fc.constantFrom('a', 'b', '1', 'a*b', '?'))),
);
const map = fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => Object.fromEntries(lines));
const selection = fc.oneof(
  { weight: 4, arbitrary: map },
  fc.array(map, { minLength: 1, maxLength: 2 }),
  fc.array(fc.constantFrom('a', 'B', '10'), { minLength: 1, maxLength: 3 }),
);
const selections = fc.record({ sel1: selection, sel2: selection, filter: selection, _hidden: selection });

const { condition } = fc.letrec<{ condition: string }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('sel1', 'sel2', 'filter', '_hidden', '1 of sel*', 'all of sel*', '1 of them', 'all of them', '2 of them', 'any of *l*'),
    fc.tuple(tie('condition'), fc.constantFrom('and', 'or', 'AND'), tie('condition')).map((parts) => parts.join(' ')),
    tie('condition').map((inside) => `not ${inside}`),
    tie('condition').map((inside) => `(${inside})`),
  ),
}));

const placeholders = { x: ['a', 'B*', '-'], y: ['1', '\\*'] };
const logsource = { product: 'test', category: 'c' };
const source = fc.constantFrom<Filter['logsource'][]>(
  { product: 'test' },
  { product: 'test', category: 'c' },
  { category: 'c', service: 's' },
);
const filter = fc.record({
  logsource: source,
  filter: fc
    .record({ sel1: selection, filter: selection })
    .chain((parts) =>
      fc.constantFrom('not sel1', 'filter', 'not 1 of them', 'not (sel1 and filter)').map((when) => ({ ...parts, condition: when })),
    )
    .chain((parts) =>
      fc.constantFrom<unknown[]>('any', ['generated'], ['other', 'named'], ['other']).map((rules) => ({ ...parts, rules })),
    ),
});

function engine(detection: object, filters: readonly object[]): (event: OracleEvent) => boolean {
  const text = JSON.stringify({ title: 'generated', id: 'generated', name: 'named', logsource, detection });
  const files = [text, ...filters.map((one, index) => JSON.stringify({ title: `filter ${index}`, ...one }))].map((one, index) => ({
    path: `${index}.yml`,
    text: one,
  }));
  const { rules, refused } = parseRules(files, { placeholders: new Map(Object.entries(placeholders)) });
  const rule = rules[0];
  if (rule?.kind !== 'detection') throw new Error(refused[0]?.reason);
  const view = new EventView(logSource());
  const compiled = compileDetection(rule, view);
  return (shown) => {
    view.show(shown);
    const matched = compiled.test();
    // What is told to people is the same verdict, found along another way.
    const explained = explainDetection(rule, view);
    expect(explained.held).toBe(matched);
    if (matched) expect(compiled.explain()).toEqual(explanationsOf(explained));
    return matched;
  };
}

const generated = { title: 'generated', id: 'generated', name: 'named', logsource };

describe('engine and oracle', () => {
  it(`agree on generated rules and events (seed ${seed})`, () => {
    fc.assert(
      fc.property(
        selections,
        fc.oneof(condition, fc.array(condition, { minLength: 1, maxLength: 2 })),
        fc.array(fc.oneof({ weight: 5, arbitrary: event }, stamped), { minLength: 4, maxLength: 8 }),
        fc.array(filter, { maxLength: 2 }),
        (parts, when, events, around) => {
          // Through JSON, as both read it from a file: `__proto__` becomes an own key.
          const detection = JSON.parse(JSON.stringify({ ...parts, condition: when })) as Rule['detection'];
          const filters = JSON.parse(JSON.stringify(around)) as Filter[];
          const judge = engine(detection, filters);
          for (const shown of events.map((one) => JSON.parse(JSON.stringify(one)) as OracleEvent)) {
            expect(judge(shown)).toBe(evaluateRule({ ...generated, detection }, shown, { filters, placeholders }));
          }
        },
      ),
      { seed, numRuns: 3000 },
    );
  }, 60_000);

  it(`agree on single lines over values that resemble them (seed ${seed})`, () => {
    const values = fc.array(fc.oneof({ weight: 3, arbitrary: encoded }, spelled, text, address, moment, leaf), {
      minLength: 8,
      maxLength: 8,
    });
    fc.assert(
      fc.property(line, values, ([written, value], shown) => {
        const named =
          written.startsWith('|') || written === ''
            ? written
            : `a${written.slice(written.indexOf('|') < 0 ? written.length : written.indexOf('|'))}`;
        const detection = JSON.parse(JSON.stringify({ s: { [named]: value }, condition: 's' })) as Rule['detection'];
        const judge = engine(detection, []);
        for (const one of shown)
          expect(judge({ a: one, b: 'ab' })).toBe(evaluateRule({ title: 'line', detection }, { a: one, b: 'ab' }, { placeholders }));
      }),
      { seed, numRuns: 8000 },
    );
  }, 60_000);
});
