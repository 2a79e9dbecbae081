/**
 * Which mapping reads a record: the conditions of all mappings of one format, compiled to tables so that a record costs a
 * few look-ups however many mappings there are. The first mapping in order whose conditions all hold is the one.
 */
import type { Fields } from '@tocsin/core';
import { FieldSlots, SlotValues } from './field-slots.ts';
import type { Condition, ConditionValue } from './mapping-spec.ts';
import { RecordShapes } from './record-shapes.ts';

/** A mapping to be found. */
export interface Indexed<T> {
  readonly target: T;
  readonly when: readonly Condition[];
  /** How the conditions' fields are read. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly prefixes: readonly string[];
}

/** What the names of a record's members decide before any value is looked at, and what somebody keeps with records of the kind. */
export interface RecordKind<T, K> {
  readonly present: ReadonlySet<number>;
  readonly tables: readonly Table<T>[];
  readonly kept: K;
}

/** Finds mappings for records. */
export interface Finder<T, K> {
  /** The kind of a record: the same for records whose members have the same names in the same order, as long as it is remembered. */
  kindOf(fields: Fields): RecordKind<T, K>;
  /** The first entry whose conditions hold of a record of this kind; undefined where none does. */
  find(fields: Fields, kind: RecordKind<T, K>): T | undefined;
  /** Lets go of every kind. */
  forget(): void;
}

/** Compiles entries, given in order of precedence; `keep` makes what is kept with a kind, out of the names of its members. */
export function compileFinder<T, K>(entries: readonly Indexed<T>[], keep: (members: ReadonlySet<string>) => K): Finder<T, K> {
  const slots = new FieldSlots();
  const placed = entries.map((entry, order) => placeEntry(slots, { entry, order }));
  const anchored = anchorTables(placed);
  const search = new TableSearch<T>(new SlotValues(slots));
  // A record has few of the members that all mappings together ask for: only tables of those it has are looked at.
  const kinds = new RecordShapes<RecordKind<T, K>>((fields) => {
    const present = slots.presentIn(fields);
    const tables = [NOWHERE, ...present].flatMap((slot) => anchored.get(slot) ?? []);
    return {
      present,
      tables: tables.filter((table) => table.slots.every((slot) => present.has(slot))),
      kept: keep(new Set(Object.keys(fields))),
    };
  });
  return {
    kindOf: (fields) => kinds.of(fields),
    find: (fields, { present, tables }) => search.first(tables, fields, present)?.target,
    forget: () => kinds.forget(),
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

/** An entry with its conditions' slots. */
interface Placed<T> {
  readonly leaf: Leaf<T>;
  /** Slots that must have a value, those of equalities first. */
  readonly needed: readonly number[];
  readonly equalities: readonly { readonly slot: number; readonly anyOf: readonly ConditionValue[] }[];
}

/** Where entries hang that need nothing to be there. */
const NOWHERE = -1;

function placeEntry<T>(slots: FieldSlots, one: { entry: Indexed<T>; order: number }): Placed<T> {
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

/** Elements of a list that are looked up. */
const MAX_ELEMENTS = 64;

/** Looks through tables, one record after the other. */
class TableSearch<T> {
  readonly #values: SlotValues;
  /** Of the table at hand. */
  #slots: readonly number[] = [];
  /** The earliest leaf found so far. */
  #best: Leaf<T> | undefined;

  constructor(values: SlotValues) {
    this.#values = values;
  }

  /** The earliest leaf of all tables whose conditions hold. */
  first(tables: readonly Table<T>[], fields: Fields, present: ReadonlySet<number>): Leaf<T> | undefined {
    this.#values.begin(fields, present);
    this.#best = undefined;
    for (const { slots, root } of tables) {
      this.#slots = slots;
      if (slots.length === 0) this.#tryLeaves(root.get(''));
      else this.#search(root, 0);
    }
    return this.#best;
  }

  #search(level: Level<T>, at: number): void {
    const slot = this.#slots[at];
    if (slot === undefined) return;
    const value = this.#values.get(slot);
    if (!Array.isArray(value)) return this.#descend(lookUp(level, this.#values.lowered(slot)), at);
    // A list has every value that is in it.
    for (const one of value.slice(0, MAX_ELEMENTS) as unknown[])
      this.#descend(lookUp(level, typeof one === 'string' ? one.toLowerCase() : one), at);
  }

  #descend(next: Level<T> | readonly Leaf<T>[] | undefined, at: number): void {
    if (next instanceof Map) this.#search(next, at + 1);
    else this.#tryLeaves(next);
  }

  #tryLeaves(leaves: Level<T> | readonly Leaf<T>[] | undefined): void {
    if (!Array.isArray(leaves)) return;
    for (const leaf of leaves as readonly Leaf<T>[]) {
      if (this.#best !== undefined && this.#best.order < leaf.order) return;
      if (!this.#holds(leaf)) continue;
      this.#best = leaf;
      return;
    }
  }

  #holds({ rest }: Leaf<T>): boolean {
    for (const { slot, exists } of rest) if (isThere(this.#values.get(slot)) !== exists) return false;
    return true;
  }
}

/** Text is looked up in lower case. */
function lookUp<T>(level: Level<T>, value: unknown): Level<T> | Leaf<T>[] | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? level.get(value) : undefined;
}

/** A value as records may write it: numbers and booleans also as text, text in lower case, as it is looked up. */
function spellings(value: ConditionValue): ConditionValue[] {
  const text = String(value).toLowerCase();
  return typeof value === 'string' ? [text] : [value, text];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
