/** Which members of a record a mapping reads. Reading them is in `field-reader.ts`. */
import type { Condition, MappingSpec } from './mapping-spec.ts';

/** Members of a record's first level that a mapping can read: of a dotted path its first part and itself, which may be one name. */
export function membersRead(spec: MappingSpec): string[] {
  const paths = fieldsOf(spec).flatMap((field) => spec.aliases[field] ?? [field]);
  return [...paths, ...spec.prefixes].flatMap((path) => (path.includes('.') ? [path, path.slice(0, path.indexOf('.'))] : [path]));
}

function fieldsOf({ when, time, severity, attributes, eventId }: MappingSpec): string[] {
  const sources = Object.values(attributes).flat();
  return [
    ...namesOf(when),
    ...time.map(({ from }) => from),
    ...severity.flatMap((source) => ('from' in source ? [source.from] : [])),
    ...sources.flatMap((source) => ('from' in source ? [source.from] : namesOf(source.when))),
    ...eventId.flat(),
  ];
}

function namesOf(conditions: readonly Condition[]): string[] {
  return conditions.map(({ field }) => field);
}
