/**
 * Group keys of correlations: the value of the group-by field; where there are several, each value behind its length, so that no value
 * can pass for two.
 */
import type { Match } from '@tocsin/core';

/** Key of the values of group-by fields; undefined when one is missing, and so there is no group. */
export function keyOfValues(values: readonly (string | undefined)[]): string | undefined {
  const [first] = values;
  // Nearly every match is looked up by one field or two: the one is its own key.
  if (values.length === 1) return first;
  let key = '';
  for (const value of values) {
    if (value === undefined) return undefined;
    key += `${value.length}:${value}`;
  }
  return key;
}

/** Key of a match of one of a correlation's rules. */
export function groupKeyOf(
  inputs: ReadonlyMap<string, { readonly groupFields: readonly string[] }>,
  { ruleId, group }: Pick<Match, 'ruleId' | 'group'>,
): string | undefined {
  const fields = inputs.get(ruleId)?.groupFields;
  return fields === undefined ? undefined : keyOfValues(fields.map((field) => (Object.hasOwn(group, field) ? group[field] : undefined)));
}

/** The values of a key by the names they are grouped by. */
export function groupByOf(names: readonly string[], groupKey: string): Record<string, string> {
  const [only] = names;
  if (names.length === 1 && only !== undefined) return Object.fromEntries([[only, groupKey]]);
  let at = 0;
  return Object.fromEntries(
    names.map((name) => {
      const colon = groupKey.indexOf(':', at);
      const from = colon + 1;
      at = from + Number(groupKey.slice(at, colon));
      return [name, groupKey.slice(from, at)];
    }),
  );
}
