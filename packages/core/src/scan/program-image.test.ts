/** Programs as bytes: the same after a round trip wherever they are put, and refused before anything runs where they are not whole. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createScanner, type Scanner, type ScanProgram } from './create-scanner.ts';
import { encodeProgram } from './encode-program.ts';
import { decodeImage, encodeImage } from './program-image.ts';
import type { ScanPlan } from './scan-plan.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);
const encoder = new TextEncoder();
const bytes = encoder.encode('{"a":"One Needle"}{"a":"one needle"}{"a":"none"}');
const batch = { count: 3, bytes, starts: Uint32Array.of(0, 18, 36), ends: Uint32Array.of(18, 36, 48) };

function planOf(word: string): ScanPlan {
  const needle = { field: 0, anchor: 'inside', bytes: encoder.encode(word.toLowerCase()), leaf: 0, isSure: true } as const;
  return {
    fields: [{ paths: ['a'] }],
    unusualKeys: [],
    leaves: [0, 0],
    needles: [needle, { ...needle, leaf: 1, cased: encoder.encode(word) }],
    triggers: [],
    rules: [
      { kind: 'leaf', leaf: 0 },
      { kind: 'leaf', leaf: 1 },
    ],
  };
}

function found(scanner: Scanner, program: ScanProgram, layer = 0): number[][] {
  scanner.scan(program, [0, 1, 2], layer);
  return [0, 1, 2].map((record) => Array.from(scanner.candidates(record, layer) as ArrayLike<number>));
}

describe('a program as bytes', () => {
  it.each([{}, { runsAs: 'typescript' } as const])('finds the same wherever it lies, and beside others', (options) => {
    const scanner = createScanner(options);
    const image = decodeImage(Buffer.concat([Buffer.of(1), encodeImage(encodeProgram(planOf('Needle')))]).subarray(1));
    const [first, other, again] = [image, encodeProgram(planOf('None')), image].map((one) => scanner.install(one)) as [
      ScanProgram,
      ScanProgram,
      ScanProgram,
    ];
    const before = scanner.memoryBytes;
    scanner.remove(first);
    const third = scanner.install(image);
    expect(scanner.memoryBytes).toBe(before);
    scanner.open(batch);
    expect(scanner.candidates(0)).toBe('all');
    const layers = [again, third, other].map((program, layer) => found(scanner, program, layer));
    expect(layers).toEqual([
      [[0, 1], [0], []],
      [[0, 1], [0], []],
      [[], [], [0]],
    ]);
    // Results of other layers stay.
    expect(Array.from(scanner.candidates(0, 1) as ArrayLike<number>)).toEqual([0, 1]);
  });

  it('is refused where it is cut off, or is something else', () => {
    const encoded = encodeImage(encodeProgram(planOf('Needle')));
    for (let length = 0; length < encoded.length; length++) expect(() => decodeImage(encoded.subarray(0, length))).toThrow(RangeError);
    expect(() => decodeImage(Uint8Array.of(...encoded, 0))).toThrow('this is no program');
    expect(() => decodeImage(encoder.encode('x'.repeat(4096)))).toThrow('this is no program');
  });

  it(`leads nowhere outside itself, whatever is changed in it (seed ${seed})`, () => {
    const encoded = encodeImage(encodeProgram(planOf('Needle')));
    fc.assert(
      fc.property(fc.nat({ max: encoded.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = encoded.slice();
        changed[at] = byte;
        try {
          const { bytes: own, links } = decodeImage(changed);
          const words = new Int32Array(own.buffer, own.byteOffset, own.length >> 2);
          for (const link of links) expect(words[link >> 2]).toBeLessThanOrEqual(own.length);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { seed, numRuns: 500 },
    );
  });
});
