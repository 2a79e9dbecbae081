/**
 * Sigma string values as patterns: wildcards, escapes, dash variants and the encodings that modifiers ask for
 * (Sigma 2.1, "String Wildcard", "Escape Character", "Encoding"). How patterns are matched is in `compile/match-pattern.ts`.
 */
import { RuleFault } from './rule-fault.ts';

/** A piece of a pattern: any run of characters, exactly one, one of the dashes of `windash`, or this very character. */
export type PatternToken = { readonly kind: 'any' | 'one' | 'dash' } | { readonly kind: 'char'; readonly char: string };

/** A pattern over a whole value. */
export type TextPattern = readonly PatternToken[];

/** The characters that `windash` treats alike: hyphen, slash, en dash, em dash, horizontal bar. */
export const DASHES: readonly string[] = ['-', '/', '\u2013', '\u2014', '\u2015'];

const ANY: PatternToken = { kind: 'any' };
const ONE: PatternToken = { kind: 'one' };
/** Tokens of the first 128 characters: rules hold a million of them. */
const ASCII: readonly PatternToken[] = Array.from({ length: 128 }, (_, code) => ({ kind: 'char', char: String.fromCharCode(code) }));
const MAX_VARIANTS = 625;
const BACKSLASH = 0x5c;
const STAR = 0x2a;
const QUESTION_MARK = 0x3f;

/** Token of one character. */
export function charToken(char: string): PatternToken {
  return (char.length === 1 ? ASCII[char.charCodeAt(0)] : undefined) ?? { kind: 'char', char };
}

/** Pattern of a value as written: `*` and `?` are wildcards, a backslash escapes these and itself and is plain before all else. */
export function parsePattern(text: string): TextPattern {
  const tokens: PatternToken[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH && isEscapable(text.charCodeAt(i + 1))) tokens.push(ASCII[text.charCodeAt(++i)] as PatternToken);
    else if (code === STAR) tokens.push(ANY);
    else if (code === QUESTION_MARK) tokens.push(ONE);
    else if (code < ASCII.length) tokens.push(ASCII[code] as PatternToken);
    else {
      const char = String.fromCodePoint(text.codePointAt(i) as number);
      tokens.push(charToken(char));
      i += char.length - 1;
    }
  }
  return tokens;
}

function isEscapable(code: number): boolean {
  return code === STAR || code === QUESTION_MARK || code === BACKSLASH;
}

/** Pattern that means exactly this text. */
export function literalPattern(text: string): TextPattern {
  return [...text].map(charToken);
}

/** Where a pattern has to stand within the value. */
export type Side = 'contains' | 'startswith' | 'endswith';

/** The pattern with the wildcards that a side stands for. */
export function surround(pattern: TextPattern, side: Side): TextPattern {
  if (side === 'startswith') return [...pattern, ANY];
  if (side === 'endswith') return [ANY, ...pattern];
  return [ANY, ...pattern, ANY];
}

/** The pattern with every dash that opens a flag replaced by "any dash": a dash with no letter before it and one behind it. */
export function windash(pattern: TextPattern): TextPattern {
  return pattern.map((token, i) => {
    const opensFlag = token.kind === 'char' && DASHES.includes(token.char) && !isWord(pattern[i - 1]) && isWord(pattern[i + 1]);
    return opensFlag ? { kind: 'dash' } : token;
  });
}

/** All plain texts of a pattern, for the encodings. @throws RuleFault when it has wildcards or too many variants */
export function plainTexts(pattern: TextPattern, modifier: string, path: readonly (string | number)[]): string[] {
  let texts = [''];
  for (const token of pattern) {
    if (token.kind === 'char') texts = texts.map((text) => text + token.char);
    else if (token.kind === 'dash') texts = texts.flatMap((text) => DASHES.map((dash) => text + dash));
    else throw new RuleFault('detect.bad_value', `${modifier} cannot encode a value with wildcards`, path);
    if (texts.length > MAX_VARIANTS)
      throw new RuleFault('detect.bad_value', `windash before ${modifier} gives more than ${MAX_VARIANTS} variants`, path);
  }
  return texts;
}

/** UTF-8 bytes of text, each byte as one character (0 … 255). */
export function utf8Bytes(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** UTF-16 bytes of text, each byte as one character; `bom` is little endian after a byte order mark. */
export function utf16Bytes(text: string, form: 'le' | 'be' | 'bom'): string {
  let bytes = form === 'bom' ? '\u00ff\u00fe' : '';
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const low = String.fromCharCode(unit & 255);
    const high = String.fromCharCode(unit >>> 8);
    bytes += form === 'be' ? high + low : low + high;
  }
  return bytes;
}

/** Base64 (RFC 4648 §4, padded) of bytes given as characters 0 … 255. */
export function base64(bytes: string): string {
  return btoa(bytes);
}

/**
 * What the bytes leave inside base64 at each of the three offsets, without the characters that neighbouring bytes decide.
 * One byte has no sure character at the second offset; such empty forms are left out.
 */
export function base64Offsets(bytes: string): string[] {
  const cutFront = [0, 2, 3];
  const cutBack = [0, 3, 2];
  return [0, 1, 2]
    .map((offset) => {
      const encoded = btoa(' '.repeat(offset) + bytes);
      return encoded.slice(cutFront[offset], encoded.length - (cutBack[(bytes.length + offset) % 3] as number));
    })
    .filter((form) => form !== '');
}

function isWord(token: PatternToken | undefined): boolean {
  return token?.kind === 'char' && /\w/.test(token.char);
}
