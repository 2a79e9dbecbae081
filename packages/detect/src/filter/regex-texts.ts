/**
 * Expressions that are found exactly where one of a few texts is: `-k\s\w` is one of 315, wherever it stands. For these the filter need not
 * leave the decision to the rule. All others are left to `regex-literals.ts`.
 */
import { RE2JS } from 're2js';
import type { CharSet } from '../compile/regex/char-set.ts';
import { parseRegex, type RegexNode } from '../compile/regex/regex-syntax.ts';
import { alternativesOf } from '../compile/regex/simplify-regex.ts';

/** A text, where it must stand, and whether it must stand there in its own case. */
export interface ExactText {
  readonly anchor: 'inside' | 'prefix' | 'suffix' | 'exact';
  readonly text: string;
  readonly isCased: boolean;
}

/** More texts are no longer few. */
const MAX_TEXTS = 400;
const MAX_CHARS = 64;

/** The texts of an expression (RE2's syntax, RE2JS's flags); undefined where it is not just some texts. Letters beyond ASCII that fold into ASCII are left out. */
export function textsOfRegex(source: string, flags: number): readonly ExactText[] | undefined {
  const node = parseRegex(source, {
    ignoreCase: (flags & RE2JS.CASE_INSENSITIVE) !== 0,
    multiline: (flags & RE2JS.MULTILINE) !== 0,
    dotAll: (flags & RE2JS.DOTALL) !== 0,
  });
  if (node === undefined) return undefined;
  const found: ExactText[] = [];
  for (const parts of alternativesOf(node)) {
    const texts = textsOfParts(parts);
    if (texts === undefined || found.length + texts.length > MAX_TEXTS) return undefined;
    found.push(...texts);
  }
  return found;
}

function textsOfParts(parts: readonly RegexNode[]): ExactText[] | undefined {
  const isPrefix = isAt(parts[0], 'start');
  const isSuffix = isAt(parts[parts.length - 1], 'end');
  const sets = setsOf(parts.slice(isPrefix ? 1 : 0, isSuffix ? -1 : undefined));
  if (sets === undefined || sets.length === 0) return undefined;
  const isCased = !sets.every(isClosed);
  // A byte by itself is only looked for once in a value.
  if (isCased && sets.length === 1) return undefined;
  const chars = isCased ? sets : sets.map((set) => [...new Set(set.map((char) => char.toLowerCase()))]);
  if (chars.reduce((product, set) => product * set.length, 1) > MAX_TEXTS) return undefined;
  const anchor = isPrefix ? (isSuffix ? 'exact' : 'prefix') : isSuffix ? 'suffix' : 'inside';
  const texts = chars.reduce<string[]>((begun, set) => begun.flatMap((text) => set.map((char) => text + char)), ['']);
  return texts.map((text) => ({ anchor, text, isCased }));
}

function isAt(part: RegexNode | undefined, at: 'start' | 'end'): boolean {
  return part?.kind === 'assert' && part.at === at;
}

/** Characters that may stand at each place; undefined where that is not certain, or where there are many. */
function setsOf(parts: readonly RegexNode[]): (readonly string[])[] | undefined {
  const sets: (readonly string[])[] = [];
  for (const part of parts) {
    const { body, times } =
      part.kind === 'repeat' && part.least === part.most ? { body: part.body, times: part.least } : { body: part, times: 1 };
    const chars = body.kind === 'char' ? charsOf(body.set) : undefined;
    if (chars === undefined || sets.length + times > MAX_CHARS) return undefined;
    for (let i = 0; i < times; i++) sets.push(chars);
  }
  return sets;
}

/** The set's characters, the Kelvin sign and the long s aside: a value that holds one of those is never decided by the filter. */
function charsOf(set: CharSet): readonly string[] | undefined {
  const chars: string[] = [];
  for (const [from, to] of set) {
    if (from === 0x212a || from === 0x17f) {
      if (to === from) continue;
      return undefined;
    }
    // NUL separates values in the scanner.
    if (from === 0 || to > 0x7f || chars.length + to - from >= MAX_CHARS) return undefined;
    for (let code = from; code <= to; code++) chars.push(String.fromCharCode(code));
  }
  return chars.length === 0 ? undefined : chars;
}

/** Whether a set that has a letter in one case has it in the other as well. */
function isClosed(chars: readonly string[]): boolean {
  return chars.every((char) => chars.includes(char.toLowerCase()) && chars.includes(char.toUpperCase()));
}
