/**
 * How a field named by a rule is read from a record of one log source. A name is a literal key first (`a.b` may be one key),
 * then a path; arrays on the way are walked, so one name can stand for several values. Own keys only: `__proto__` is data.
 */
import type { Fields, LogSource } from '@tocsin/core';

/** What a field holds. `exists` is true also where it holds null or an empty list. */
export interface FieldValues {
  readonly exists: boolean;
  /** Every value, lists flattened. */
  readonly values: readonly unknown[];
}

/** Reads one field of a record. */
export type FieldReader = (fields: Fields) => FieldValues;

const ABSENT: FieldValues = { exists: false, values: [] };
const MAX_PARTS = 32;

/** Reader of a field by the name a rule uses: along the log source's aliases, else as written, else under its prefixes. First path that is there wins. */
export function resolveField(name: string, logSource: LogSource | undefined): FieldReader {
  const readers = pathsOf(name, logSource).map(pathReader);
  const only = readers[0] as FieldReader;
  if (readers.length === 1) return only;
  return (fields) => {
    for (const reader of readers) {
      const found = reader(fields);
      if (found.exists) return found;
    }
    return ABSENT;
  };
}

/** Paths in a record under which a field named by a rule may lie, in the order in which they are tried. */
export function pathsOf(name: string, logSource: LogSource | undefined): readonly string[] {
  if (logSource === undefined) return [name];
  const aliases = Object.hasOwn(logSource.aliases, name) ? logSource.aliases[name] : undefined;
  if (aliases !== undefined && aliases.length > 0) return aliases;
  return [name, ...logSource.prefixes.map((prefix) => `${prefix}${name}`)];
}

/** Names of the members of the first level in which a field named by a rule may lie, as `resolveField` looks for it. */
export function membersOf(name: string, logSource: LogSource | undefined): readonly string[] {
  return pathsOf(name, logSource).flatMap((path) => {
    const parts = path.split('.');
    return parts.length > MAX_PARTS ? [path] : parts.map((_, last) => parts.slice(0, last + 1).join('.'));
  });
}

function pathReader(path: string): FieldReader {
  const parts = path.split('.');
  if (parts.length === 1 || parts.length > MAX_PARTS) return (fields) => (Object.hasOwn(fields, path) ? present(fields[path]) : ABSENT);
  return (fields) => {
    const found: unknown[] = [];
    walk(fields, parts, { from: 0, found });
    if (found.length === 0) return ABSENT;
    return found.length === 1 ? present(found[0]) : { exists: true, values: flatten(found) };
  };
}

function present(value: unknown): FieldValues {
  return { exists: true, values: Array.isArray(value) ? flatten(value) : [value] };
}

interface Walk {
  /** Index of the first part not yet taken. */
  readonly from: number;
  readonly found: unknown[];
}

/** Gathers what lies under the rest of the path. Depth is bounded by the parts; a list costs one level and is flattened at once. */
function walk(value: unknown, parts: readonly string[], { from, found }: Walk): void {
  if (from === parts.length) {
    found.push(value);
    return;
  }
  if (value === null || typeof value !== 'object') return;
  if (Array.isArray(value)) {
    for (const element of flatten(value)) walk(element, parts, { from, found });
    return;
  }
  const map = value as Fields;
  // Longest key first: a literal "a.b" wins over b inside a.
  for (let to = parts.length; to > from; to--) {
    const key = to === from + 1 ? (parts[from] as string) : parts.slice(from, to).join('.');
    if (!Object.hasOwn(map, key)) continue;
    const before = found.length;
    walk(map[key], parts, { from: to, found });
    if (found.length > before) return;
  }
}

/** Elements of a list and of the lists in it, in order, without recursion: records may nest as deep as they like. */
function flatten(list: readonly unknown[]): readonly unknown[] {
  if (!list.some(Array.isArray)) return list;
  const flat: unknown[] = [];
  const open: unknown[] = [...list].reverse();
  while (open.length > 0) {
    const value = open.pop();
    if (Array.isArray(value)) for (let i = value.length - 1; i >= 0; i--) open.push(value[i]);
    else flat.push(value);
  }
  return flat;
}
