/**
 * Parsed rules as bytes and back, for caches and for threads: much quicker to read than rule files. What the bytes say is taken as it is:
 * whoever keeps them sees to it that they are the ones that were written, by the same version of this package.
 */
import { type ErrorCode, TocsinError } from '@tocsin/core';
import { markedJson, readMarkedJson } from './marked-json.ts';
import type { ParsedRules } from './parse-rules.ts';
import type { ParsedRule, RefusedRule } from './parsed-rule.ts';

/** Bytes of parsed rules. The form is this version's own and promised to no other. */
export function encodeRules(parsed: ParsedRules): Uint8Array<ArrayBuffer> {
  const bodies = parsed.rules.flatMap(encodedBodies);
  const refused = parsed.refused.map(({ error, ...rest }): SavedRefusal => ({ ...rest, code: error.code }));
  const heads = parsed.rules.map(headOf);
  const lengths = bodies.map(({ length }) => length);
  const extra = Object.fromEntries(Object.entries(parsed).filter(([name]) => name !== 'rules' && name !== 'refused'));
  const head = encoder.encode(markedJson({ heads, lengths, refused, extra }));
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
  const take = (place: number): LazyBody => {
    const body = stretchOf(bytes, at, lengths[place] ?? 0);
    at += body.length;
    return new LazyBody(
      () => decodeJson(body) as Head,
      () => body,
    );
  };
  let place = 0;
  const rules = heads.map((head) => (head['kind'] === 'detection' ? lazyRule(head, take(place++), take(place++)) : plainRule(head)));
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
  const [judged, told] = bodiesOf(rule).map(markedJson).map(textBody);
  return judged === undefined || told === undefined ? rule : lazyRule(headOf(rule), judged, told);
}

function textBody(text: string): LazyBody {
  return new LazyBody(
    () => readMarkedJson(text) as Head,
    () => encoder.encode(text),
  );
}

type Head = Readonly<Record<string, unknown>>;
interface SavedHead {
  readonly heads: readonly Head[];
  /** Bytes of the two bodies of each detection rule, which follow one another behind the head. */
  readonly lengths: readonly number[];
  readonly refused: readonly SavedRefusal[];
  readonly extra: object;
}
type SavedRefusal = Omit<RefusedRule, 'error'> & { readonly code: ErrorCode };

/** Parts of a detection rule that it is planned and compiled from. */
const JUDGED: readonly string[] = ['selections', 'condition'];
/** Parts that are read by people, and what tests it. */
const TOLD: readonly string[] = ['tests'];
/** Parts of what it says about itself that are read by people alone. */
const PROSE: readonly string[] = ['description', 'references', 'falsePositives'];

function headOf(rule: ParsedRule): Head {
  if (rule.kind !== 'detection') return { ...rule };
  return { ...without(rule, [...JUDGED, ...TOLD]), meta: without(rule.meta, PROSE) };
}

/** The bodies of a rule as bytes: those of one that is held so already are not read for it. */
function encodedBodies(rule: ParsedRule): Uint8Array[] {
  const { [JUDGED_BODY]: judged, [TOLD_BODY]: told } = rule as Partial<HeldRule>;
  return judged !== undefined && told !== undefined
    ? [judged.encoded(), told.encoded()]
    : bodiesOf(rule).map((body) => encoder.encode(markedJson(body)));
}

/** What of a detection rule is read when it is asked for: what it is judged by, and the rest. */
function bodiesOf(rule: ParsedRule): object[] {
  return rule.kind === 'detection' ? [only(rule, JUDGED), { ...only(rule, TOLD), ...only(rule.meta, PROSE) }] : [];
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

function plainRule(head: Head): ParsedRule {
  return head as unknown as ParsedRule;
}

/** A detection rule of a head, which is its own from then on, and of what is read of it when it is asked for. */
function lazyRule(head: Head, judged: LazyBody, toldBody: LazyBody): ParsedRule {
  const told = { value: toldBody };
  Object.defineProperties(head, { [JUDGED_BODY]: { value: judged }, [TOLD_BODY]: told });
  Object.defineProperties(head, RULE_GETTERS);
  const meta = head['meta'] as object;
  Object.defineProperty(meta, TOLD_BODY, told);
  Object.defineProperties(meta, META_GETTERS);
  return plainRule(head);
}

/** Under these names a rule has its bodies. */
const JUDGED_BODY: unique symbol = Symbol('judged');
const TOLD_BODY: unique symbol = Symbol('told');
type HeldRule = ParsedRule & { readonly [JUDGED_BODY]: LazyBody; readonly [TOLD_BODY]: LazyBody };

/** The same functions for all rules: objects with getters of their own would each be of a kind of its own, and slow to read. */
function gettersOf<Key extends symbol>(names: readonly string[], key: Key): PropertyDescriptorMap {
  const getterOf = (name: string): PropertyDescriptor => ({
    enumerable: true,
    get(this: Readonly<Record<Key, LazyBody>>) {
      return this[key].parts()[name];
    },
  });
  return Object.fromEntries(names.map((name) => [name, getterOf(name)]));
}

const RULE_GETTERS = { ...gettersOf(JUDGED, JUDGED_BODY), ...gettersOf(TOLD, TOLD_BODY) };
const META_GETTERS = gettersOf(PROSE, TOLD_BODY);

/** The parts of a rule that are read when they are asked for. Not held: most rules are looked at once, to be planned, and what they look for is most of a rule set. */
class LazyBody {
  readonly #decode: () => Head;
  /** What it is read from, as bytes. */
  readonly encoded: () => Uint8Array;
  #read: WeakRef<Head> | undefined;

  constructor(decode: () => Head, encoded: () => Uint8Array) {
    this.#decode = decode;
    this.encoded = encoded;
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

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function decodeJson(bytes: Uint8Array): unknown {
  // A view of shared memory cannot be decoded as such.
  const own = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  return readMarkedJson(decoder.decode(own));
}
