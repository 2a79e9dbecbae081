/**
 * The members of a record that say which mapping reads it, as a tree over their names' bytes: built once from the mappings' conditions and
 * from what formats are told by. What is made of the values is in `record-router.ts`.
 */

import { expandPaths } from '../mappings/field-reader.ts';
import type { ConditionValue, MappingSpec } from '../mappings/mapping-spec.ts';

/** A member that matters. */
export interface KeyNode {
  /** From 1; the root has 0. */
  readonly id: number;
  /** UTF-8 of its name. */
  readonly name: Uint8Array;
  /** Members within it that matter. */
  readonly within: KeyTable;
  /** Whether anything is asked of its own value: that it is there, or which it is. */
  isAsked: boolean;
  /** Number of each value that is asked for, from 1, text in lower case; all others count as 0. */
  readonly values: Map<ConditionValue, number>;
  /** Whether every value counts, not only those asked for. */
  isOpen: boolean;
  /** Numbers by the value's bytes as they stand in records; bounded by whoever fills it. */
  readonly texts: Map<string, number>;
}

/** Nodes by a cheap hash of their names: length, first and last byte. */
export class KeyTable {
  readonly #slots: (KeyNode[] | undefined)[] = new Array<KeyNode[] | undefined>(SLOTS).fill(undefined);
  size = 0;

  add(node: KeyNode): void {
    const { name } = node;
    const slot = hash(name.length, name[0] ?? 0, name[name.length - 1] ?? 0);
    this.#slots[slot] = [...(this.#slots[slot] ?? []), node];
    this.size += 1;
  }

  /** The node whose name is `bytes[start … end)`. */
  find(bytes: Uint8Array, start: number, end: number): KeyNode | undefined {
    const length = end - start;
    const nodes = this.#slots[hash(length, bytes[start] as number, bytes[end - 1] as number)];
    if (nodes === undefined) return undefined;
    for (const node of nodes) if (node.name.length === length && isAt(bytes, start, node.name)) return node;
    return undefined;
  }
}

/** The tree's root and its nodes by id. */
export interface KeyTree {
  /** Members of the first level. */
  readonly first: readonly KeyNode[];
  readonly nodes: readonly KeyNode[];
}

/** Members that formats are told by (`decoders/auto.ts`), as paths. */
const LOOKS = [
  ['EventID'],
  ['Channel'],
  ['EventLog'],
  ['ProviderGuid'],
  ['event_id'],
  ['log_name'],
  ['winlog', 'event_id'],
  ['winlog'],
  ['eventSource'],
  ['eventName'],
  ['message'],
  ['log'],
  ['stream'],
  ['MESSAGE'],
  ['records'],
  ['items'],
  ['kind'],
  ['value'],
  ['@odata.context'],
  ['_path'],
  ['Records'],
] as const;

/** Tree of all mappings' conditions, and of the members named in `open`, of which every value counts. */
export function buildKeyTree(specs: readonly MappingSpec[], open: readonly string[]): KeyTree {
  const builder = new TreeBuilder();
  for (const path of LOOKS) builder.ask(path);
  for (const spec of specs) for (const condition of conditionsOf(spec)) builder.askAll(condition.paths, condition.values);
  for (const name of open) builder.ask([name]).isOpen = true;
  return { first: builder.first, nodes: builder.nodes };
}

interface Asked {
  readonly paths: readonly string[];
  readonly values: readonly ConditionValue[];
}

function conditionsOf({ when, aliases, prefixes }: MappingSpec): Asked[] {
  return when.map((condition) => ({
    paths: expandPaths(aliases[condition.field] ?? [condition.field], prefixes),
    values: 'anyOf' in condition ? condition.anyOf : [],
  }));
}

class TreeBuilder {
  readonly root = new KeyTable();
  readonly first: KeyNode[] = [];
  readonly nodes: KeyNode[] = [];
  readonly #asked = new Map<string, readonly KeyNode[]>();
  readonly #encoder = new TextEncoder();

  askAll(paths: readonly string[], values: readonly ConditionValue[]): void {
    const wanted = values.flatMap(spellings);
    // A dotted path is a member of that very name, or members within members.
    for (const path of paths) for (const node of this.#nodesOf(path)) number(node, wanted);
  }

  /** The nodes of a path as written. Mappings ask for the same few thousands of times. */
  #nodesOf(path: string): readonly KeyNode[] {
    const known = this.#asked.get(path) ?? [[path], ...(path.includes('.') ? [path.split('.')] : [])].map((parts) => this.ask(parts));
    this.#asked.set(path, known);
    return known;
  }

  ask(path: readonly string[]): KeyNode {
    let table = this.root;
    let node: KeyNode | undefined;
    for (const part of path) {
      const name = this.#encoder.encode(part);
      node = table.find(name, 0, name.length) ?? this.#add(table, name);
      table = node.within;
    }
    if (node === undefined) throw new RangeError('a path has at least one part');
    node.isAsked = true;
    return node;
  }

  #add(table: KeyTable, name: Uint8Array): KeyNode {
    const node: KeyNode = {
      id: this.nodes.length + 1,
      name,
      within: new KeyTable(),
      isAsked: false,
      values: new Map(),
      isOpen: false,
      texts: new Map(),
    };
    this.nodes.push(node);
    table.add(node);
    if (table === this.root) this.first.push(node);
    return node;
  }
}

/** Gives numbers to the values that have none. */
function number(node: KeyNode, values: readonly ConditionValue[]): void {
  for (const value of values) if (!node.values.has(value)) node.values.set(value, node.values.size + 1);
}

/** A value as records may write it: numbers and booleans also as text, text in lower case. */
function spellings(value: ConditionValue): ConditionValue[] {
  const text = String(value).toLowerCase();
  return typeof value === 'string' ? [text] : [value, text];
}

const SLOTS = 256;

function hash(length: number, first: number, last: number): number {
  return (length * 29 + first * 5 + last) & (SLOTS - 1);
}

function isAt(bytes: Uint8Array, start: number, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[start + i] !== name[i]) return false;
  return true;
}
