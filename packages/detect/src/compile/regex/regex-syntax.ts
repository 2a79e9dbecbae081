/**
 * Expressions in RE2's syntax as a tree (RE2, "Syntax"), as far as their meaning is one that a native expression can have too. The source was
 * accepted by RE2 already: what is not understood here is no mistake, only a reason to leave it to RE2.
 */
import { blanks, type CharSet, charSet, complement, digits, foldAscii, oneChar, wordChars } from './char-set.ts';

/** An expression. `most` is Infinity where there is no end. Greediness is dropped: it decides what is found, not whether. */
export type RegexNode =
  | { readonly kind: 'char'; readonly set: CharSet }
  | { readonly kind: 'assert'; readonly at: 'start' | 'end' | 'line-start' | 'line-end' | 'word' }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly body: RegexNode; readonly least: number; readonly most: number };

/** Flags of an expression. */
export interface RegexFlags {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
}

const MAX_SOURCE_CHARS = 2000;
const MAX_DEPTH = 30;

/** Tree of a source that RE2 accepts; undefined where it has something that is left to RE2. */
export function parseRegex(source: string, flags: RegexFlags): RegexNode | undefined {
  if (source.length > MAX_SOURCE_CHARS) return undefined;
  const reader: Reader = { chars: Array.from(source), at: 0, depth: 0 };
  try {
    const node = readChoice(reader, flags);
    return reader.at === reader.chars.length ? node : undefined;
  } catch (error) {
    if (error instanceof Unknown) return undefined;
    throw error;
  }
}

class Unknown extends Error {}

interface Reader {
  readonly chars: readonly string[];
  at: number;
  depth: number;
}

function unknown(): never {
  throw new Unknown();
}

function readChoice(reader: Reader, flags: RegexFlags): RegexNode {
  const options: RegexNode[] = [];
  let inForce = flags;
  let parts: RegexNode[] = [];
  while (reader.at < reader.chars.length && reader.chars[reader.at] !== ')') {
    const char = reader.chars[reader.at] as string;
    if (char === '|') {
      options.push(sequence(parts));
      parts = [];
      reader.at += 1;
      continue;
    }
    const changed = readFlags(reader, inForce);
    if (changed === undefined) parts.push(readRepeat(reader, inForce));
    else inForce = changed;
  }
  options.push(sequence(parts));
  return options.length === 1 ? (options[0] as RegexNode) : { kind: 'choice', options };
}

function sequence(parts: readonly RegexNode[]): RegexNode {
  return parts.length === 1 ? (parts[0] as RegexNode) : { kind: 'sequence', parts };
}

/** `(?i)` and its kin: flags from here to the end of the group. */
function readFlags(reader: Reader, flags: RegexFlags): RegexFlags | undefined {
  const found = /^\(\?([ims]+)\)/.exec(reader.chars.slice(reader.at, reader.at + 8).join(''));
  if (found === null) return undefined;
  reader.at += found[0].length;
  return withFlags(flags, found[1] as string);
}

function withFlags(flags: RegexFlags, letters: string): RegexFlags {
  return {
    ignoreCase: flags.ignoreCase || letters.includes('i'),
    multiline: flags.multiline || letters.includes('m'),
    dotAll: flags.dotAll || letters.includes('s'),
  };
}

function readRepeat(reader: Reader, flags: RegexFlags): RegexNode {
  const body = readAtom(reader, flags);
  const bounds = readBounds(reader);
  if (bounds === undefined) return body;
  if (reader.chars[reader.at] === '?') reader.at += 1;
  if (body.kind === 'assert' || readBounds(reader) !== undefined) return unknown();
  return { kind: 'repeat', body, least: bounds[0], most: bounds[1] };
}

function readBounds(reader: Reader): readonly [number, number] | undefined {
  const char = reader.chars[reader.at];
  const simple = { '*': [0, Infinity], '+': [1, Infinity], '?': [0, 1] } as const;
  if (char === '*' || char === '+' || char === '?') {
    reader.at += 1;
    return simple[char];
  }
  if (char !== '{') return undefined;
  const found = /^\{([0-9]{1,4})(,([0-9]{0,4}))?\}/.exec(reader.chars.slice(reader.at, reader.at + 12).join(''));
  if (found === null) return undefined;
  reader.at += found[0].length;
  const least = Number(found[1]);
  return [least, found[2] === undefined ? least : found[3] === '' ? Infinity : Number(found[3])];
}

function readAtom(reader: Reader, flags: RegexFlags): RegexNode {
  const char = reader.chars[reader.at] as string;
  reader.at += 1;
  if (char === '(') return readGroup(reader, flags);
  if (char === '[') return { kind: 'char', set: readClass(reader, flags) };
  if (char === '\\') return readEscape(reader, flags);
  if (char === '*' || char === '+' || char === '?') return unknown();
  return plainAtom(char, flags);
}

function plainAtom(char: string, flags: RegexFlags): RegexNode {
  if (char === '.') return { kind: 'char', set: flags.dotAll ? complement([]) : complement(oneChar(10)) };
  if (char === '^') return { kind: 'assert', at: flags.multiline ? 'line-start' : 'start' };
  if (char === '$') return { kind: 'assert', at: flags.multiline ? 'line-end' : 'end' };
  return { kind: 'char', set: folded(oneChar(char.codePointAt(0) as number), flags) };
}

function readGroup(reader: Reader, flags: RegexFlags): RegexNode {
  reader.depth += 1;
  if (reader.depth > MAX_DEPTH) return unknown();
  let inner = flags;
  if (reader.chars[reader.at] === '?') {
    const found = /^\?([ims]*):/.exec(reader.chars.slice(reader.at, reader.at + 8).join(''));
    if (found === null) return unknown();
    reader.at += found[0].length;
    inner = withFlags(flags, found[1] as string);
  }
  const node = readChoice(reader, inner);
  if (reader.chars[reader.at] !== ')') return unknown();
  reader.at += 1;
  reader.depth -= 1;
  return node;
}

function readEscape(reader: Reader, flags: RegexFlags): RegexNode {
  const char = reader.chars[reader.at];
  // Not \B: the native engine finds it inside a pair of surrogates, where RE2 sees one character.
  if (char === 'b') {
    reader.at += 1;
    return { kind: 'assert', at: 'word' };
  }
  return { kind: 'char', set: readCharEscape(reader, flags) };
}

const NAMED: ReadonlyMap<string, CharSet> = new Map<string, CharSet>([
  ['d', digits],
  ['w', wordChars],
  ['s', blanks],
  ['n', oneChar(10)],
  ['t', oneChar(9)],
  ['r', oneChar(13)],
  ['f', oneChar(12)],
]);

function readCharEscape(reader: Reader, flags: RegexFlags): CharSet {
  const char = reader.chars[reader.at];
  reader.at += 1;
  if (char === undefined) return unknown();
  const named = NAMED.get(char);
  if (named !== undefined) return folded(named, flags);
  const opposite = /[DWS]/.test(char) ? NAMED.get(char.toLowerCase()) : undefined;
  if (opposite !== undefined) return complement(folded(opposite, flags));
  if (/^[!-/:-@[-`{-~]$/.test(char)) return folded(oneChar(char.codePointAt(0) as number), flags);
  return unknown();
}

function readClass(reader: Reader, flags: RegexFlags): CharSet {
  const isNegated = reader.chars[reader.at] === '^';
  if (isNegated) reader.at += 1;
  const sets: CharSet[] = [];
  do sets.push(readRange(reader, flags));
  while (reader.chars[reader.at] !== ']');
  reader.at += 1;
  const set = folded(charSet(sets.flat()), flags);
  return isNegated ? complement(set) : set;
}

/** A member of a class, or a range of them. */
function readRange(reader: Reader, flags: RegexFlags): CharSet {
  const from = readMember(reader, flags);
  const next = reader.chars[reader.at + 1];
  if (reader.chars[reader.at] !== '-' || next === ']' || next === undefined) return from;
  reader.at += 1;
  const [first, last] = [soleChar(from), soleChar(readMember(reader, flags))];
  return first === undefined || last === undefined ? unknown() : [[first, last]];
}

function soleChar(set: CharSet): number | undefined {
  const [only] = set;
  return set.length === 1 && only !== undefined && only[0] === only[1] ? only[0] : undefined;
}

/** One member of a class, its case as written: the class is folded as a whole. */
function readMember(reader: Reader, flags: RegexFlags): CharSet {
  const char = reader.chars[reader.at];
  if (char === undefined || (char === '[' && reader.chars[reader.at + 1] === ':')) return unknown();
  reader.at += 1;
  return char === '\\' ? readCharEscape(reader, { ...flags, ignoreCase: false }) : oneChar(char.codePointAt(0) as number);
}

function folded(set: CharSet, { ignoreCase }: RegexFlags): CharSet {
  return ignoreCase ? (foldAscii(set) ?? unknown()) : set;
}
