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

/** Finds the first entry whose conditions hold; undefined where none does. */
export type Finder<T> = (fields: Fields) => T | undefined;

/** Compiles entries, given in order of precedence. */
export function compileFinder<T>(entries: readonly Indexed<T>[]): Finder<T> {
  const slots = new FieldSlots();
  const placed = entries.map((entry, order) => placeEntry(slots, { entry, order }));
  const anchored = anchorTables(placed);
  const values = new SlotValues(slots);
  // A record has few of the members that all mappings together ask for: only tables of those it has are looked at.
  const shapes = new RecordShapes<Shape<T>>((fields) => {
    const present = slots.presentIn(fields);
    const tables = [NOWHERE, ...present].flatMap((slot) => anchored.get(slot) ?? []);
    return { present, tables: tables.filter((table) => table.slots.every((slot) => present.has(slot))) };
  });
  return (fields) => {
    const { present, tables } = shapes.of(fields);
    values.begin(fields, present);
    let best: Leaf<T> | undefined;
    for (const table of tables) best = firstHolding(table, values, best);
    return best?.target;
  };
}

/** What the members of a record decide before any value is looked at. */
interface Shape<T> {
  readonly present: ReadonlySet<number>;
  readonly tables: readonly Table<T>[];
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

/** The earlier of `best` and the table's first leaf whose remaining conditions hold. */
function firstHolding<T>(table: Table<T>, values: SlotValues, best: Leaf<T> | undefined): Leaf<T> | undefined {
  if (table.slots.length === 0) return firstLeaf(table.root.get(''), values, best);
  return search(table.root, { slots: table.slots, values, at: 0 }, best);
}

interface Search {
  readonly slots: readonly number[];
  readonly values: SlotValues;
  readonly at: number;
}

/** Elements of a list that are looked up. */
const MAX_ELEMENTS = 64;

function search<T>(level: Level<T>, { slots, values, at }: Search, before: Leaf<T> | undefined): Leaf<T> | undefined {
  const slot = slots[at];
  if (slot === undefined) return before;
  const value = values.get(slot);
  if (!Array.isArray(value)) return descend(lookUp(level, values.lowered(slot)), { slots, values, at }, before);
  let best = before;
  // A list has every value that is in it.
  for (const one of value.slice(0, MAX_ELEMENTS) as unknown[])
    best = descend(lookUp(level, typeof one === 'string' ? one.toLowerCase() : one), { slots, values, at }, best);
  return best;
}

function descend<T>(
  next: Level<T> | readonly Leaf<T>[] | undefined,
  { slots, values, at }: Search,
  best: Leaf<T> | undefined,
): Leaf<T> | undefined {
  return next instanceof Map ? search(next, { slots, values, at: at + 1 }, best) : firstLeaf(next, values, best);
}

function firstLeaf<T>(
  leaves: Level<T> | readonly Leaf<T>[] | undefined,
  values: SlotValues,
  best: Leaf<T> | undefined,
): Leaf<T> | undefined {
  if (!Array.isArray(leaves)) return best;
  for (const leaf of leaves as readonly Leaf<T>[]) {
    if (best !== undefined && best.order < leaf.order) return best;
    if (leaf.rest.every(({ slot, exists }) => isThere(values.get(slot)) === exists)) return leaf;
  }
  return best;
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
