// Sigma string values: wildcards, escapes, encodings and dash variants. A pattern is a list of tokens; matching is
// the textbook recursive walk, slow and obvious.

import { OracleRefusal } from './refusal.ts';

export type Token = { readonly kind: 'any' } | { readonly kind: 'one' } | { readonly kind: 'char'; readonly char: string };
export type Pattern = readonly Token[];

const ANY: Token = { kind: 'any' };
const DASHES = ['-', '/', '–', '—', '―'];

/** `*` and `?` are wildcards; a backslash escapes `*`, `?` and itself, and is plain before anything else. */
export function parsePattern(text: string): Pattern {
  const chars = [...text];
  const tokens: Token[] = [];
  for (let i = 0; i < chars.length; i += 1) {
    const char = chars[i] as string;
    const next = chars[i + 1];
    if (char === '\\' && (next === '*' || next === '?' || next === '\\')) {
      tokens.push({ kind: 'char', char: next });
      i += 1;
    } else if (char === '*') tokens.push(ANY);
    else if (char === '?') tokens.push({ kind: 'one' });
    else tokens.push({ kind: 'char', char });
  }
  return tokens;
}

export function literalPattern(text: string): Pattern {
  return [...text].map((char) => ({ kind: 'char', char }) as const);
}

export function surround(pattern: Pattern, side: 'contains' | 'startswith' | 'endswith'): Pattern {
  if (side === 'startswith') return [...pattern, ANY];
  if (side === 'endswith') return [ANY, ...pattern];
  return [ANY, ...pattern, ANY];
}

/** The pattern's text, for modifiers that cannot work on wildcards. */
export function plainText(pattern: Pattern, modifier: string): string {
  return pattern
    .map((token) => {
      if (token.kind === 'char') return token.char;
      throw new OracleRefusal(`${modifier} on a value with wildcards`);
    })
    .join('');
}

export function matchPattern(pattern: Pattern, text: string, cased: boolean): boolean {
  const fold = (value: string): string => (cased ? value : value.toLowerCase());
  const chars = [...fold(text)];
  // Lower-casing may lengthen a character: each folded character becomes a token of its own, so that both sides count alike.
  const tokens = pattern.flatMap((token): Token[] =>
    token.kind === 'char' ? [...fold(token.char)].map((char) => ({ kind: 'char', char })) : [token],
  );
  let reachable = new Set([0]);
  for (const token of tokens) {
    reachable = placesAfter(token, chars, reachable);
  }
  return reachable.has(chars.length);
}

/** Where in the text one may stand after a token that begins at any of these places. */
function placesAfter(token: Token, chars: readonly string[], places: ReadonlySet<number>): Set<number> {
  if (token.kind === 'any') {
    const first = Math.min(...places, chars.length + 1);
    return new Set(Array.from({ length: chars.length + 1 - first }, (_, i) => first + i));
  }
  const fits = (at: number): boolean => at < chars.length && (token.kind === 'one' || token.char === chars[at]);
  return new Set([...places].filter(fits).map((at) => at + 1));
}

export function windashVariants(pattern: Pattern): Pattern[] {
  const isWord = (token: Token | undefined): boolean => token?.kind === 'char' && /\w/.test(token.char);
  let variants: Token[][] = [[]];
  pattern.forEach((token, i) => {
    const isDash = token.kind === 'char' && DASHES.includes(token.char);
    const isFlag = isDash && !isWord(pattern[i - 1]) && isWord(pattern[i + 1]);
    const choices: Token[] = isFlag ? DASHES.map((char) => ({ kind: 'char', char })) : [token];
    variants = variants.flatMap((sofar) => choices.map((choice) => [...sofar, choice]));
  });
  return variants;
}

/** Bytes are carried as text of one character per byte (latin1), which is what base64 then encodes. */
export function encodeUtf16(text: string, form: 'le' | 'be' | 'bom'): string {
  const little = Buffer.from(text, 'utf16le');
  if (form === 'be') return Buffer.from(little).swap16().toString('latin1');
  return (form === 'bom' ? '\u00ff\u00fe' : '') + little.toString('latin1');
}

/** The three texts a value leaves inside base64, by its offset modulo three, without the characters neighbours decide. */
export function base64Offsets(bytes: Buffer): string[] {
  const cutFront = [0, 2, 3];
  const cutBack = [0, 3, 2];
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset, ' '), bytes]).toString('base64');
    return encoded.slice(cutFront[offset], encoded.length - (cutBack[(bytes.length + offset) % 3] as number));
  });
}
