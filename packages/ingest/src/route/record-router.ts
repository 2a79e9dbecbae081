/**
 * Which mapping reads a record, told from its bytes: of a record whose deciding members are like those of one seen before nothing is
 * decoded. Answers what decoding by looks and mapping would, or nothing where it is not sure.
 */
import type { Fields } from '@tocsin/core';
import { isToldByMessage } from '../decoders/auto.ts';
import { decoders, jsonObjectsOf } from '../decoders/decoders.ts';
import { ENVELOPE_MEMBERS } from '../decoders/envelope.ts';
import { createMemberSelector, FOUND_ORIGIN, type MemberSelector } from '../decoders/member-selector.ts';
import { defaultDecodeLimits, type RecordDecoder } from '../decoders/record-decoder.ts';
import type { MappingSet } from '../mappings/mapping-set.ts';
import type { ConditionValue } from '../mappings/mapping-spec.ts';
import { buildKeyTree, type KeyNode } from './key-tree.ts';
import { RecordWalk } from './record-walk.ts';

/** What is known of a record without decoding it. */
export interface RecordRoute {
  /** Format by which it decodes. */
  readonly format: string;
  /** Id of the mapping that reads it. */
  readonly mapping: string;
  /** Text of the members asked for by name, in that order; undefined for what is missing or no scalar. */
  readonly named: readonly (string | undefined)[];
}

/** Tells routes of JSON objects; remembers a bounded number of kinds. */
export interface RecordRouter {
  /** Takes the bytes of many records, which must not change while they are routed. */
  open(bytes: Uint8Array): void;
  /**
   * Route of the record [start, end) of the bytes opened, which must be valid UTF-8; undefined where it has to be decoded to be told: it may
   * be no JSON, an envelope, or carry a line of another format.
   */
  route(start: number, end: number): RecordRoute | undefined;
}

/** What a router tells beyond mappings. */
export interface RecordRouterOptions {
  /** Top-level members whose text is told. */
  readonly named?: readonly string[] | undefined;
  /** Whether every record is a plain JSON object, whatever it looks like. */
  readonly isPlainJson?: boolean | undefined;
}

/** A router by these mappings. */
export function createRecordRouter(mappings: MappingSet, options: RecordRouterOptions = {}): RecordRouter {
  return new KindRouter(mappings, options);
}

class KindRouter implements RecordRouter {
  readonly #mappings: MappingSet;
  readonly #named: readonly string[];
  readonly #decoder: RecordDecoder;
  readonly #first: readonly KeyNode[];
  readonly #selector: MemberSelector;
  /** For members of members. */
  readonly #walk: RecordWalk;
  /** Record in which each member of the first level was last met. */
  readonly #met: Float64Array;
  #record = 0;
  #kinds = createKinds();
  #kind = this.#kinds.first;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(mappings: MappingSet, { named = [], isPlainJson = false }: RecordRouterOptions) {
    const { first, nodes } = buildKeyTree(mappings.specs, named);
    this.#mappings = mappings;
    this.#named = named;
    this.#decoder = isPlainJson ? decoders.json : decoders.auto;
    this.#first = first;
    this.#met = new Float64Array(first.length);
    this.#selector = createMemberSelector(new Set(first.map(({ name }) => new TextDecoder().decode(name))));
    this.#walk = new RecordWalk(nodes.length, (node, start, end) => this.#meet(node, start, end));
  }

  open(bytes: Uint8Array): void {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#selector.load(bytes);
  }

  route(start: number, end: number): RecordRoute | undefined {
    if (end - start > defaultDecodeLimits.maxRecordBytes) return undefined;
    if (this.#kinds.count > MAX_KINDS) this.#kinds = createKinds();
    this.#kind = this.#kinds.first;
    this.#record += 1;
    const count = this.#selector.find(start, end, defaultDecodeLimits);
    if (count < 0 || !this.#meetAll(count)) return undefined;
    const kind = this.#kind;
    kind.route ??= this.#decodeRoute(this.#bytes.subarray(start, end));
    return kind.route === UNSURE ? undefined : kind.route;
  }

  #meetAll(count: number): boolean {
    const { found } = this.#selector;
    for (let at = 0; at < count * 4; at += 4) {
      const number = found[at] as number;
      // The last of two members of one name counts: too rare to be clever about.
      if (this.#met[number] === this.#record) return false;
      this.#met[number] = this.#record;
      const node = this.#first[number] as KeyNode;
      const start = (found[at + 2] as number) - FOUND_ORIGIN;
      const end = (found[at + 3] as number) - FOUND_ORIGIN;
      const isObject = node.within.size > 0 && this.#bytes[start] === OPEN_OBJECT;
      if (isObject && !this.#walk.walk(node.within, this.#bytes, { start, end })) return false;
      if (node.isAsked && !this.#meet(node, start, end)) return false;
    }
    return true;
  }

  #meet(node: KeyNode, start: number, end: number): boolean {
    const value = valueOf(node, this.#bytes, { start, end });
    if (value === -1) return false;
    this.#kind = this.#kinds.next(this.#kind, node.id * VALUES + value);
    return true;
  }

  /** The route that decoding gives; unsure where records of this kind may differ. */
  #decodeRoute(record: Uint8Array): RecordRoute {
    const [decoded, second] = this.#decoder.decode(record, defaultDecodeLimits);
    if (decoded === undefined || second !== undefined || 'rejected' in decoded) return UNSURE;
    const { format, fields } = decoded;
    const isUnsure =
      this.#decoder === decoders.auto && (holdsList(fields) || jsonObjectsOf(format) === undefined || isToldByMessage(fields));
    if (isUnsure) return UNSURE;
    return { format, mapping: this.#mappings.mappingOf(format, fields), named: this.#named.map((name) => textOf(fields, name)) };
  }
}

/** Whether it may be an envelope, whatever else decides that. */
function holdsList(fields: Fields): boolean {
  return Object.hasOwn(fields, 'Records') || ENVELOPE_MEMBERS.some((name) => Array.isArray(fields[name]));
}

/** Where a value stands. */
interface Span {
  readonly start: number;
  readonly end: number;
}

const OPEN_OBJECT = 0x7b;

/** Records whose deciding members are alike so far, in the order in which they stand. */
interface Kind {
  readonly next: Map<number, Kind>;
  /** Undefined until the first record of this kind ends here. */
  route: RecordRoute | undefined;
}

interface Kinds {
  readonly first: Kind;
  count: number;
  next(kind: Kind, member: number): Kind;
}

const MAX_KINDS = 50_000;
const MAX_VALUES = 4096;
const MAX_VALUE_BYTES = 256;
/** Kinds of value (8) times numbers of values. */
const VALUES = 8 * MAX_VALUES;
const UNSURE: RecordRoute = { format: '', mapping: '', named: [] };

function createKinds(): Kinds {
  const first: Kind = { next: new Map(), route: undefined };
  const kinds: Kinds = {
    first,
    count: 1,
    next: (kind, member) => {
      const known = kind.next.get(member);
      if (known !== undefined) return known;
      const made: Kind = { next: new Map(), route: undefined };
      kind.next.set(member, made);
      kinds.count += 1;
      return made;
    },
  };
  return kinds;
}

/** Number of a value among those that a node tells apart, its JSON type in the lowest bits; -1 where it cannot be told. */
function valueOf(node: KeyNode, bytes: Buffer, { start, end }: Span): number {
  const type = typeOf(bytes, start, end);
  // A list has every value that is in it: too rare to be clever about.
  if (type === LIST && node.values.size > 0) return -1;
  if (type === 0 || type >= 5 || (node.values.size === 0 && !node.isOpen)) return type;
  return end - start > MAX_VALUE_BYTES ? longValueOf(node, type) : scalarValueOf(node, bytes, { start, end, type });
}

function longValueOf(node: KeyNode, type: number): number {
  return node.isOpen ? -1 : type;
}

function scalarValueOf(node: KeyNode, bytes: Buffer, { start, end, type }: Span & { readonly type: number }): number {
  const text = bytes.toString('latin1', start, end);
  let number = node.texts.get(text);
  if (number === undefined) {
    const value = readScalar(bytes.toString('utf8', start, end));
    number = value === undefined ? -1 : numberOf(node, value);
    if (number === -1) return -1;
    if (node.texts.size >= MAX_VALUES) node.texts.clear();
    node.texts.set(text, number);
  }
  return number * 8 + type;
}

function readScalar(text: string): ConditionValue | undefined {
  try {
    return JSON.parse(text) as ConditionValue;
  } catch {
    return undefined; // the one thing that JSON.parse throws for: an escape that is none
  }
}

function numberOf(node: KeyNode, value: ConditionValue): number {
  const wanted = typeof value === 'string' ? value.toLowerCase() : value;
  const key = node.isOpen ? value : wanted;
  const known = node.values.get(key);
  if (known !== undefined) return known;
  if (!node.isOpen) return 0;
  if (node.values.size >= MAX_VALUES - 1) return -1;
  node.values.set(key, node.values.size + 1);
  return node.values.size;
}

const LIST = 6;

/** 0 null, 1 text, 2 empty text, 3 number, 4 boolean, 5 object, 6 list. */
function typeOf(bytes: Uint8Array, start: number, end: number): number {
  switch (bytes[start]) {
    case 0x22:
      return end - start === 2 ? 2 : 1;
    case 0x6e:
      return 0;
    case 0x74:
    case 0x66:
      return 4;
    case 0x7b:
      return 5;
    case 0x5b:
      return 6;
    default:
      return 3;
  }
}

/** Text of a scalar member; undefined where there is none. */
function textOf(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
