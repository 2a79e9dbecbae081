import { describe, expect, it } from 'vitest';
import { regexSize } from './regex-size.ts';

describe('regexSize', () => {
  it.each<[string, number]>([
    ['', 0],
    ['abc', 3],
    ['a{10}', 10],
    ['a{2,10}b', 11],
    ['a{5,}', 5],
    ['[a-z]{3}[\\]x]{2}[]a]', 6],
    ['\\{3}', 3],
    ['(ab){10}', 30],
    ['((a{10}){10}){2}', 222],
    ['(', 1],
    ['a{900}'.repeat(1000), 900_000],
  ])('%s', (source, wanted) => {
    expect(regexSize(source)).toBe(wanted);
  });
});
