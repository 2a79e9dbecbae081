/** Group keys of correlations: the values of the group-by fields, each behind its length, so that no value can pass for two. */
import type { EventPosition, Match } from '@tocsin/core';

/** Values of the fields a match is grouped by, as a key; undefined when it lacks one of them and so belongs to no group. */
export function keyOfFields(fields: readonly string[], group: Match['group']): string | undefined {
  let key = '';
  for (const field of fields) {
    const value = Object.hasOwn(group, field) ? group[field] : undefined;
    if (value === undefined) return undefined;
    key += `${value.length}:${value}`;
  }
  return key;
}

/** Key of a match of one of a correlation's rules. */
export function groupKeyOf(
  inputs: ReadonlyMap<string, { readonly groupFields: readonly string[] }>,
  match: Pick<Match, 'ruleId' | 'group'>,
): string | undefined {
  const input = inputs.get(match.ruleId);
  return input === undefined ? undefined : keyOfFields(input.groupFields, match.group);
}

/** The values of a key by the names they are grouped by. */
export function groupByOf(names: readonly string[], groupKey: string): Record<string, string> {
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

/** Whether two places in the log are one. */
export function isSameEvent(a: EventPosition | null, b: EventPosition): boolean {
  return a !== null && a.index === b.index && a.position === b.position;
}
