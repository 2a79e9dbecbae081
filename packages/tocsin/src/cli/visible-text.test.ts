import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shorten, shortenStart, textWidth, visible, visibleLines } from './visible-text.ts';

test.each([
  ['a terminal title', '\u001b]0;owned\u0007', '\\u001b]0;owned\\u0007'],
  ['a screen wipe', '\u001b[2J\u001b[H', '\\u001b[2J\\u001b[H'],
  ['an 8-bit control sequence', '\u009b31m', '\\u009b31m'],
  ['a carriage return over the line', 'denied\rallowed', 'denied\\u000dallowed'],
  ['a second log line', 'user\nroot logged in', 'user\\u000aroot logged in'],
  ['a bidirectional override', 'exe\u202efdp.exe', 'exe\\u202efdp.exe'],
  ['an isolate', 'a\u2066b\u2069', 'a\\u2066b\\u2069'],
  ['a zero-width space', 'ad\u200bmin', 'ad\\u200bmin'],
  ['a tag character', 'a\u{e0041}b', 'a\\u{e0041}b'],
  ['a lone surrogate', 'a\ud800b', 'a\\ud800b'],
  ['a backspace and a delete', 'a\b\u007f', 'a\\u0008\\u007f'],
  ['ordinary text of any script', 'Grüße 東京 😀 مرحبا', 'Grüße 東京 😀 مرحبا'],
])('%s is written out', (_, raw, shown) => {
  expect(visible(raw)).toBe(shown);
});

test('nothing that steers gets through, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
      expect(visible(text)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
      expect(visible(visible(text))).toBe(visible(text));
    }),
  );
});

test('lines stay lines where several are meant', () => {
  expect(visibleLines('a\tb\n\u001b[1mc')).toBe('a\tb\n\\u001b[1mc');
});

test('width counts columns, not code units', () => {
  expect([textWidth('abc'), textWidth('東京'), textWidth('e\u0301'), textWidth('😀')]).toEqual([3, 4, 1, 2]);
});

test('shortened text fits and says that it was cut', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 20 }), (text, max) => {
      for (const short of [shorten(text, max), shortenStart(text, max)]) {
        expect(textWidth(short)).toBeLessThanOrEqual(max);
        if (textWidth(text) > max) expect(short).toContain('…');
        else expect(short).toBe(text);
      }
    }),
  );
});
