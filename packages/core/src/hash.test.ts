import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainSha256Hex, sha256Hex } from './hash.ts';

it('gives what the standard gives (FIPS 180-4, "abc")', () => {
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  expect([sha256Hex('abc'), plainSha256Hex('abc'), sha256Hex(Uint8Array.of(97, 98, 99))]).toEqual([abc, abc, abc]);
});

it('gives the same by the runtime and by itself, lone surrogates included', () => {
  const text = fc.string({ unit: 'binary' }).chain((head) => fc.constantFrom(head, `${head}\ud800`, `\udc00${head}`));
  fc.assert(
    fc.property(fc.oneof(text, fc.uint8Array()), (content) => {
      expect(sha256Hex(content)).toBe(plainSha256Hex(content));
    }),
  );
});
