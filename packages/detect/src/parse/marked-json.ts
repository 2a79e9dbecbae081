/** JSON that also holds what parsed rules are made of, maps and patterns above all. Only for what this very version reads again: `encode-rules.ts`. */
import { charToken, type PatternToken, type TextPattern } from './text-pattern.ts';

type Members = Readonly<Record<string, unknown>>;

/** JSON of a value: maps, patterns, numbers beyond JSON's and lists with holes as objects with a marked name. */
export function markedJson(value: unknown): string {
  return JSON.stringify(marked(value));
}

const MAP = '$map';
const PATTERN = '$pattern';
const OBJECT = '$object';
const NUMBER = '$number';
const UNDEFINED = '$undefined';
/** Marks a wildcard in a pattern's text; stands twice for itself. */
const MARK = '\u0001';
const WILDCARDS = { any: 'a', one: 'o', dash: 'd' } as const;

/** The value with everything that JSON has no form for as marked objects. Made as a whole, which is much quicker than a replacer that is asked for every part. */
function marked(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return { [NUMBER]: String(value) };
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map((one) => (one === undefined ? { [UNDEFINED]: true } : marked(one)));
  if (value instanceof Map) return { [MAP]: [...value].map(marked) };
  // A time in an event of a test.
  if (value instanceof Date) return value.toJSON();
  // Events of tests may have any names.
  const names = Object.keys(value);
  if (names.some((name) => name.startsWith('$'))) return { [OBJECT]: Object.entries(value).map(marked) };
  return markedMembers(value as Members, names);
}

function markedMembers(value: Members, names: readonly string[]): object {
  if (names.includes('__proto__')) return Object.fromEntries(names.map((name) => [name, marked(value[name])]));
  const patterns = isTextTest(value) ? { [PATTERN]: value.patterns.map(patternText) } : undefined;
  const members: Record<string, unknown> = {};
  for (const name of names) members[name] = name === 'patterns' && patterns !== undefined ? patterns : marked(value[name]);
  return members;
}

function isTextTest(value: unknown): value is { patterns: TextPattern[] } {
  return (
    isPlain(value) &&
    value['kind'] === 'text' &&
    typeof value['cased'] === 'boolean' &&
    Array.isArray(value['patterns']) &&
    value['patterns'].every(isPattern)
  );
}

function isPattern(value: unknown): boolean {
  return Array.isArray(value) && value.every(isToken);
}

function isToken(token: unknown): boolean {
  if (!isPlain(token)) return false;
  return token['kind'] === 'char' ? typeof token['char'] === 'string' : Object.hasOwn(WILDCARDS, String(token['kind']));
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function patternText(pattern: TextPattern): string {
  let text = '';
  for (const token of pattern) {
    if (token.kind !== 'char') text += MARK + WILDCARDS[token.kind];
    else text += token.char === MARK ? MARK + MARK : token.char;
  }
  return text;
}

/** The value of such JSON. @throws SyntaxError */
export function readMarkedJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return text.includes('"$') ? revive(value) : value;
}

function revive(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i]);
    return value;
  }
  const map = value as Record<string, unknown>;
  const known = markedValue(map);
  if (known !== undefined) return known.value;
  for (const name of Object.keys(map)) map[name] = revive(map[name]);
  return map;
}

function markedValue(map: Readonly<Record<string, unknown>>): { value: unknown } | undefined {
  if (Object.hasOwn(map, PATTERN)) return { value: (map[PATTERN] as string[]).map(patternOf) };
  if (Object.hasOwn(map, MAP)) return { value: new Map(revive(map[MAP]) as [unknown, unknown][]) };
  if (Object.hasOwn(map, OBJECT)) return { value: Object.fromEntries(revive(map[OBJECT]) as [string, unknown][]) };
  if (Object.hasOwn(map, NUMBER)) return { value: Number(map[NUMBER]) };
  return Object.hasOwn(map, UNDEFINED) ? { value: undefined } : undefined;
}

function patternOf(text: string): TextPattern {
  const tokens: PatternToken[] = [];
  let isMarked = false;
  for (const char of text) {
    if (isMarked) {
      tokens.push(char === MARK ? charToken(char) : WILDCARD_TOKENS[char as 'a' | 'o' | 'd']);
      isMarked = false;
    } else if (char === MARK) isMarked = true;
    else tokens.push(charToken(char));
  }
  return tokens;
}

const WILDCARD_TOKENS: Readonly<Record<'a' | 'o' | 'd', PatternToken>> = { a: { kind: 'any' }, o: { kind: 'one' }, d: { kind: 'dash' } };
