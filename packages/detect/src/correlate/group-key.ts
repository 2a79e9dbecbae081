/** Group keys of correlations: the values of the group-by fields, as JSON, so that no value can pass for two. */
import type { EventPosition, Match } from '@tocsin/core';

/** Key of a match; undefined when it lacks one of the fields and so belongs to no group. */
export function groupKeyOf(groupFields: ReadonlyMap<string, readonly string[]>, match: Match): string | undefined {
  const fields = groupFields.get(match.ruleId);
  if (fields === undefined) return undefined;
  const values: string[] = [];
  for (const field of fields) {
    const value = Object.hasOwn(match.group, field) ? match.group[field] : undefined;
    if (value === undefined) return undefined;
    values.push(value);
  }
  return JSON.stringify(values);
}

/** The values of a key by the names they are grouped by. */
export function groupByOf(names: readonly string[], groupKey: string): Record<string, string> {
  const values = JSON.parse(groupKey) as string[];
  return Object.fromEntries(names.map((name, index) => [name, values[index] as string]));
}

/** Whether two places in the log are one. */
export function isSameEvent(a: EventPosition | null, b: EventPosition): boolean {
  return a !== null && a.index === b.index && a.position === b.position;
}
