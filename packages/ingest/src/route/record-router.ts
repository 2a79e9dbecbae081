/**
 * Which mapping reads a record, told from its bytes: of a record whose deciding members are like those of one seen before nothing is
 * decoded. Answers what decoding by looks and mapping would, or nothing where it is not sure.
 */
import type { Fields } from '@tocsin/core';
import { isToldByMessage } from '../decoders/auto.ts';
import { decoders } from '../decoders/decoders.ts';
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
  /**
   * Route of the record `bytes[start … end)`, which must be valid UTF-8; undefined where it has to be decoded to be told: it may be no
   * JSON, an envelope, or carry a line of another format.
   */
  route(bytes: Uint8Array, start: number, end: number): RecordRoute | undefined;
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
  const named = options.named ?? [];
  const decoder = options.isPlainJson === true ? decoders.json : decoders.auto;
  const tree = buildKeyTree(mappings.specs, named);
  let kinds = createKinds();
  let kind = kinds.first;
  let buffer: Buffer = Buffer.alloc(0);
  const walk = new RecordWalk(tree.nodes.length, defaultDecodeLimits, (node, start, end) => {
    const value = valueOf(node, buffer, start, end);
    if (value === -1) return false;
    kind = kinds.next(kind, node.id * VALUES + value);
    return true;
  });
  return {
    route: (bytes, start, end) => {
      if (end - start > defaultDecodeLimits.maxRecordBytes) return undefined;
      if (buffer.buffer !== bytes.buffer || buffer.byteOffset !== bytes.byteOffset || buffer.length !== bytes.length)
        buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      if (kinds.count > MAX_KINDS) kinds = createKinds();
      kind = kinds.first;
      if (!walk.walk(tree.root, buffer, { start, end })) return undefined;
      if (kind.route === undefined) kind.route = decodeRoute(mappings, { named, decoder }, bytes.subarray(start, end));
      return kind.route === UNSURE ? undefined : kind.route;
    },
  };
}

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
function valueOf(node: KeyNode, bytes: Buffer, start: number, end: number): number {
  const type = typeOf(bytes, start, end);
  if (type === 0 || type >= 5 || (node.values.size === 0 && !node.isOpen)) return type;
  if (end - start > MAX_VALUE_BYTES) return node.isOpen ? -1 : type;
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

/** The route that decoding gives; unsure where records of this kind may differ. */
function decodeRoute(
  mappings: MappingSet,
  { named, decoder }: { named: readonly string[]; decoder: RecordDecoder },
  record: Uint8Array,
): RecordRoute {
  const [decoded, second] = decoder.decode(record, defaultDecodeLimits);
  if (decoded === undefined || second !== undefined || 'rejected' in decoded) return UNSURE;
  const { format, fields } = decoded;
  const isUnsure = decoder === decoders.auto && (Object.hasOwn(fields, 'Records') || format === 'linux-auth' || isToldByMessage(fields));
  return isUnsure ? UNSURE : { format, mapping: mappings.mappingOf(format, fields), named: named.map((name) => textOf(fields, name)) };
}

/** Text of a scalar member; undefined where there is none. */
function textOf(fields: Fields, name: string): string | undefined {
  const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
