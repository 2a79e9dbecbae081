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
  const placed = entries.map((entry, order) => placeEntry(slots, { entry, order }));
  const tables = anchorTables(placed);
  return (fields) => {
    const values = slots.open(fields);
    let best: Leaf<T> | undefined;
    for (const table of tables.get(NOWHERE) ?? []) best = firstHolding(table, values, best);
    // A record has few of the members that all mappings together ask for: only those that hang on one it has are looked at.
    for (const slot of values.present) {
      const hanging = tables.get(slot);
      if (hanging !== undefined) for (const table of hanging) best = firstHolding(table, values, best);
    }
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
  /** Slots for which the record has a member that they could be read from. */
  readonly present: readonly number[];
}

function createSlots(): Slots {
  const readers: { read: FieldReader; prefixes: number }[] = [];
  const prefixSets: Containers[] = [];
  const known = new Map<string, number>();
  const byMember = new Map<string, number[]>();
  const addMembers = (slot: number, paths: readonly string[], prefixes: readonly string[]): number => {
    const members = [...paths, ...prefixes].flatMap((path) => (path.includes('.') ? [path, path.slice(0, path.indexOf('.'))] : [path]));
    for (const member of new Set(members)) byMember.set(member, [...(byMember.get(member) ?? []), slot]);
    return slot;
  };
  const numberOf = (key: string, add: () => number): number => {
    const found = known.get(key) ?? add();
    known.set(key, found);
    return found;
  };
  return {
    of: (field, { aliases, prefixes }) => {
      const set = numberOf(`prefixes ${prefixes.join(' ')}`, () => prefixSets.push(compileContainers(prefixes)) - 1);
      const paths = aliases[field] ?? [field];
      return numberOf(`${set} ${paths.join('\n')}`, () =>
        addMembers(readers.push({ read: compileReader(field, aliases), prefixes: set }) - 1, paths, prefixes),
      );
    },
    open: (fields) => new RecordValues(fields, { readers, prefixSets, byMember }),
  };
}

/** What is compiled of the slots: how each is read, and which members of the first level each could be read from. */
interface SlotTables {
  readonly readers: readonly { read: FieldReader; prefixes: number }[];
  readonly prefixSets: readonly Containers[];
  readonly byMember: ReadonlyMap<string, readonly number[]>;
}

/** The fields of one record, read when asked for. */
class RecordValues implements Values {
  readonly #fields: Fields;
  readonly #readers: readonly { read: FieldReader; prefixes: number }[];
  readonly #prefixSets: readonly Containers[];
  readonly #values: unknown[] = [];
  readonly #containers: (readonly Fields[])[] = [];
  readonly #mayHave: Uint8Array;
  readonly present: number[] = [];

  constructor(fields: Fields, { readers, prefixSets, byMember }: SlotTables) {
    this.#fields = fields;
    this.#readers = readers;
    this.#prefixSets = prefixSets;
    this.#mayHave = new Uint8Array(readers.length);
    // `in` order does not matter and own members are all that a decoder gives.
    for (const member in fields) {
      const slots = byMember.get(member);
      if (slots === undefined) continue;
      for (const slot of slots) {
        if (this.#mayHave[slot] === 0) this.present.push(slot);
        this.#mayHave[slot] = 1;
      }
    }
  }

  get(slot: number): unknown {
    if (this.#mayHave[slot] !== 1) return null;
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

/** An entry with its conditions' slots. */
interface Placed<T> {
  readonly leaf: Leaf<T>;
  /** Slots that must have a value, those of equalities first. */
  readonly needed: readonly number[];
  readonly equalities: readonly { readonly slot: number; readonly anyOf: readonly ConditionValue[] }[];
}

/** Where entries hang that need nothing to be there. */
const NOWHERE = -1;

function placeEntry<T>(slots: Slots, one: { entry: Indexed<T>; order: number }): Placed<T> {
  const { target, when } = one.entry;
  const asked = when.map((condition) => ({ condition, slot: slots.of(condition.field, one.entry) }));
  const rest = asked.flatMap(({ condition, slot }) => ('exists' in condition ? [{ slot, exists: condition.exists }] : []));
  const equalities = asked
    .flatMap(({ condition, slot }) => ('anyOf' in condition ? [{ slot, anyOf: condition.anyOf }] : []))
    .sort((a, b) => a.slot - b.slot);
  const needed = [...equalities.map(({ slot }) => slot), ...rest.flatMap(({ slot, exists }) => (exists ? [slot] : []))];
  return { leaf: { order: one.order, target, rest }, needed, equalities };
}

/** Tables by the slot they hang on: of those that an entry needs, the one that fewest entries need. */
function anchorTables<T>(placed: readonly Placed<T>[]): Map<number, Table<T>[]> {
  const uses = new Map<number, number>();
  for (const { needed } of placed) for (const slot of needed) uses.set(slot, (uses.get(slot) ?? 0) + 1);
  const tables = new Map<string, Table<T>>();
  const anchored = new Map<number, Table<T>[]>();
  for (const { leaf, needed, equalities } of placed) {
    const rarest = needed.reduce(
      (best, slot) => (best === NOWHERE || (uses.get(slot) ?? 0) < (uses.get(best) ?? 0) ? slot : best),
      NOWHERE,
    );
    const key = `${rarest} ${equalities.map(({ slot }) => slot).join(',')}`;
    const table = tables.get(key) ?? { slots: equalities.map(({ slot }) => slot), root: new Map() };
    if (!tables.has(key)) anchored.set(rarest, [...(anchored.get(rarest) ?? []), table]);
    tables.set(key, table);
    addLeaf(table.root, equalities.length === 0 ? [['']] : equalities.map(({ anyOf }) => anyOf.flatMap(spellings)), leaf);
  }
  return anchored;
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
