/** Numbers of payment cards: digits with a brand's beginning and length (ISO/IEC 7812) whose check digit fits (Luhn). */
import type { TextEdit } from './text-edits.ts';

/** By length of the number: its first four digits, from and to. */
const BRANDS: Readonly<Record<number, readonly (readonly [from: number, to: number])[]>> = {
  14: [
    [3000, 3059],
    [3600, 3699],
    [3800, 3999],
  ],
  15: [
    [3400, 3499],
    [3700, 3799],
  ],
  16: [
    [4000, 4999],
    [5100, 5599],
    [2221, 2720],
    [6011, 6011],
    [6440, 6599],
    [3528, 3589],
  ],
};
const LOOK = /(?<![\w.-])\d(?:[ -]?\d){12,18}(?![\w-]|\.\d)/g;

/** Edits that mask each card number of a text. */
export function findCardNumbers(text: string): TextEdit[] {
  const found: TextEdit[] = [];
  for (const match of text.matchAll(LOOK)) {
    const digits = match[0].replace(/[ -]/g, '');
    if (isCard(digits)) found.push({ from: match.index, to: match.index + match[0].length, text: '***card***' });
  }
  return found;
}

function isCard(digits: string): boolean {
  return hasBrand(digits) && luhnSum(digits) % 10 === 0 && !/^(\d)\1*$/.test(digits);
}

function hasBrand(digits: string): boolean {
  const four = Number(digits.slice(0, 4));
  return (BRANDS[digits.length] ?? []).some(([from, to]) => four >= from && four <= to);
}

function luhnSum(digits: string): number {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(digits.length - 1 - at) - 48;
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum;
}
