/** The machine on bytes that nobody would send on purpose: it ends, stays within the record, and is the same machine twice. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordBatch } from '../record-batch.ts';
import { createScanner, type Scanner } from './create-scanner.ts';
import { ALL_RULES } from './machine/layout.data.ts';
import type { ScanCondition, ScanPlan } from './scan-plan.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const encoder = new TextEncoder();
const leaf = (number: number): ScanCondition => ({ kind: 'leaf', leaf: number });

const plan: ScanPlan = {
  fields: [{ paths: ['a', 'b.c'] }, { paths: ['b.c'] }, { paths: [] }, { paths: ['é'] }],
  unusualKeys: ['odd'],
  leaves: [0, 0, 1, 2, 3],
  needles: [
    { field: 0, anchor: 'inside', bytes: encoder.encode('needle'), leaf: 0, isSure: true },
    { field: 0, anchor: 'inside', bytes: encoder.encode('n'), leaf: 1, isSure: false },
    { field: 1, anchor: 'suffix', bytes: encoder.encode('end'), leaf: 2, isSure: true },
    { field: 1, anchor: 'exact', bytes: encoder.encode(''), leaf: 2, isSure: true },
    { field: 2, anchor: 'inside', bytes: encoder.encode('keyword'), leaf: 3, isSure: false },
    { field: 3, anchor: 'prefix', bytes: encoder.encode('be'), leaf: 4, isSure: true },
  ],
  triggers: [{ field: 1, on: 'wide', leaf: 2, isSure: false }],
  rules: [
    leaf(0),
    leaf(1),
    { kind: 'and', operands: [leaf(2), { kind: 'not', operand: leaf(0) }] },
    leaf(3),
    { kind: 'or', operands: [leaf(4), { kind: 'null', field: 0 }] },
    { kind: 'atLeast', count: 2, operands: [leaf(0), leaf(2), { kind: 'exists', field: 3 }] },
    { kind: 'not', operand: { kind: 'atLeast', count: 2, operands: [leaf(0), leaf(2), { kind: 'exists', field: 3 }] } },
  ],
};

/** Records one after the other with `between` in between, and behind the last. */
function batchOf(records: readonly Uint8Array[], between: Uint8Array): RecordBatch {
  const starts = new Uint32Array(records.length);
  const ends = new Uint32Array(records.length);
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + record.length + between.length, 0));
  let at = 0;
  for (const [index, record] of records.entries()) {
    bytes.set(record, at);
    bytes.set(between, at + record.length);
    starts[index] = at;
    ends[index] = at + record.length;
    at += record.length + between.length;
  }
  return { count: records.length, bytes, starts, ends };
}

function scanAll(scanner: Scanner, records: readonly Uint8Array[], between = encoder.encode('\n')): (number[] | 'all')[] {
  const program = scanner.load(plan);
  scanner.open(batchOf(records, between));
  scanner.scan(
    program,
    records.map((_, index) => index),
  );
  return records.map((_, index) => {
    const found = scanner.candidates(index);
    return found === 'all' ? found : Array.from(found);
  });
}

const pieces = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  '\\u',
  '\\u00',
  '\\ud83d\\ude00',
  '"a"',
  '"b"',
  '"c"',
  '"é"',
  '"odd"',
  'needle',
  'NEEDLE',
  'end',
  'keyword',
  '1',
  '-0',
  '1e5',
  'null',
  'true',
  ' ',
  'K',
];
const garbage = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => encoder.encode(parts.join(''))),
  fc.array(fc.constantFrom(...pieces), { maxLength: 60 }).map((parts) => encoder.encode(`{"a":"${parts.join('')}`)),
);

describe('the scanner', () => {
  const scanners = [createScanner(), createScanner({ runsAs: 'typescript' })];

  it('runs as WebAssembly here', () => {
    expect(scanners.map(({ runsAs }) => runsAs)).toEqual(['wasm', 'typescript']);
  });

  it.each(scanners.map((scanner) => [scanner.runsAs, scanner] as const))('finds what the plan asks for (%s)', (_name, scanner) => {
    const records = [
      '{"a":"xx NEEDLE"}',
      '{"b":{"c":"the End"},"other":[1,{"a":"needle"}]}',
      '{"b.c":"","é":"before"}',
      String.raw`{"a":"\u006eee\u0064le","x":"key\u0077ord"}`,
      '{"a":null,"b":{"c":"needle end"}}',
      '{"odd":1}',
    ].map((text) => encoder.encode(text));
    expect(scanAll(scanner, records)).toEqual([[0, 1, 6], [1, 2, 6], [2, 4, 5], [0, 1, 3, 6], [2, 4, 6], 'all']);
  });

  it(`does the same as WebAssembly and as TypeScript, and reads nothing but its record (seed ${seed})`, () => {
    const [module, twin] = scanners as [Scanner, Scanner];
    fc.assert(
      fc.property(
        fc.array(garbage, { minLength: 1, maxLength: 20 }),
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        (records, between) => {
          const found = scanAll(module, records);
          expect(scanAll(twin, records)).toEqual(found);
          expect(scanAll(module, records, between)).toEqual(found);
          expect(scanAll(module, records, encoder.encode('"needle","keyword"}]'))).toEqual(found);
        },
      ),
      { seed, numRuns: 600 },
    );
  }, 60_000);

  it('knows every letter that folds into ASCII', () => {
    const folding: number[] = [];
    for (let code = 0x80; code <= 0x10ffff; code++) {
      const folded = String.fromCodePoint(code).toLowerCase();
      for (let i = 0; i < folded.length; i++) if (folded.charCodeAt(i) < 0x80) folding.push(code);
    }
    // And U+017F, which an expression without case takes for an s.
    expect(folding).toEqual([0x130, 0x212a]);
  });

  it('gives a record to every rule where its candidates find no room', () => {
    const scanner = createScanner();
    const rules = Array.from({ length: 2000 }, (): ScanCondition => ({ kind: 'maybe' }));
    const program = scanner.load({ ...plan, rules });
    const records = Array.from({ length: 100 }, () => encoder.encode('{}'));
    scanner.open(batchOf(records, encoder.encode('\n')));
    scanner.scan(program, [...records.keys()]);
    const counts = records.map((_, index) => scanner.candidates(index)).map((found) => (found === 'all' ? ALL_RULES : found.length));
    expect(new Set(counts)).toEqual(new Set([2000, ALL_RULES]));
    expect(counts.filter((count) => count === 2000)).toHaveLength(65);
  });
});
