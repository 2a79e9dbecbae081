/** Objects found by the module against a walk over the bytes: the same end and members, or no answer. */
import { memberRange, readJsonObject } from '@tocsin/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ObjectScan } from './object-scan.ts';

const NAMES = ['a', 'b', 'wanted'] as const;
const scan = new ObjectScan(NAMES);
const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom('\\', '"', 'é{'));
const object = fc.dictionary(fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 3 })), value, { maxKeys: 5 });

function agree(bytes: Buffer, from: number): boolean {
  if (!scan.read(from, { maxKeys: 1000 })) return false;
  const walked = readJsonObject(bytes, from, { maxDepth: Number.POSITIVE_INFINITY, maxPieces: 1000 });
  if (walked.failure !== undefined) throw new Error('the walk finds no object');
  expect(scan.end).toBe(walked.end);
  NAMES.forEach((name, i) => expect([scan.startOf(i), scan.endOf(i)], name).toEqual(memberRange(bytes, walked.ranges, name) ?? [-1, -1]));
  return true;
}

it('finds what a walk finds, one object after the other', () => {
  fc.assert(
    fc.property(fc.array(object, { maxLength: 5 }), fc.string({ maxLength: 5 }), (objects, rest) => {
      const bytes = Buffer.from(objects.map((one) => JSON.stringify(one)).join('\n') + rest);
      scan.open(bytes);
      let at = 0;
      for (const one of objects) {
        const isPlain = Object.keys(one).every((name) => JSON.stringify(name) === `"${name}"`);
        const found = agree(bytes, at);
        if (isPlain) expect(found).toBe(true);
        if (!found) return;
        at = scan.end;
      }
    }),
    { numRuns: 3000 },
  );
});

it('finds objects that lie across the end of what is looked at at once, and leaves long ones to the walk', () => {
  const objects = [200_000, 60_000, 50_000, 120_000, 100_000, 300_000, 10].map((size, i) =>
    JSON.stringify({ a: i, pad: 'x'.repeat(size) }),
  );
  const bytes = Buffer.from(objects.join(''));
  scan.open(bytes);
  let at = 0;
  const found = objects.map((text) => {
    const isFound = agree(bytes, at);
    at += text.length;
    return isFound;
  });
  expect(found).toEqual([true, true, true, true, false, false, true]);
});

it('says nothing of what is no whole object, and of nothing once it is closed', () => {
  for (const text of ['', '{', '{"a":1', '[1]', '{"a":tru}', '{"a":"\u0001"}', '{"\\u0061":1}']) {
    const bytes = Buffer.from(text);
    scan.open(bytes);
    expect(scan.read(0, { maxKeys: 10 }), text).toBe(false);
  }
  scan.open(Buffer.from('{"a":1,"b":2}'));
  expect(scan.read(0, { maxKeys: 1 })).toBe(false);
  expect(scan.read(0, { maxKeys: 2 })).toBe(true);
  scan.close();
  expect(scan.read(0, { maxKeys: 2 })).toBe(false);
});
