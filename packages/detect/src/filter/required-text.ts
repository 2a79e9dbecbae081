/**
 * What text a value must contain for a pattern or an expression to match it: clauses that all must hold, each a set of texts of which one
 * must be found. Says too little where in doubt, never too much. Texts are folded and ASCII.
 */
import { foldCase } from '../compile/event-view.ts';
import type { TextPattern } from '../parse/text-pattern.ts';

/** Text where it must stand. */
export interface RequiredText {
  readonly anchor: 'inside' | 'prefix' | 'suffix';
  readonly text: string;
}

/** One of these must be found. */
export type RequiredClause = readonly RequiredText[];

const MAX_CLAUSES = 6;

/** Clauses of a Sigma pattern: its stretches of plain characters. */
export function requiredByPattern(pattern: TextPattern): readonly RequiredClause[] {
  const found: RequiredText[] = [];
  let run = '';
  let from = 0;
  const end = (to: number): void => {
    if (run !== '') found.push({ anchor: from === 0 ? 'prefix' : to === pattern.length ? 'suffix' : 'inside', text: run });
    run = '';
    from = to + 1;
  };
  for (const [index, token] of pattern.entries()) {
    const char = token.kind === 'char' ? foldCase(token.char) : '';
    if (isAscii(char) && char !== '') run += char;
    else end(index);
  }
  end(pattern.length);
  return longest(found.map((one) => [one]));
}

/** The clauses that tell most. */
export function longest(clauses: readonly RequiredClause[]): readonly RequiredClause[] {
  const distinct = new Map(clauses.map((clause) => [clause.map(({ anchor, text }) => `${anchor} ${text}`).join('\n'), clause]));
  return [...distinct.values()].sort((a, b) => shortest(b) - shortest(a)).slice(0, MAX_CLAUSES);
}

/** Characters of a clause's shortest text. */
export function shortest(clause: RequiredClause): number {
  return clause.reduce((least, { text }) => Math.min(least, text.length), Number.POSITIVE_INFINITY);
}

/** Whether text is ASCII throughout. */
export function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
