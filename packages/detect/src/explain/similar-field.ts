/** The field of an event that is most likely meant by a name which the event does not have. */
import type { Fields } from '@tocsin/core';

/** Members of an event that are looked at, and levels below the top. */
const MAX_MEMBERS = 10_000;
const MAX_DEPTH = 8;

/**
 * Path of a field whose last name is the wanted one but for case, spaces, dots, dashes and underscores; undefined where there is none.
 * Rules say `SourceName`, events `Source Name`; rules say `id.orig_h`, events `id_orig_h`.
 */
export function similarField(wanted: string, fields: Fields): string | undefined {
  const bare = bareName(wanted);
  const open: { readonly value: Fields; readonly path: string; readonly depth: number }[] = [{ value: fields, path: '', depth: 0 }];
  let seen = 0;
  for (let next = open.shift(); next !== undefined; next = open.shift()) {
    for (const [name, value] of Object.entries(next.value)) {
      if (++seen > MAX_MEMBERS) return undefined;
      const path = next.path === '' ? name : `${next.path}.${name}`;
      if (bareName(name) === bare || bareName(path) === bare) return path;
      if (next.depth < MAX_DEPTH && value !== null && typeof value === 'object' && !Array.isArray(value))
        open.push({ value: value as Fields, path, depth: next.depth + 1 });
    }
  }
  return undefined;
}

function bareName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s._-]/g, '');
}
