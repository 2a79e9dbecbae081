/**
 * Whether a new version of an event type may take the place of the old: every record that fitted still fits. Told for the forms that
 * `event-schema.ts` generates, and strict where it cannot tell.
 */
import type { EventSchema, EventType, FieldSchema } from './event-schema.ts';

/** What is wrong with the types of today, beside those of before; empty where nothing is. */
export function checkVersions(before: readonly EventType[], now: readonly EventType[]): string[] {
  const old = new Map(before.map((one) => [one.type, one]));
  return now.flatMap((one) => {
    const former = old.get(one.type);
    return former === undefined ? [] : checkVersion(former, one);
  });
}

function checkVersion(before: EventType, now: EventType): string[] {
  const at = `${now.type}: `;
  if (now.version < before.version) return [`${at}version ${now.version} is older than ${before.version}, which is published`];
  const isSame = JSON.stringify(comparable(before.schema)) === JSON.stringify(comparable(now.schema));
  if (now.version === before.version)
    return isSame ? [] : [`${at}its schema has changed and its version has not: give its mapping version ${before.version + 1}`];
  return breaksOf(before.schema, now.schema).map((reason) => `${at}version ${now.version} breaks version ${before.version}: ${reason}`);
}

/** Why records that fitted might not fit any more. */
export function breaksOf(before: EventSchema, now: EventSchema): string[] {
  const breaks: string[] = [];
  for (const field of now.required ?? []) if (!(before.required ?? []).includes(field)) breaks.push(`${field} must be there now`);
  const groups = (before.allOf ?? []).map(fieldsOfGroup);
  for (const group of (now.allOf ?? []).map(fieldsOfGroup)) {
    // Whoever had one of the old group's fields has one of a larger group's.
    if (!groups.some((old) => old.every((field) => group.includes(field)))) breaks.push(`one of ${group.join(', ')} must be there now`);
  }
  for (const [field, schema] of Object.entries(now.properties)) {
    const old: FieldSchema = Object.hasOwn(before.properties, field) ? (before.properties[field] as FieldSchema) : {};
    if (!accepts(schema, old)) breaks.push(`${field} may be less than before`);
  }
  return breaks;
}

/** Whether a field's new schema takes all that the old one took. */
function accepts(now: FieldSchema, old: FieldSchema): boolean {
  if (!('$ref' in now)) return true;
  return '$ref' in old && (now.$ref === old.$ref || now.$ref === '#/$defs/scalar');
}

function fieldsOfGroup(group: NonNullable<EventSchema['allOf']>[number]): string[] {
  return group.anyOf.flatMap(({ required }) => required);
}

/** Without words for people and without the version. */
function comparable({ required = [], allOf = [], properties }: EventSchema): unknown {
  return [[...required].sort(), allOf, Object.entries(properties).sort(([a], [b]) => (a < b ? -1 : 1))];
}
