/**
 * Reading a record's fields by the names that mappings use: an alias stands for paths, any other name is looked up as
 * written, then under each prefix. Compiled once, so that a record costs one look per place that it really has.
 */
import type { Fields } from '@tocsin/core';

/** Reads one field of a record whose containers were found by `Containers`; undefined where it is missing. */
export type FieldReader = (fields: Fields, containers: readonly Fields[]) => unknown;

/** The objects of a record in which undotted names are looked up: itself first, then what lies under each prefix. */
export type Containers = (fields: Fields) => readonly Fields[];

/** Whether records may have a member of the first level by this name. */
export type Presence = (member: string) => boolean;

const ANYTHING: Presence = () => true;

/** Compiles the prefixes of a mapping, such as `winlog.event_data.`; for records that have no other members than `has` says. */
export function compileContainers(prefixes: readonly string[], has: Presence = ANYTHING): Containers {
  const paths = prefixes.map((prefix) => prefix.slice(0, -1).split('.')).filter(([first = '']) => has(first));
  if (paths.length === 0) return (fields) => [fields];
  return (fields) => {
    const found = [fields];
    for (const path of paths) {
      const value = follow(fields, path);
      if (typeof value === 'object' && value !== null) found.push(value as Fields);
    }
    return found;
  };
}

/** Compiles the reading of a name; for records in which `mayHold` says of a path whether anything can be there. `NOTHING_THERE` where nothing can. */
export function compileReader(
  name: string,
  aliases: Readonly<Record<string, readonly string[]>>,
  mayHold: (path: string) => boolean = ANYTHING,
): FieldReader {
  const paths = aliases[name] ?? [name];
  const readers = paths.filter(mayHold).map(readPath);
  const [only] = readers;
  if (only === undefined) return NOTHING_THERE;
  // Of several places those count that hold more than nothing, whichever of them are looked at.
  if (paths.length === 1) return only;
  return (fields, containers) => {
    for (const read of readers) {
      const value = read(fields, containers);
      if (value !== undefined && value !== null && value !== '') return value;
    }
    return undefined;
  };
}

/** Reads a field that no record has for which it was compiled. */
export const NOTHING_THERE: FieldReader = () => undefined;

/** Whether anything can be found under a path in records that have these members, looked up in containers under these prefixes. */
export function pathPresence(prefixes: readonly string[], has: Presence): (path: string) => boolean {
  const hasContainers = prefixes.some((prefix) => has(firstPart(prefix)));
  return (path) => has(path) || (path.includes('.') ? has(firstPart(path)) : hasContainers);
}

function firstPart(path: string): string {
  return path.slice(0, path.indexOf('.'));
}

/** Every path that paths stand for, for those who read without containers: as written, then the undotted ones under each prefix. */
export function expandPaths(paths: readonly string[], prefixes: readonly string[]): string[] {
  const plain = paths.filter((path) => !path.includes('.'));
  return [...paths, ...prefixes.flatMap((prefix) => plain.map((path) => prefix + path))];
}

/** Text of a scalar, or of an array's first; undefined where there is none or it is one of the words for nothing: empty, `-`. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' || value === '-' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) && !Array.isArray(value[0]) ? textOf(value[0]) : undefined;
}

/** Names that every object has: a path may not hold them. */
export function isReserved(name: string): boolean {
  return name in Object.prototype;
}

function readPath(path: string): FieldReader {
  return path.includes('.') ? readDotted(path) : readPlain(path);
}

function readPlain(name: string): FieldReader {
  return (fields, containers) => {
    const own = fields[name];
    if (own !== undefined || containers.length === 1) return own;
    for (let at = 1; at < containers.length; at++) {
      const value = containers[at]?.[name];
      if (value !== undefined) return value;
    }
    return undefined;
  };
}

/** A dotted path is a member of that very name (Zeek's `id.orig_h`), or members within members, the last of which may have dots (Falco's `output_fields`). */
function readDotted(path: string): FieldReader {
  const parts = path.split('.');
  const rests = parts.map((_, index) => parts.slice(index).join('.'));
  return (fields) => {
    let value: unknown = fields;
    for (let at = 0; at < parts.length; at++) {
      if (typeof value !== 'object' || value === null) return undefined;
      const whole = (value as Fields)[rests[at] as string];
      if (whole !== undefined && whole !== null) return whole;
      value = (value as Fields)[parts[at] as string];
    }
    return value;
  };
}

function follow(fields: Fields, path: readonly string[]): unknown {
  let value: unknown = fields;
  for (const part of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Fields)[part];
  }
  return value;
}
