/** Cutting JSON without parsing it, against JSON.parse. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memberRange, type Split, splitJsonArray, splitJsonObject, splitMemberArray } from './split-json-array.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const limits = { maxDepth: 100, maxPieces: 1000 };

function pieces(bytes: Uint8Array, split: Split): string[] {
  if (split.failure !== undefined) throw new Error(`${split.failure.reason} at ${split.failure.at}`);
  return Array.from({ length: split.ranges.length / 2 }, (_, i) => decode(bytes.subarray(split.ranges[i * 2], split.ranges[i * 2 + 1])));
}

const spaced = fc.tuple(fc.array(fc.jsonValue()), fc.constantFrom('', '  ', '\t'));

describe('splitJsonArray', { timeout: 30_000 }, () => {
  it('finds the elements that JSON.parse finds', () => {
    fc.assert(
      fc.property(spaced, ([values, indent]) => {
        const bytes = encode(` ${JSON.stringify(values, null, indent)}\r\n`);
        expect(pieces(bytes, splitJsonArray(bytes, limits)).map((piece) => JSON.parse(piece) as unknown)).toEqual(
          JSON.parse(JSON.stringify(values)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('never reads beyond its bytes and never takes what JSON.parse takes for broken at the outside', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('[', ']', '{', '}', '"', '\\', ',', ':', ' ', '1', 'a'), { maxLength: 20 }), (parts) => {
        const bytes = encode(parts.join(''));
        const split = splitJsonArray(bytes, limits);
        if (split.failure === undefined) {
          for (const at of split.ranges) expect(at).toBeLessThanOrEqual(bytes.length);
        } else
          expect(() => {
            if (!Array.isArray(JSON.parse(parts.join('')))) throw new Error('no array');
          }).toThrow();
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['', 'not_json', 0],
    ['{}', 'not_json', 0],
    ['[', 'truncated', 1],
    ['[1', 'truncated', 2],
    ['[1,', 'truncated', 3],
    ['["a', 'truncated', 3],
    ['["a\\"', 'truncated', 5],
    ['[{"a":[1}', 'truncated', 9],
    ['[1,]', 'not_json', 3],
    ['[1] 2', 'trailing_bytes', 4],
    ['[1 2]', 'not_json', 3],
  ])('refuses %s', (text, reason, at) => {
    expect(splitJsonArray(encode(text), limits)).toEqual({ failure: { reason, at } });
  });

  it('is bounded in depth and in pieces, and linear', () => {
    const deep = encode(`[${'['.repeat(200_000)}`);
    expect(splitJsonArray(deep, limits)).toEqual({ failure: { reason: 'too_deep', at: 100 } });
    expect(splitJsonArray(deep, { maxDepth: 1e9, maxPieces: 1 })).toEqual({ failure: { reason: 'truncated', at: 200_001 } });
    expect(splitJsonArray(encode('[1,2,3]'), { maxDepth: 9, maxPieces: 2 })).toEqual({ failure: { reason: 'too_many', at: 5 } });
    expect(pieces(encode('[1,2]'), splitJsonArray(encode('[1,2]'), { maxDepth: 9, maxPieces: 2 }))).toEqual(['1', '2']);
  });
});

describe('splitMemberArray and splitJsonObject', () => {
  it('find an array under a name, the last of several', () => {
    const bytes = encode('{"a":"]","Records":[0],"b":{"Records":[9]},"Records" : [ {"x":"\\"}"} , 2 ] }');
    expect(pieces(bytes, splitMemberArray(bytes, 'Records', limits))).toEqual(['{"x":"\\"}"}', '2']);
    expect(splitMemberArray(bytes, 'Other', limits)).toEqual({ failure: { reason: 'no_such_member', at: 0 } });
    expect(splitMemberArray(encode('{"Records":1}'), 'Records', limits)).toEqual({ failure: { reason: 'not_json', at: 11 } });
  });

  it('find the members that JSON.parse finds', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const bytes = encode(JSON.stringify(object));
        const split = splitJsonObject(bytes, limits);
        if (split.failure !== undefined) throw new Error(split.failure.reason);
        const text = (i: number): unknown => JSON.parse(decode(bytes.subarray(split.ranges[i], split.ranges[i + 1])));
        const found = Array.from({ length: split.ranges.length / 4 }, (_, i) => [text(i * 4), text(i * 4 + 2)]);
        expect(found).toEqual(Object.entries(JSON.parse(JSON.stringify(object)) as object));
      }),
    );
    expect(memberRange(encode('{"a":1}'), [1, 4, 5, 6], 'b')).toBeUndefined();
  });
});
