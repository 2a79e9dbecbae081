/**
 * Parsed rules as bytes and back, for caches and for threads: much quicker to read than rule files. What the bytes say is taken as it is:
 * whoever keeps them sees to it that they are the ones that were written, by the same version of this package.
 */
import { type ErrorCode, TocsinError } from '@tocsin/core';
import type { ParsedRules } from './parse-rules.ts';
import type { ParsedRule, RefusedRule } from './parsed-rule.ts';
import { charToken, type PatternToken, type TextPattern } from './text-pattern.ts';

/** Bytes of parsed rules. The form is this version's own and promised to no other. */
export function encodeRules(parsed: ParsedRules): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const bodies = parsed.rules.map((rule) => encoder.encode(jsonOf(bodyOf(rule))));
  const refused = parsed.refused.map(({ error, ...rest }): SavedRefusal => ({ ...rest, code: error.code }));
  const heads = parsed.rules.map(headOf);
  const lengths = bodies.map(({ length }) => length);
  const extra = Object.fromEntries(Object.entries(parsed).filter(([name]) => name !== 'rules' && name !== 'refused'));
  const head = encoder.encode(jsonOf({ heads, lengths, refused, extra }));
  return joinBytes([wordOf(1), wordOf(HEAD_BYTES + head.length + sizeOf(bodies)), wordOf(head.length), head, ...bodies]);
}

/** Bytes of the rules of several encoded sets, as if they had been one, for sets that do not hang on each other. */
export function joinEncodedRules(sets: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const count = sets.reduce((sum, set) => sum + wordAt(set, 0), 0);
  return joinBytes([wordOf(count), ...sets.map((set) => set.subarray(4))]);
}

/** What `encodeRules` was given. What a rule looks for and says is read when it is looked at, and again when it was dropped since; the bytes must not change. @throws SyntaxError, RangeError on other bytes */
export function decodeRules(bytes: Uint8Array): ParsedRules {
  const sets: ParsedRules[] = [];
  let at = 4;
  for (let left = wordAt(bytes, 0); left > 0; left--) {
    const length = wordAt(bytes, at);
    sets.push(decodeSet(stretchOf(bytes, at + 4, length)));
    at += 4 + length;
  }
  if (at !== bytes.length) throw new RangeError('there are bytes behind the last rule');
  const [first] = sets;
  if (sets.length === 1 && first !== undefined) return first;
  return {
    rules: sets.flatMap(({ rules }) => rules),
    filters: sets.flatMap(({ filters }) => filters),
    placeholders: sets.flatMap(({ placeholders }) => placeholders),
    refused: sets.flatMap(({ refused }) => refused),
  };
}

const HEAD_BYTES = 4;

function decodeSet(bytes: Uint8Array): ParsedRules {
  const headLength = wordAt(bytes, 0);
  const { heads, lengths, refused, extra } = decodeJson(stretchOf(bytes, HEAD_BYTES, headLength)) as SavedHead;
  let at = HEAD_BYTES + headLength;
  const rules = heads.map((head, i) => {
    const body = stretchOf(bytes, at, lengths[i] ?? 0);
    at += body.length;
    return lazyRule(head, () => decodeJson(body) as Head);
  });
  if (at !== bytes.length) throw new RangeError('there are bytes behind the last rule');
  return { ...(extra as Omit<ParsedRules, 'rules' | 'refused'>), rules, refused: refused.map(refusalOf) };
}

function stretchOf(bytes: Uint8Array, at: number, length: number): Uint8Array {
  if (at + length > bytes.length) throw new RangeError('the bytes are cut off');
  return bytes.subarray(at, at + length);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(at);
}

function wordOf(word: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, word);
  return bytes;
}

function sizeOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}

function joinBytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeOf(parts));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The same rule with what it looks for and says as text, read when it is looked at: a tenth of the memory that it takes as objects. */
export function compactRule(rule: ParsedRule): ParsedRule {
  if (rule.kind !== 'detection') return rule;
  const text = jsonOf(bodyOf(rule));
  return lazyRule(headOf(rule), () => decodeText(text) as Head);
}

type Head = Readonly<Record<string, unknown>>;
interface SavedHead {
  readonly heads: readonly Head[];
  /** Bytes of each rule's body, which follow one another behind the head. */
  readonly lengths: readonly number[];
  readonly refused: readonly SavedRefusal[];
  readonly extra: object;
}
type SavedRefusal = Omit<RefusedRule, 'error'> & { readonly code: ErrorCode };

/** Parts of a detection rule that are large and not needed before it is compiled. */
const BODY: readonly string[] = ['selections', 'condition', 'tests'];
/** Parts of what it says about itself that are read by people alone. */
const PROSE: readonly string[] = ['description', 'references', 'falsePositives'];

function headOf(rule: ParsedRule): Head {
  if (rule.kind !== 'detection') return { ...rule };
  return { ...without(rule, BODY), meta: without(rule.meta, PROSE) };
}

function bodyOf(rule: ParsedRule): object {
  return rule.kind === 'detection' ? { ...only(rule, BODY), ...only(rule.meta, PROSE) } : {};
}

function only(of: object, names: readonly string[]): object {
  const left: Record<string, unknown> = {};
  for (const name of names) if (Object.hasOwn(of, name)) left[name] = (of as Head)[name];
  return left;
}

function without(of: object, names: readonly string[]): object {
  const left: Record<string, unknown> = {};
  for (const name of Object.keys(of)) if (!names.includes(name)) left[name] = (of as Head)[name];
  return left;
}

/** A rule of a head, which is its own from then on, and of what is read of it when it is asked for. */
function lazyRule(head: Head, read: () => Head): ParsedRule {
  if (head['kind'] !== 'detection') return head as unknown as ParsedRule;
  const body = { value: new LazyBody(read) };
  Object.defineProperty(head, LAZY, body);
  Object.defineProperties(head, BODY_GETTERS);
  const meta = head['meta'] as object;
  Object.defineProperty(meta, LAZY, body);
  Object.defineProperties(meta, PROSE_GETTERS);
  return head as unknown as ParsedRule;
}

/** Under this name a rule has its body. */
const LAZY = Symbol('body');

/** The same functions for all rules: objects with getters of their own would each be of a kind of its own, and slow to read. */
function gettersOf(names: readonly string[]): PropertyDescriptorMap {
  const getterOf = (name: string): PropertyDescriptor => ({
    enumerable: true,
    get(this: { readonly [LAZY]: LazyBody }) {
      return this[LAZY].parts()[name];
    },
  });
  return Object.fromEntries(names.map((name) => [name, getterOf(name)]));
}

const BODY_GETTERS = gettersOf(BODY);
const PROSE_GETTERS = gettersOf(PROSE);

/** The parts of a rule that are read when they are asked for. Not held: most rules are looked at once, to be planned, and what they look for is most of a rule set. */
class LazyBody {
  readonly #decode: () => Head;
  #read: WeakRef<Head> | undefined;

  constructor(decode: () => Head) {
    this.#decode = decode;
  }

  parts(): Head {
    const known = this.#read?.deref();
    if (known !== undefined) return known;
    const fresh = this.#decode();
    this.#read = new WeakRef(fresh);
    return fresh;
  }
}

function refusalOf({ code, ...saved }: SavedRefusal): RefusedRule {
  const { path: file, line, column, rule, reason } = saved;
  // Every code a rule is refused with takes the same details.
  return { ...saved, error: new TocsinError(code as 'detect.bad_rule', { file, line, column, rule, reason }) };
}

function jsonOf(value: unknown): string {
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
  if (isTextTest(value)) return { ...value, patterns: { [PATTERN]: value.patterns.map(patternText) } };
  // Events of tests may have any names.
  const names = Object.keys(value);
  if (names.some((name) => name.startsWith('$'))) return { [OBJECT]: Object.entries(value).map(marked) };
  return markedMembers(value as Head, names);
}

function markedMembers(value: Head, names: readonly string[]): object {
  if (names.includes('__proto__')) return Object.fromEntries(names.map((name) => [name, marked(value[name])]));
  const members: Record<string, unknown> = {};
  for (const name of names) members[name] = marked(value[name]);
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

const decoder = new TextDecoder();

function decodeJson(bytes: Uint8Array): unknown {
  // A view of shared memory cannot be decoded as such.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  return decodeText(decoder.decode(own));
}

function decodeText(text: string): unknown {
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
