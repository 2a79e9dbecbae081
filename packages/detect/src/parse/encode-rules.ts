/**
 * Parsed rules as bytes and back, for caches and for threads: much quicker to read than rule files. What the bytes say is taken as it is:
 * whoever keeps them sees to it that they are the ones that were written, by the same version of this package.
 */
import { type ErrorCode, TocsinError } from '@tocsin/core';
import type { ParsedRules } from './parse-rules.ts';
import type { ParsedRule, RefusedRule } from './parsed-rule.ts';
import { charToken, type PatternToken, type TextPattern } from './text-pattern.ts';

/** Bytes of parsed rules. The form is this version's own and promised to no other. */
export function encodeRules(parsed: ParsedRules): Uint8Array {
  const encoder = new TextEncoder();
  const bodies = parsed.rules.map((rule) => encoder.encode(JSON.stringify(bodyOf(rule), encodeValue)));
  const refused = parsed.refused.map(({ error, ...rest }): SavedRefusal => ({ ...rest, code: error.code }));
  const heads = parsed.rules.map((rule, i) => ({ ...headOf(rule), bytes: bodies[i]?.length ?? 0 }));
  const extra = Object.fromEntries(Object.entries(parsed).filter(([name]) => name !== 'rules' && name !== 'refused'));
  const head = encoder.encode(JSON.stringify({ heads, refused, extra }, encodeValue));
  const bytes = new Uint8Array(4 + head.length + bodies.reduce((sum, body) => sum + body.length, 0));
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const body of bodies) {
    bytes.set(body, at);
    at += body.length;
  }
  return bytes;
}

/** What `encodeRules` was given. What a rule looks for is read when it is looked at, and again when it was dropped since; the bytes must not change. @throws SyntaxError, RangeError on other bytes */
export function decodeRules(bytes: Uint8Array): ParsedRules {
  const headLength = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(0);
  if (headLength > bytes.length - 4) throw new RangeError('the bytes are cut off');
  const { heads, refused, extra } = decodeJson(bytes.subarray(4, 4 + headLength)) as SavedHead;
  let at = 4 + headLength;
  const rules = heads.map(({ bytes: length, ...head }) => {
    if (at + length > bytes.length) throw new RangeError('the bytes are cut off');
    const body = bytes.subarray(at, at + length);
    at += length;
    return lazyRule(head, body);
  });
  if (at !== bytes.length) throw new RangeError('there are bytes behind the last rule');
  return { ...(extra as Omit<ParsedRules, 'rules' | 'refused'>), rules, refused: refused.map(refusalOf) };
}

type Head = Readonly<Record<string, unknown>>;
interface SavedHead {
  readonly heads: readonly (Head & { readonly bytes: number })[];
  readonly refused: readonly SavedRefusal[];
  readonly extra: object;
}
type SavedRefusal = Omit<RefusedRule, 'error'> & { readonly code: ErrorCode };

/** Parts of a detection rule that are large and not needed before it is compiled. */
const BODY: readonly string[] = ['selections', 'condition', 'tests'];

function headOf(rule: ParsedRule): Head {
  return Object.fromEntries(Object.entries(rule).filter(([name]) => rule.kind !== 'detection' || !BODY.includes(name)));
}

function bodyOf(rule: ParsedRule): object {
  return Object.fromEntries(Object.entries(rule).filter(([name]) => rule.kind === 'detection' && BODY.includes(name)));
}

function lazyRule(head: Head, body: Uint8Array): ParsedRule {
  if (head['kind'] !== 'detection') return head as unknown as ParsedRule;
  // Not held: most rules are looked at once, to be planned, and what they look for is most of a rule set.
  let read: WeakRef<Head> | undefined;
  const rule: Record<string, unknown> = { ...head };
  for (const name of BODY) {
    Object.defineProperty(rule, name, {
      enumerable: true,
      get: () => {
        const known = read?.deref();
        if (known !== undefined) return known[name];
        const fresh = decodeJson(body) as Head;
        read = new WeakRef(fresh);
        return fresh[name];
      },
    });
  }
  return rule as unknown as ParsedRule;
}

function refusalOf({ code, ...saved }: SavedRefusal): RefusedRule {
  const { path: file, line, column, rule, reason } = saved;
  // Every code a rule is refused with takes the same details.
  return { ...saved, error: new TocsinError(code as 'detect.bad_rule', { file, line, column, rule, reason }) };
}

const MAP = '$map';
const PATTERN = '$pattern';
const OBJECT = '$object';
const NUMBER = '$number';
const UNDEFINED = '$undefined';
/** Marks a wildcard in a pattern's text; stands twice for itself. */
const MARK = '\u0001';
const WILDCARDS = { any: 'a', one: 'o', dash: 'd' } as const;

function encodeValue(this: unknown, name: string, value: unknown): unknown {
  if (value instanceof Map) return { [MAP]: [...value] };
  if (name === 'patterns' && isTextTest(this)) return { [PATTERN]: this.patterns.map(patternText) };
  if (value === undefined) return { [UNDEFINED]: true };
  if (typeof value === 'number' && !Number.isFinite(value)) return { [NUMBER]: String(value) };
  // Events of tests may have any names.
  return isPlain(value) && Object.keys(value).some((key) => key.startsWith('$')) ? { [OBJECT]: Object.entries(value) } : value;
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
  return (
    Array.isArray(value) &&
    value.every(
      (token) =>
        isPlain(token) && (token['kind'] === 'char' ? typeof token['char'] === 'string' : Object.hasOwn(WILDCARDS, String(token['kind']))),
    )
  );
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

function decodeJson(bytes: Uint8Array): unknown {
  // A view of shared memory cannot be decoded as such.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  return revive(JSON.parse(new TextDecoder().decode(own)));
}

function revive(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) value[i] = revive(value[i]);
    return value;
  }
  const map = value as Record<string, unknown>;
  const marked = markedValue(map);
  if (marked !== undefined) return marked.value;
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
