import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createKeyHash, type HashKey } from './key-hash.ts';

const print = (key: HashKey, tenant: string, source: string, id: string): string => {
  const hash = createKeyHash(key);
  hash.update({ tenant, source, id });
  return `${hash.a}.${hash.b}.${hash.c}`;
};

describe('a keyed fingerprint', () => {
  it('differs where any part differs, and where parts are cut elsewhere', () => {
    const part = fc.string({ unit: 'grapheme', maxLength: 6 });
    const identity = fc.tuple(part, part, part);
    fc.assert(
      fc.property(fc.tuple(fc.integer(), fc.integer()), identity, identity, (key, one, other) => {
        expect(print(key, ...one) === print(key, ...other)).toBe(
          one.join('\0') === other.join('\0') && one.every((text, i) => text === other[i]),
        );
      }),
      { numRuns: 2000 },
    );
    expect(
      new Set([print([1, 2], 'ab', 'c', 'd'), print([1, 2], 'a', 'bc', 'd'), print([1, 2], 'a', 'b', 'cd'), print([1, 2], 'a', 'b', 'c\0')])
        .size,
    ).toBe(4);
  });

  it('depends on every bit of its key, and spreads ids evenly', () => {
    const prints = new Set<string>();
    for (let bit = 0; bit < 32; bit++)
      for (const key of [
        [1 << bit, 0],
        [0, 1 << bit],
      ] as const)
        prints.add(print(key, 't', 's', 'id'));
    expect(prints.size).toBe(64);
    const hash = createKeyHash([7, 11]);
    const buckets = new Uint32Array(64);
    for (let i = 0; i < 64_000; i++) {
      hash.update({ tenant: 't', source: 's', id: `event-${i}` });
      buckets[hash.a >>> 26] = (buckets[hash.a >>> 26] ?? 0) + 1;
    }
    // 1000 expected in each; six standard deviations.
    expect(Math.max(...buckets.map((n) => Math.abs(n - 1000)))).toBeLessThan(190);
  });
});
