/** Numbers of payment cards: digits with a brand's beginning and length (ISO/IEC 7812) whose check digit fits (Luhn). */
import type { TextEdit } from './text-edits.ts';

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
  switch (digits.length) {
    case 14:
      return (four >= 3000 && four <= 3059) || (four >= 3600 && four <= 3699) || (four >= 3800 && four <= 3999);
    case 15:
      return (four >= 3400 && four <= 3499) || (four >= 3700 && four <= 3799);
    case 16:
      return (
        (four >= 4000 && four <= 4999) ||
        (four >= 5100 && four <= 5599) ||
        (four >= 2221 && four <= 2720) ||
        four === 6011 ||
        (four >= 6440 && four <= 6599) ||
        (four >= 3528 && four <= 3589)
      );
    default:
      return false;
  }
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
