import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseJsonRecord, scanJson } from './json-record.ts';
import { defaultDecodeLimits } from './record-decoder.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

test.each([
  ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'decode.bad_utf8'],
  ['a surrogate encoded as UTF-8', Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), 'decode.bad_utf8'],
  ['cut off', bytes('{"a":'), 'decode.bad_json'],
  ['empty', bytes(''), 'decode.bad_json'],
  ['an array', bytes('[1]'), 'decode.bad_json'],
  ['null', bytes('null'), 'decode.bad_json'],
  ['a number', bytes('1e400'), 'decode.bad_json'],
  ['65 levels', bytes(nested(65)), 'decode.too_deep'],
  ['200,000 open arrays', bytes('['.repeat(200_000)), 'decode.too_deep'],
  ['more members than allowed', bytes(`{${Array.from({ length: 10_001 }, (_, i) => `"k${i}":1`).join(',')}}`), 'decode.too_many_keys'],
  ['more bytes than allowed', new Uint8Array((1 << 20) + 1), 'decode.too_large'],
])('%s is refused', (_, record, code) => {
  expect(parseJsonRecord(record, 'json', defaultDecodeLimits)).toMatchObject({ refusal: { rejected: code, record } });
});

test('the refusal of bad JSON does not repeat the record', () => {
  const parsed = parseJsonRecord(bytes('{"password":"hunter2",}'), 'json', defaultDecodeLimits);
  expect(JSON.stringify(parsed)).not.toContain('hunter2');
});

test.each([
  ['64 levels', nested(64)],
  ['brackets and colons in strings', JSON.stringify({ a: '[{:'.repeat(30_000) })],
  ['a byte order mark', '\ufeff{"a":1}'],
  ['escaped quotes', '{"a":"\\"[[[[\\\\"}'],
])('%s is taken', (_, text) => {
  expect(parseJsonRecord(bytes(text), 'json', defaultDecodeLimits)).toHaveProperty('fields');
});

test('a member called __proto__ is a field like any other and reaches no prototype', () => {
  const parsed = parseJsonRecord(bytes('{"__proto__":{"polluted":true},"a":1}'), 'json', defaultDecodeLimits);
  const fields = 'fields' in parsed ? parsed.fields : {};
  expect(Object.keys(fields)).toEqual(['__proto__', 'a']);
  expect(Object.getPrototypeOf(fields)).toBe(Object.prototype);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

test('the quick bound and the exact scan agree with the depth and members of the parsed value', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 8 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 1, max: 40 }),
      (value, maxDepth, maxKeys) => {
        const text = JSON.stringify(value);
        const expected = depthOf(value) > maxDepth || keysOf(value) > maxKeys;
        expect(scanJson(text, { maxDepth, maxKeys }) !== undefined).toBe(expected);
      },
    ),
    { numRuns: 500 },
  );
});

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function keysOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return own + Object.values(value).reduce<number>((sum, one) => sum + keysOf(one), 0);
}
