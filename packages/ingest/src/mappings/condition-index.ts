/**
 * Which mapping reads a record: the conditions of all mappings of one format, compiled to tables so that a record costs a
 * few look-ups however many mappings there are. The first mapping in order whose conditions all hold is the one.
 */
import type { Fields } from '@tocsin/core';
import { type Containers, compileContainers, compileReader, type FieldReader } from './field-reader.ts';
import type { Condition, ConditionValue } from './mapping-spec.ts';

/** A mapping to be found. */
export interface Indexed<T> {
  readonly target: T;
  readonly when: readonly Condition[];
  /** How the conditions' fields are read. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly prefixes: readonly string[];
}

/** Finds the first entry whose conditions hold; undefined where none does. */
export type Finder<T> = (fields: Fields) => T | undefined;

/** Compiles entries, given in order of precedence. */
export function compileFinder<T>(entries: readonly Indexed<T>[]): Finder<T> {
  const slots = createSlots();
  const tables = new Map<string, Table<T>>();
  entries.forEach((entry, order) => addEntry(tables, slots, { entry, order }));
  const all = [...tables.values()];
  return (fields) => {
    const values = slots.open(fields);
    let best: Leaf<T> | undefined;
    for (const table of all) best = firstHolding(table, values, best);
    return best?.target;
  };
}

/** Whether a single condition holds of a record: for those outside the tables. */
export function compileCondition(condition: Condition, read: (fields: Fields) => unknown): (fields: Fields) => boolean {
  if ('exists' in condition) return (fields) => isThere(read(fields)) === condition.exists;
  const wanted = new Set(condition.anyOf.flatMap(spellings));
  return (fields) => {
    const value = read(fields);
    const isWanted = (one: unknown): boolean => wanted.has((typeof one === 'string' ? one.toLowerCase() : one) as ConditionValue);
    return Array.isArray(value) ? value.slice(0, MAX_ELEMENTS).some(isWanted) : isWanted(value);
  };
}

/** A mapping at the end of a table's path, with what its conditions ask beyond equality. */
interface Leaf<T> {
  readonly order: number;
  readonly target: T;
  readonly rest: readonly { readonly slot: number; readonly exists: boolean }[];
}

type Level<T> = Map<ConditionValue, Level<T> | Leaf<T>[]>;

/** Mappings whose conditions ask for values of the same fields. */
interface Table<T> {
  readonly slots: readonly number[];
  /** One level per slot; without slots the leaves are under `''`. */
  readonly root: Level<T>;
}

/** The fields that conditions name, each read at most once per record. */
interface Slots {
  of(field: string, entry: Pick<Indexed<unknown>, 'aliases' | 'prefixes'>): number;
  open(fields: Fields): Values;
}

interface Values {
  get(slot: number): unknown;
}

function createSlots(): Slots {
  const readers: { read: FieldReader; prefixes: number }[] = [];
  const prefixSets: Containers[] = [];
  const known = new Map<string, number>();
  const numberOf = (key: string, add: () => number): number => {
    const found = known.get(key) ?? add();
    known.set(key, found);
    return found;
  };
  return {
    of: (field, { aliases, prefixes }) => {
      const set = numberOf(`prefixes ${prefixes.join(' ')}`, () => prefixSets.push(compileContainers(prefixes)) - 1);
      const paths = aliases[field] ?? [field];
      return numberOf(`${set} ${paths.join('\n')}`, () => readers.push({ read: compileReader(field, aliases), prefixes: set }) - 1);
    },
    open: (fields) => new RecordValues(fields, readers, prefixSets),
  };
}

/** The fields of one record, read when asked for. */
class RecordValues implements Values {
  readonly #fields: Fields;
  readonly #readers: readonly { read: FieldReader; prefixes: number }[];
  readonly #prefixSets: readonly Containers[];
  readonly #values: unknown[] = [];
  readonly #containers: (readonly Fields[])[] = [];

  constructor(fields: Fields, readers: readonly { read: FieldReader; prefixes: number }[], prefixSets: readonly Containers[]) {
    this.#fields = fields;
    this.#readers = readers;
    this.#prefixSets = prefixSets;
  }

  get(slot: number): unknown {
    const known = this.#values[slot];
    if (known !== undefined) return known;
    const reader = this.#readers[slot];
    if (reader === undefined) return undefined;
    // Missing is remembered as null: both mean that nothing is there.
    const value = reader.read(this.#fields, this.#within(reader.prefixes)) ?? null;
    this.#values[slot] = value;
    return value;
  }

  #within(set: number): readonly Fields[] {
    const known = this.#containers[set];
    if (known !== undefined) return known;
    const containers = this.#prefixSets[set]?.(this.#fields) ?? [this.#fields];
    this.#containers[set] = containers;
    return containers;
  }
}

function addEntry<T>(tables: Map<string, Table<T>>, slots: Slots, one: { entry: Indexed<T>; order: number }): void {
  const { target, when } = one.entry;
  const asked = when.map((condition) => ({ condition, slot: slots.of(condition.field, one.entry) }));
  const rest = asked.flatMap(({ condition, slot }) => ('exists' in condition ? [{ slot, exists: condition.exists }] : []));
  const equalities = asked
    .flatMap(({ condition, slot }) => ('anyOf' in condition ? [{ slot, anyOf: condition.anyOf }] : []))
    .sort((a, b) => a.slot - b.slot);
  const key = equalities.map(({ slot }) => slot).join(',');
  const table = tables.get(key) ?? { slots: equalities.map(({ slot }) => slot), root: new Map() };
  tables.set(key, table);
  addLeaf(table.root, equalities.length === 0 ? [['']] : equalities.map(({ anyOf }) => anyOf.flatMap(spellings)), {
    order: one.order,
    target,
    rest,
  });
}

function addLeaf<T>(level: Level<T>, path: readonly (readonly ConditionValue[])[], leaf: Leaf<T>): void {
  const [values = [], ...further] = path;
  for (const value of values) {
    const next = level.get(value) ?? (further.length === 0 ? [] : new Map());
    level.set(value, next);
    if (next instanceof Map) addLeaf(next, further, leaf);
    else next.push(leaf);
  }
}

/** The earlier of `best` and the table's first leaf whose remaining conditions hold. */
function firstHolding<T>(table: Table<T>, values: Values, best: Leaf<T> | undefined): Leaf<T> | undefined {
  if (table.slots.length === 0) return firstLeaf(table.root.get(''), values, best);
  return search(table.root, { slots: table.slots, values, at: 0 }, best);
}

interface Search {
  readonly slots: readonly number[];
  readonly values: Values;
  readonly at: number;
}

/** Elements of a list that are looked up. */
const MAX_ELEMENTS = 64;

function search<T>(level: Level<T>, { slots, values, at }: Search, before: Leaf<T> | undefined): Leaf<T> | undefined {
  const slot = slots[at];
  if (slot === undefined) return before;
  const value = values.get(slot);
  let best = before;
  // A list has every value that is in it.
  for (const one of Array.isArray(value) ? (value.slice(0, MAX_ELEMENTS) as unknown[]) : [value]) {
    const next = lookUp(level, one);
    if (next instanceof Map) best = search(next, { slots, values, at: at + 1 }, best);
    else best = firstLeaf(next, values, best);
  }
  return best;
}

function firstLeaf<T>(leaves: Level<T> | readonly Leaf<T>[] | undefined, values: Values, best: Leaf<T> | undefined): Leaf<T> | undefined {
  if (!Array.isArray(leaves)) return best;
  for (const leaf of leaves as readonly Leaf<T>[]) {
    if (best !== undefined && best.order < leaf.order) return best;
    if (leaf.rest.every(({ slot, exists }) => isThere(values.get(slot)) === exists)) return leaf;
  }
  return best;
}

function lookUp<T>(level: Level<T>, value: unknown): Level<T> | Leaf<T>[] | undefined {
  if (typeof value === 'string') return level.get(value.toLowerCase());
  return typeof value === 'number' || typeof value === 'boolean' ? level.get(value) : undefined;
}

/** A value as records may write it: numbers and booleans also as text, text in lower case, as it is looked up. */
function spellings(value: ConditionValue): ConditionValue[] {
  const text = String(value).toLowerCase();
  return typeof value === 'string' ? [text] : [value, text];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
