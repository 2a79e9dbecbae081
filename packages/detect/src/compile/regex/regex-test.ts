/**
 * Expressions (`re`) as tests of text. RE2 decides what an expression means, and takes linear time for all of them. The engine's own expressions
 * are three to five times faster over long text, and exponential in the wrong hands: they are used where a proof says that a search stays linear
 * (`regex-cost.ts`, `regex-chain.ts`), in a spelling that means the same in both (`regex-syntax.ts`).
 */
import { RE2JS } from 're2js';
import type { TextTest } from '../match-pattern.ts';
import { chainTest } from './regex-chain.ts';
import { cheapNative } from './regex-cost.ts';
import { parseRegex, type RegexNode } from './regex-syntax.ts';
import { alternativesOf } from './simplify-regex.ts';

/** Test for an expression that RE2 accepts; `flags` are RE2JS's. Compiled when first needed. */
export function regexTest(source: string, flags: number): TextTest {
  let test: TextTest | undefined;
  return (text) => {
    test ??= nativeTest(source, flags) ?? re2Test(source, flags);
    return test(text);
  };
}

/** The test as RE2 does it. */
export function re2Test(source: string, flags: number): TextTest {
  const regex = RE2JS.compile(source, flags);
  return (text) => regex.test(text);
}

/** The same test by native expressions; undefined where nothing proves that it means the same and stays linear. */
export function nativeTest(source: string, flags: number): TextTest | undefined {
  const node = parseRegex(source, {
    ignoreCase: (flags & RE2JS.CASE_INSENSITIVE) !== 0,
    multiline: (flags & RE2JS.MULTILINE) !== 0,
    dotAll: (flags & RE2JS.DOTALL) !== 0,
  });
  if (node === undefined) return undefined;
  const tests: TextTest[] = [];
  for (const parts of alternativesOf(node)) {
    const test = alternativeTest(parts);
    if (test === undefined) return undefined;
    tests.push(test);
  }
  const only = tests[0] as TextTest;
  if (tests.length === 1) return only;
  return (text) => tests.some((test) => test(text));
}

function alternativeTest(parts: readonly RegexNode[]): TextTest | undefined {
  const regex = cheapNative({ kind: 'sequence', parts });
  if (regex === undefined) return chainTest(parts);
  return (text) => {
    regex.lastIndex = 0;
    return regex.test(text);
  };
}
