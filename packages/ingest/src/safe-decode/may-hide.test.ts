import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mayHide } from './may-hide.ts';

/** The same as one expression: what a reader would write first. */
const SIGNS = /%[0-9A-Fa-f]{2}|%u[0-9A-Fa-f]{4}|&[#a-zA-Z]|\\[ux0-7]|[^\x20-\x7e]|[A-Za-z0-9+/_-]{20}/;

it.each([
  ['%4', false],
  ['%4g', false],
  ['%41', true],
  ['%u004', false],
  ['%u0041', true],
  ['a & b', false],
  ['a &b', true],
  ['&#', true],
  ['C:\\dir', false],
  ['\\x', true],
  ['\\', false],
  ['a'.repeat(19), false],
  ['a'.repeat(20), true],
  [`${'a'.repeat(19)} ${'a'.repeat(19)}`, false],
  ['é', true],
  ['a\tb', true],
  ['', false],
])('%j: %j', (text, expected) => {
  expect(mayHide(text)).toBe(expected);
});

it('finds what the expression finds', () => {
  const piece = fc.constantFrom(
    '%',
    '4',
    'u',
    '&',
    '#',
    '\\',
    'x',
    '7',
    '8',
    ' ',
    '/',
    '_',
    '-',
    'é',
    '\x1f',
    '~',
    'a'.repeat(17),
    'G',
    '=',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      expect(mayHide(text)).toBe(SIGNS.test(text));
    }),
    { numRuns: 3000 },
  );
});
