/**
 * Which mapping reads a record: the conditions of all mappings of one format, compiled to tables so that a record costs a
 * few look-ups however many mappings there are. The first mapping in order whose conditions all hold is the one.
 */
import type { Fields } from '@tocsin/core';
import { compileReader, type FieldReader } from './field-reader.ts';
import type { Condition, ConditionValue } from './mapping-spec.ts';

/** A mapping to be found, its conditions' fields given as whole paths. */
export interface Indexed<T> {
  readonly target: T;
  readonly when: readonly Condition[];
  /** Paths of a condition's field, tried in order. */
  readonly paths: (field: string) => readonly string[];
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
    return wanted.has(value as ConditionValue) || (typeof value === 'string' && wanted.has(value.toLowerCase()));
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
  of(paths: readonly string[]): number;
  open(fields: Fields): Values;
}

interface Values {
  get(slot: number): unknown;
}

function createSlots(): Slots {
  const readers: FieldReader[] = [];
  const known = new Map<string, number>();
  return {
    of: (paths) => {
      const key = paths.join('\n');
      const slot = known.get(key) ?? readers.push(compileReader('', { '': paths })) - 1;
      known.set(key, slot);
      return slot;
    },
    open: (fields) => {
      const containers = [fields];
      const values: unknown[] = [];
      const done: boolean[] = [];
      return {
        get: (slot) => {
          if (done[slot] !== true) {
            values[slot] = readers[slot]?.(fields, containers);
            done[slot] = true;
          }
          return values[slot];
        },
      };
    },
  };
}

function addEntry<T>(tables: Map<string, Table<T>>, slots: Slots, one: { entry: Indexed<T>; order: number }): void {
  const { target, when, paths } = one.entry;
  const equalities = when.flatMap((condition) => ('anyOf' in condition ? [{ slot: slots.of(paths(condition.field)), anyOf: condition.anyOf }] : []));
  const rest = when.flatMap((condition) => ('exists' in condition ? [{ slot: slots.of(paths(condition.field)), exists: condition.exists }] : []));
  equalities.sort((a, b) => a.slot - b.slot);
  const key = equalities.map(({ slot }) => slot).join(',');
  const table = tables.get(key) ?? { slots: equalities.map(({ slot }) => slot), root: new Map() };
  tables.set(key, table);
  addLeaf(table.root, equalities.length === 0 ? [['']] : equalities.map(({ anyOf }) => anyOf.flatMap(spellings)), { order: one.order, target, rest });
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
  let level: Level<T> | Leaf<T>[] | undefined = table.slots.length === 0 ? table.root.get('') : table.root;
  for (const slot of table.slots) {
    if (!(level instanceof Map)) break;
    level = lookUp(level, values.get(slot));
  }
  if (!Array.isArray(level)) return best;
  for (const leaf of level) {
    if (best !== undefined && best.order < leaf.order) return best;
    if (leaf.rest.every(({ slot, exists }) => isThere(values.get(slot)) === exists)) return leaf;
  }
  return best;
}

function lookUp<T>(level: Level<T>, value: unknown): Level<T> | Leaf<T>[] | undefined {
  if (typeof value === 'string') return level.get(value) ?? level.get(value.toLowerCase());
  return typeof value === 'number' || typeof value === 'boolean' ? level.get(value) : undefined;
}

/** A value as records may write it: numbers also as text, text as in the file and in lower case. */
function spellings(value: ConditionValue): ConditionValue[] {
  return [...new Set([value, String(value), String(value).toLowerCase()])];
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}
