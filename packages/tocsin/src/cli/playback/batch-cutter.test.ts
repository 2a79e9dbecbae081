import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Batch, BatchCutter, idempotencyKey, lineOfRecord } from './batch-cutter.ts';

const LIMITS = { maxBytes: 40, maxRecords: 3 };

function cut(text: string, pieces: readonly number[] = []): Batch[] {
  const bytes = Buffer.from(text);
  const cutter = new BatchCutter('text/plain', LIMITS);
  const batches: Batch[] = [];
  let start = 0;
  for (const size of pieces) {
    batches.push(...cutter.push(bytes.subarray(start, start + size)));
    start += size;
  }
  return [...batches, ...cutter.push(bytes.subarray(start)), ...cutter.end()];
}

const keysOf = (batches: readonly Batch[]): string[] => batches.map((batch) => idempotencyKey(Buffer.from('head'), batch));

test('batches depend on the bytes only, not on the pieces they come in', () => {
  const lines = fc.array(fc.string({ maxLength: 60 }).map((line) => line.replaceAll(/[\n\r]/g, '')));
  fc.assert(
    fc.property(lines, fc.array(fc.nat(50)), (given, pieces) => {
      const text = given.join('\n');
      expect(cut(text, pieces)).toEqual(cut(text));
    }),
  );
});

test('no byte of a record is lost and bounds are kept', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: fc.constantFrom('a', 'ä', ' '), maxLength: 60 })), (given) => {
      const batches = cut(given.join('\n'));
      const sent = batches.flatMap((batch) => Buffer.from(batch.bytes).toString().split('\n')).filter((line) => line.trim() !== '');
      expect(sent).toEqual(given.filter((line) => line.trim() !== ''));
      for (const batch of batches) {
        expect(batch.records).toBeLessThanOrEqual(LIMITS.maxRecords);
        if (batch.records > 1) expect(Buffer.from(batch.bytes).toString().trim().length).toBeLessThanOrEqual(LIMITS.maxBytes);
      }
    }),
  );
});

test('a file that has grown keeps the keys of what was there', () => {
  const before = 'one\ntwo\nthree\nfour\n';
  expect(keysOf(cut(`${before}five\nsix\nseven\n`)).slice(0, 2)).toEqual(keysOf(cut(before)));
});

test('other content at the same place has another key', () => {
  expect(keysOf(cut('one\n'))).not.toEqual(keysOf(cut('uno\n')));
});

test('the line of a record is counted as an editor counts it', () => {
  const [first, second] = cut('a\n\n  \nb\nc\nd\n\ne');
  expect(first && [0, 1, 2].map((index) => lineOfRecord(first, index))).toEqual([1, 4, 5]);
  expect(second && [0, 1].map((index) => lineOfRecord(second, index))).toEqual([6, 8]);
});
