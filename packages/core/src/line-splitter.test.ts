/** Lines over chunks, against splitting the whole text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLineSplitter, type Line } from './line-splitter.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const show = (lines: readonly Line[]): (string | number)[] => lines.map((line) => line.tooLong ?? new TextDecoder().decode(line.bytes));

describe('the line splitter', () => {
  it('gives the lines of the whole text however it is cut', () => {
    const text = fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' ', 'ü', '\r'), { maxLength: 30 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat({ max: 60 }), { maxLength: 6 }), (whole, cuts) => {
        const bytes = encode(whole);
        const splitter = createLineSplitter({ maxLineBytes: 1000 });
        const points = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
        const lines = points.slice(1).flatMap((end, i) => splitter.push(bytes.slice(points[i], end)));
        const want = whole
          .split('\n')
          .map((line) => line.replace(/\r$/, ''))
          .filter((line) => !/^[ \t]*$/.test(line));
        expect(show([...lines, ...splitter.end()])).toEqual(want);
      }),
      { numRuns: 1000 },
    );
  });

  it('reports a line beyond the limit by its length and goes on', () => {
    const splitter = createLineSplitter({ maxLineBytes: 3 });
    expect(
      show([...splitter.push(encode('abc\nabcd\nab')), ...splitter.push(encode('cdefghijk')), ...splitter.push(encode('\nx\r\nabc\r\n'))]),
    ).toEqual(['abc', 4, 11, 'x', 'abc']);
    expect(splitter.end()).toEqual([]);
  });

  it('stops at its number of lines', () => {
    const splitter = createLineSplitter({ maxLineBytes: 9, maxLines: 2 });
    expect(splitter.push(encode('a\n\nb\n')).length).toBe(2);
    expect(splitter.isFull).toBe(false);
    splitter.push(encode('c\nd\ne\n'));
    expect(splitter.isFull).toBe(true);
    expect(splitter.push(encode('f\n'))).toEqual([]);
  });
});
