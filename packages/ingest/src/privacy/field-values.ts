/** Values of a decoded record's fields, with the names that lead to each: bounded, whatever the record holds. */
import type { Fields } from '@tocsin/core';

/** Levels and values that are looked at. */
const MAX_DEPTH = 64;
const MAX_VALUES = 20_000;

/** Calls back with every text, number and boolean; lists are passed through under the name of their field. */
export function eachFieldValue(fields: Fields, visit: (names: readonly string[], value: string) => void): void {
  const names: string[] = [];
  let left = MAX_VALUES;
  const walk = (value: unknown): void => {
    if (left-- <= 0 || names.length > MAX_DEPTH) return;
    if (typeof value === 'string') visit(names, value);
    else if (typeof value === 'number' || typeof value === 'boolean') visit(names, String(value));
    else if (Array.isArray(value)) for (const one of value) walk(one);
    else if (typeof value === 'object' && value !== null) walkMembers(value as Fields);
  };
  const walkMembers = (object: Fields): void => {
    for (const name of Object.keys(object)) {
      names.push(name);
      walk(object[name]);
      names.pop();
    }
  };
  walkMembers(fields);
}
