/** What of a record no attribute of the mapping has taken: members as they stand, without those that were read. */
import type { Fields } from '@tocsin/core';
import { expandPaths } from '../mappings/field-reader.ts';
import type { MappingSpec } from '../mappings/mapping-spec.ts';

const MAX_DEPTH = 12;

/** Fields without those at the paths given. */
export function unmappedOf(fields: Fields, paths: ReadonlySet<string>): Fields {
  return without(fields, paths, { prefix: '', depth: 0 }) ?? {};
}

/** Paths that a mapping reads into attributes or times. */
export function pathsTaken(spec: MappingSpec): ReadonlySet<string> {
  const sources = [...Object.values(spec.attributes), ...Object.values(spec.ocsf)].flat();
  const names = [...spec.time.map(({ from }) => from), ...sources.flatMap((source) => ('from' in source ? [source.from] : []))];
  return new Set(names.flatMap((name) => expandPaths(spec.aliases[name] ?? [name], spec.prefixes)));
}

function without(value: Fields, paths: ReadonlySet<string>, at: { prefix: string; depth: number }): Fields | undefined {
  const rest: [string, unknown][] = [];
  for (const [name, member] of Object.entries(value)) {
    const path = at.prefix + name;
    if (paths.has(path)) continue;
    const isObject = typeof member === 'object' && member !== null && !Array.isArray(member);
    const kept = isObject && at.depth < MAX_DEPTH ? without(member as Fields, paths, { prefix: `${path}.`, depth: at.depth + 1 }) : member;
    if (kept !== undefined) rest.push([name, kept]);
  }
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}
