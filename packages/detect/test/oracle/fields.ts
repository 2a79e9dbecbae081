// How the reference evaluator reads a field of an event. Naive on purpose: no caches, no paths prepared ahead.
// A name is looked up as a literal key first ("a.b" may be one key), then split at dots; arrays on the way are
// walked element by element, so that one name can stand for several values.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type OracleEvent = { readonly [key: string]: Json };

export type FieldValues = { readonly exists: boolean; readonly values: readonly Json[] };

/** Every value the field has in the event; `exists` is true also when the only value is null. */
export function readField(event: OracleEvent, name: string): FieldValues {
  const found = walk(event, name.split('.'));
  const values = found.flatMap((value) => (Array.isArray(value) ? flatten(value) : [value]));
  return { exists: found.length > 0, values };
}

/** Every string or number anywhere in the event, as text: what a keyword is searched in. */
export function searchableTexts(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (value === null || typeof value === 'boolean') return [];
  return Object.values(value).flatMap((inner) => searchableTexts(inner as Json));
}

function walk(value: Json, parts: readonly string[]): Json[] {
  if (parts.length === 0) return [value];
  if (Array.isArray(value)) return value.flatMap((element) => walk(element, parts));
  if (value === null || typeof value !== 'object') return [];
  const map = value as OracleEvent;
  // Longest key first: a literal "a.b" wins over b inside a.
  for (let taken = parts.length; taken > 0; taken -= 1) {
    const key = parts.slice(0, taken).join('.');
    if (!Object.hasOwn(map, key)) continue;
    const found = walk(map[key] as Json, parts.slice(taken));
    if (found.length > 0) return found;
  }
  return [];
}

function flatten(values: readonly Json[]): Json[] {
  return values.flatMap((value) => (Array.isArray(value) ? flatten(value) : [value]));
}
