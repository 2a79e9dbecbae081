/** Native expressions against RE2, which decides what is right, and against the clock's stand-in: growth of time with length. */
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { nativeTest, re2Test, regexTest } from './regex-test.ts';

const seed = Number(process.env['TOCSIN_SEED'] ?? Date.now() & 0x7fffffff);

const atom = fc.constantFrom(
  'a',
  'b',
  'k',
  'S',
  '1',
  '-',
  ' ',
  '.',
  '\\.',
  '\\d',
  '\\w',
  '\\s',
  '\\D',
  '\\W',
  '\\S',
  '\\n',
  '\\\\',
  '\\/',
  'ß',
  '😀',
  '[ab]',
  '[^a]',
  '[a-k1]',
  '[^\\s]',
  '[\\w.]',
  '[-a]',
  '[a-]',
  '[]a]',
  '[^\\n]',
  '[k-s]',
  '\\b',
  '\\B',
  '^',
  '$',
  '\\t',
  '[\\W_]',
);
const quantifier = fc.constantFrom('', '', '', '', '*', '+', '?', '*?', '+?', '{2}', '{1,3}', '{0,2}', '{2,}');
const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
  pattern: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: fc.tuple(atom, quantifier).map((parts) => parts.join('')) },
    { weight: 4, arbitrary: fc.array(tie('pattern'), { minLength: 2, maxLength: 4 }).map((parts) => parts.join('')) },
    {
      weight: 1,
      arbitrary: fc.tuple(tie('pattern'), fc.constantFrom('.*', '.+', '[^\\n]*', '.{2,}'), tie('pattern')).map((parts) => parts.join('')),
    },
    fc.tuple(fc.constantFrom('(', '(?:', '(?i:', '(?s:'), tie('pattern'), fc.constant(')'), quantifier).map((parts) => parts.join('')),
    fc.tuple(tie('pattern'), fc.constant('|'), tie('pattern')).map((parts) => parts.join('')),
  ),
}));
const flags = fc.constantFrom(
  0,
  RE2JS.CASE_INSENSITIVE,
  RE2JS.MULTILINE,
  RE2JS.DOTALL,
  RE2JS.CASE_INSENSITIVE | RE2JS.MULTILINE | RE2JS.DOTALL,
);
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'A',
      'k',
      'K',
      '\u212a',
      's',
      'S',
      '\u017f',
      '1',
      '-',
      ' ',
      '.',
      '\\',
      '/',
      '\n',
      '\r',
      '\t',
      '\v',
      '_',
      'ß',
      'ẞ',
      '😀',
      '\u2028',
      '\u0085',
      '\ud83d',
      '\ude00',
    ),
    { maxLength: 12 },
  )
  .map((chars) => chars.join(''));

function accepted(source: string, flagBits: number): ((text: string) => boolean) | undefined {
  try {
    return re2Test(source, flagBits);
  } catch {
    return undefined;
  }
}

describe('native expressions', () => {
  it(`find what RE2 finds (seed ${seed})`, () => {
    let native = 0;
    fc.assert(
      fc.property(pattern, flags, fc.array(text, { minLength: 6, maxLength: 12 }), (source, flagBits, texts) => {
        const right = accepted(source, flagBits);
        const test = right === undefined ? undefined : nativeTest(source, flagBits);
        if (right === undefined || test === undefined) return;
        native += 1;
        for (const one of texts) expect(test(one), `/${source}/ ${flagBits} on ${JSON.stringify(one)}`).toBe(right(one));
      }),
      { seed, numRuns: 20_000 },
    );
    expect(native).toBeGreaterThan(5000);
  }, 120_000);

  it.each([
    '^(a+)+$',
    '(.*a){20}',
    'a(a|a)*b',
    'b(a|aa)+$',
    'aa+b',
    ' \\s+$',
    '1\\d+x',
    '(?:a?){30}a{30}',
    'b[^\\\\]+a[^\\\\]+\\\\x',
    'a(a*)*b',
    'x?y\\w*:',
    'a\\w+\\d+!',
    'x(?:ab|a)*c',
    'a.*b\\s*c.*(?:d|ee)f*g',
    'x.{2,128}.{1,32}y',
  ])('are not used for %s, where a search could take more than linear time', (source) => {
    expect(nativeTest(source, 0)).toBeUndefined();
    expect(regexTest(source, 0)('a'.repeat(2000))).toBe(re2Test(source, 0)('a'.repeat(2000)));
  });

  it.each([
    ['net\\s+view', 'NET VIEW net  view'],
    ['^[A-Za-z0-9]{16}$', 'abcdefgh12345678'],
    ['.+:role/.+', 'x:role/y'],
    ['\\{.*\\{.*\\{', '{a{\n{{ {'],
    ['cmd.{0,5}(?:/c|/r).+clip(?:\\.exe)?.{0,4}&&.+x', 'cmd cmd/r echo clip && x'],
    ['(?i)echo.*clip.*&&', 'Echo x CLIP &&'],
    ['^C:\\\\[^\\\\]+\\\\x$', 'C:\\users\\x'],
  ])('are used for %s', (source, shown) => {
    const [test, right] = [nativeTest(source, 0), re2Test(source, 0)];
    expect(test).toBeDefined();
    for (const one of [shown, shown.toLowerCase(), shown.slice(1), shown.slice(0, -1), `${shown}\n${shown}`])
      expect(test?.(one), one).toBe(right(one));
  });
});

/** Texts that backtracking hates: long runs of what the expression takes, with a wrong end. */
const hostile = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'k', '1', '-', ' ', '.', '\\', 'ab', '1-', ' .', '\n'), { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '!', '\n', 'b'),
  )
  .map(
    ([period, end]) =>
      (length: number): string =>
        period
          .join('')
          .repeat(Math.ceil(length / period.join('').length))
          .slice(0, length) + end,
  );

describe('time', () => {
  it(`grows no faster than the text (seed ${seed})`, () => {
    fc.assert(
      fc.property(pattern, hostile, (source, grow) => {
        const test = accepted(source, 0) === undefined ? undefined : nativeTest(source, 0);
        if (test === undefined) return;
        const long = grow(60_000);
        const started = process.cpuUsage().user;
        test(long);
        const tookMs = (process.cpuUsage().user - started) / 1000;
        // 60,000 characters at the proven bound of some hundred steps each take less; the square of the length would take a minute.
        expect(tookMs, `/${source}/ on ${JSON.stringify(long.slice(0, 12))}`).toBeLessThan(400);
      }),
      { seed, numRuns: 3000 },
    );
  }, 120_000);
});
