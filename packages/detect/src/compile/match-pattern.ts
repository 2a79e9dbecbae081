/**
 * Tests text against Sigma patterns. Most patterns are a literal with wildcards at its ends and become one native call;
 * the rest is cut at its `*` and placed from left to right. Case is the caller's: both sides are folded or neither.
 */
import { DASHES, type PatternToken, type TextPattern } from '../parse/text-pattern.ts';
import { foldCase } from './event-view.ts';

/** Whether a text satisfies something. */
export type TextTest = (text: string) => boolean;

/** Test for any one of the patterns. */
export function anyPattern(patterns: readonly TextPattern[], cased: boolean): TextTest {
  const exact = new Set<string>();
  const tests: TextTest[] = [];
  for (const pattern of patterns) {
    const shape = simpleShape(pattern, cased);
    if (shape === undefined) tests.push(generalTest(pattern, cased));
    else if (shape.side === 'exact') exact.add(shape.text);
    else tests.push(sideTest(shape.side, shape.text));
  }
  if (exact.size > 0) tests.unshift(exact.size === 1 ? exactTest([...exact][0] as string) : (text) => exact.has(text));
  const only = tests[0] as TextTest;
  if (tests.length === 1) return only;
  return (text) => {
    for (const test of tests) if (test(text)) return true;
    return false;
  };
}

interface Shape {
  readonly side: 'exact' | 'prefix' | 'suffix' | 'inside';
  readonly text: string;
}

/** Shape of a pattern that is one literal, perhaps with `*` at its ends. */
function simpleShape(pattern: TextPattern, cased: boolean): Shape | undefined {
  const isOther = (token: PatternToken): boolean => token.kind !== 'any';
  const from = pattern.findIndex(isOther);
  if (from < 0) return { side: pattern.length === 0 ? 'exact' : 'inside', text: '' };
  const to = pattern.findLastIndex(isOther) + 1;
  let text = '';
  for (const token of pattern.slice(from, to)) {
    if (token.kind !== 'char') return undefined;
    text += token.char;
  }
  return { side: sideOf(from > 0, to < pattern.length), text: cased ? text : foldCase(text) };
}

function sideOf(isOpenBefore: boolean, isOpenBehind: boolean): Shape['side'] {
  if (isOpenBefore) return isOpenBehind ? 'inside' : 'suffix';
  return isOpenBehind ? 'prefix' : 'exact';
}

function exactTest(literal: string): TextTest {
  return (text) => text === literal;
}

function sideTest(side: 'prefix' | 'suffix' | 'inside', literal: string): TextTest {
  if (side === 'prefix') return (text) => text.startsWith(literal);
  if (side === 'suffix') return (text) => text.endsWith(literal);
  return (text) => text.includes(literal);
}

/** A stretch of a pattern between two `*`. */
interface Stretch {
  readonly tokens: readonly PatternToken[];
  /** The stretch as text, where it has no holes. */
  readonly literal: string | undefined;
}

function generalTest(pattern: TextPattern, cased: boolean): TextTest {
  const stretches = cut(pattern, cased);
  const first = stretches[0] as Stretch;
  const last = stretches[stretches.length - 1] as Stretch;
  if (stretches.length === 1) return (text) => place(first, text, 0) === text.length;
  const middle = stretches.slice(1, -1);
  return (text) => {
    let at = place(first, text, 0);
    for (const stretch of middle) {
      if (at < 0) return false;
      at = find(stretch, text, at);
    }
    return at >= 0 && endsWith(last, text, at);
  };
}

function cut(pattern: TextPattern, cased: boolean): Stretch[] {
  const groups: PatternToken[][] = [[]];
  for (const token of pattern) {
    if (token.kind === 'any') groups.push([]);
    // Folding may lengthen a character: spread it again, so that one token stands for one character on both sides.
    else if (token.kind === 'char')
      for (const char of cased ? token.char : foldCase(token.char)) groups[groups.length - 1]?.push({ kind: 'char', char });
    else groups[groups.length - 1]?.push(token);
  }
  return groups.map((tokens) => ({
    tokens,
    literal: tokens.every((token) => token.kind === 'char')
      ? tokens.map((token) => (token.kind === 'char' ? token.char : '')).join('')
      : undefined,
  }));
}

/** End of the stretch when it stands at `at`, else -1. */
function place(stretch: Stretch, text: string, at: number): number {
  if (stretch.literal !== undefined) return text.startsWith(stretch.literal, at) ? at + stretch.literal.length : -1;
  let to = at;
  for (const token of stretch.tokens) {
    if (to >= text.length) return -1;
    if (token.kind === 'char') {
      if (!text.startsWith(token.char, to)) return -1;
      to += token.char.length;
    } else if (token.kind === 'dash') {
      if (!DASHES.includes(text[to] as string)) return -1;
      to += 1;
    } else to += (text.codePointAt(to) as number) > 0xffff ? 2 : 1;
  }
  return to;
}

/** End of the first place of the stretch from `from` on, else -1. */
function find(stretch: Stretch, text: string, from: number): number {
  if (stretch.literal !== undefined) {
    const at = text.indexOf(stretch.literal, from);
    return at < 0 ? -1 : at + stretch.literal.length;
  }
  for (let at = from; at <= text.length - stretch.tokens.length; at++) {
    const end = place(stretch, text, at);
    if (end >= 0) return end;
  }
  return -1;
}

function endsWith(stretch: Stretch, text: string, from: number): boolean {
  if (stretch.literal !== undefined) return text.length - stretch.literal.length >= from && text.endsWith(stretch.literal);
  for (let at = Math.max(from, text.length - 2 * stretch.tokens.length); at <= text.length - stretch.tokens.length; at++) {
    if (place(stretch, text, at) === text.length) return true;
  }
  return false;
}
