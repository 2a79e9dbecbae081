// Sigma string values: wildcards, escapes, encodings and dash variants, each straight from the sentence of the specification
// that describes it. A pattern is a list of characters and two symbols; matching fills the textbook table row by row, or, for patterns
// that are nothing but texts with `*` between them, looks for the texts one behind the other (a test holds the two equal).

import { OracleRefusal } from './refusal.ts';

const MANY = Symbol('*');
const SINGLE = Symbol('?');
export type Pattern = readonly (string | symbol)[];

// What counts as one unit of a value: an escaped wildcard or backslash, else any one character.
const UNIT = /\\[*?\\]|[^]/gu;

export function parsePattern(text: string): Pattern {
  const units: string[] = text.match(UNIT) ?? [];
  const meaning = new Map<string, Pattern[number]>([
    ['*', MANY],
    ['?', SINGLE],
    ['\\*', '*'],
    ['\\?', '?'],
    ['\\\\', '\\'],
  ]);
  return units.map((unit) => meaning.get(unit) ?? unit);
}

export function literalPattern(text: string): Pattern {
  return Array.from(text);
}

/** `contains` and its kin "put wildcards around the values". */
export function surround(pattern: Pattern, side: 'contains' | 'startswith' | 'endswith'): Pattern {
  const before = side === 'startswith' ? [] : [MANY];
  const behind = side === 'endswith' ? [] : [MANY];
  return [...before, ...pattern, ...behind];
}

/** The pattern's text, for modifiers that cannot work on wildcards. */
export function plainText(pattern: Pattern, modifier: string): string {
  if (pattern.some((unit) => typeof unit === 'symbol')) throw new OracleRefusal(`${modifier} on a value with wildcards`);
  return pattern.join('');
}

/** Without case both sides are lower case; the two small sigmas are one letter. */
function withoutCase(text: string): string {
  return text.toLowerCase().replace(/ς/g, 'σ');
}

/** Whether the pattern stands for the whole text. */
export function matchPattern(pattern: Pattern, text: string, cased: boolean): boolean {
  const { texts, isWhole } = textsOf(pattern, cased);
  const whole = cased ? text : folded(text);
  if (isWhole) return standOneBehindOther(texts, whole);
  return texts.every((one) => whole.includes(one)) && matchByTable(pattern, text, cased);
}

/** Whether every text between the pattern's wildcards occurs in a text: without that it stands for no part of it. */
export function holdsTexts(pattern: Pattern, text: string, cased: boolean): boolean {
  const whole = cased ? text : folded(text);
  return textsOf(pattern, cased).texts.every((one) => whole.includes(one));
}

/** Whether a text is these texts in this order with anything between them. */
function standOneBehindOther([first = '', ...others]: readonly string[], whole: string): boolean {
  const last = others.pop();
  if (last === undefined) return whole === first;
  if (!whole.startsWith(first)) return false;
  let at = first.length;
  for (const one of others) {
    const found = whole.indexOf(one, at);
    if (found < 0) return false;
    at = found + one.length;
  }
  return whole.length - last.length >= at && whole.endsWith(last);
}

/** The texts between the wildcards of a pattern; whether they say everything: not where there is a `?`, or halves of characters. */
type Texts = { readonly texts: readonly string[]; readonly isWhole: boolean };

const textsByPattern = { true: new WeakMap<Pattern, Texts>(), false: new WeakMap<Pattern, Texts>() };

function textsOf(pattern: Pattern, cased: boolean): Texts {
  const known = textsByPattern[`${cased}`].get(pattern);
  if (known !== undefined) return known;
  const all = [''];
  for (const unit of pattern) {
    if (typeof unit === 'string') all.push(all.pop() + (cased ? unit : withoutCase(unit)));
    else all.push('');
  }
  const texts = all.filter((text) => !/[\ud800-\udfff]/.test(text));
  const found = { texts, isWhole: texts.length === all.length && !pattern.includes(SINGLE) };
  textsByPattern[`${cased}`].set(pattern, found);
  return found;
}

const MOST_FOLDED = 256;
const foldedTexts = new Map<string, string>();

/** Without case; remembered, since many patterns look at one text. */
function folded(text: string): string {
  const known = foldedTexts.get(text);
  if (known !== undefined) return known;
  if (foldedTexts.size >= MOST_FOLDED) foldedTexts.clear();
  const fresh = withoutCase(text);
  foldedTexts.set(text, fresh);
  return fresh;
}

/** Row i of the table says how much of the text the first i units of the pattern can stand for. */
export function matchByTable(pattern: Pattern, text: string, cased: boolean): boolean {
  const chars = Array.from(cased ? text : withoutCase(text));
  const units = pattern.flatMap((unit): Pattern => (typeof unit === 'symbol' ? [unit] : Array.from(cased ? unit : withoutCase(unit))));
  let row = [true, ...chars.map(() => false)];
  for (const unit of units) {
    const below = [unit === MANY && row[0] === true];
    chars.forEach((char, j) => {
      if (unit === MANY) below.push(below[j] === true || row[j + 1] === true);
      else below.push(row[j] === true && (unit === SINGLE || unit === char));
    });
    row = below;
  }
  return row[chars.length] === true;
}

/** "All possible permutations" of the dashes, where a dash begins a flag: nothing of a word before it, a word behind it. */
export function windashVariants(pattern: Pattern): Pattern[] {
  // One character of the line per unit of the pattern, so that places in one are places in the other.
  const line = pattern.map((unit) => (typeof unit === 'string' && unit.length === 1 ? unit : '#')).join('');
  const flags = [...line.matchAll(/(?<![A-Za-z0-9_])[-/–—―](?=[A-Za-z0-9_])/g)].map((found) => found.index);
  return flags.reduce(
    (variants: Pattern[], at) => ['-', '/', '–', '—', '―'].flatMap((dash) => variants.map((variant) => variant.with(at, dash))),
    [pattern],
  );
}

/** Bytes are carried as text of one character per byte (latin1), which is what base64 then encodes. */
export function encodeUtf16(text: string, form: 'le' | 'be' | 'bom'): string {
  const units = Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  const bytes = Buffer.alloc(units.length * 2);
  units.forEach((unit, i) => (form === 'be' ? bytes.writeUInt16BE(unit, 2 * i) : bytes.writeUInt16LE(unit, 2 * i)));
  return (form === 'bom' ? 'ÿþ' : '') + bytes.toString('latin1');
}

/**
 * "Except the first and last byte the encoded values have a static part in the middle": encode with different bytes around the value,
 * at each of the three offsets, and keep what stays the same. A value that leaves nothing certain at an offset is not looked for there.
 */
export function base64Offsets(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => staticPart(bytes, offset)).filter((part) => part !== '');
}

function staticPart(bytes: Buffer, offset: number): string {
  const encoded = [0x00, 0xff, 0x5a, 0xa5].map((fill) =>
    Buffer.concat([Buffer.alloc(offset, fill), bytes, Buffer.alloc(3, fill)]).toString('base64'),
  );
  const [first = '', ...others] = encoded;
  return Array.from(first)
    .filter((char, i) => char !== '=' && others.every((other) => other[i] === char))
    .join('');
}
