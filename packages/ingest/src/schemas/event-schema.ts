/**
 * The JSON Schema (2020-12) of an event type, generated from its mapping: which fields the mapping reads, what they may be, which of them
 * must be there. It is about the record as the mapping reads it: each field under the name that the mapping gives it, wherever it stands.
 */
import type { AttributeSource, Condition, MappingSpec } from '../mappings/mapping-spec.ts';
import { ocsfSchema } from '../ocsf/ocsf-schema.ts';

/** What a field may be: a value or a list of values; a time; a whole number. */
export type FieldKind = 'scalar' | 'time' | 'whole';

/** A field of a schema: of a kind, or anything. */
export type FieldSchema = Readonly<Record<string, never>> | { readonly $ref: `#/$defs/${FieldKind}` };

/** The schema of one event type. Fields that it does not name may be anything. */
export interface EventSchema {
  readonly $schema: 'https://json-schema.org/draft/2020-12/schema';
  readonly $id: string;
  readonly title: string;
  readonly description: string;
  readonly type: 'object';
  readonly required?: readonly string[];
  /** Of each list one field at least is there. */
  readonly allOf?: readonly { readonly anyOf: readonly { readonly required: readonly [string] }[] }[];
  readonly properties: Readonly<Record<string, FieldSchema>>;
  readonly $defs: typeof fieldKinds;
}

/** An event type in one version. */
export interface EventType {
  readonly type: string;
  readonly version: number;
  readonly classUid: number;
  readonly schema: EventSchema;
}

const VALUE = { type: ['string', 'number', 'boolean', 'null'] };
/** The kinds of fields, as every schema carries them. A list stands for its first value wherever one value is asked for. */
const fieldKinds: Readonly<Record<FieldKind, object>> = {
  scalar: { anyOf: [VALUE, { type: 'array', items: VALUE }] },
  time: { type: ['string', 'number', 'null'] },
  whole: {
    anyOf: [{ type: ['integer', 'null'] }, { type: 'string', pattern: '^$|^-$|^[+-]?(?:[0-9]+|0x[0-9A-Fa-f]+|%%[0-9]+)$' }],
  },
};
const SCALAR: FieldSchema = { $ref: '#/$defs/scalar' };
const TIME: FieldSchema = { $ref: '#/$defs/time' };
const WHOLE: FieldSchema = { $ref: '#/$defs/whole' };
const ANY: FieldSchema = {};

/** The event type of a mapping. */
export function eventTypeOf(spec: MappingSpec): EventType {
  const required = spec.when.filter(isThere).map(({ field }) => field);
  const groups = [entityFields(spec)].filter((fields) => fields.length > 0);
  const schema: EventSchema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:tocsin:event:${spec.id}:${spec.version}`,
    title: spec.id,
    description: `Records that the mapping ${spec.id} reads, as OCSF class ${spec.classUid}: fields under the names of the mapping.`,
    type: 'object',
    ...(required.length > 0 ? { required: unique(required) } : {}),
    ...(groups.length > 0
      ? { allOf: groups.map((fields) => ({ anyOf: unique(fields).map((field) => ({ required: [field] as const })) })) }
      : {}),
    properties: Object.fromEntries([...fieldsOf(spec)].sort(([a], [b]) => (a < b ? -1 : 1))),
    $defs: fieldKinds,
  };
  return { type: spec.id, version: spec.version, classUid: spec.classUid, schema };
}

/** Every field that a mapping reads, with what it may be: where several readings differ, what suits all of them. */
function fieldsOf(spec: MappingSpec): Map<string, FieldSchema> {
  const found = new Map<string, FieldSchema>();
  const add = (field: string, schema: FieldSchema): void => {
    const before = found.get(field);
    found.set(field, before === undefined || before === schema ? schema : SCALAR);
  };
  const addNew = (field: string, schema: FieldSchema): void => {
    if (!found.has(field)) found.set(field, schema);
  };
  for (const { from } of spec.time) add(from, TIME);
  for (const field of Object.values(spec.attributes).flatMap(namesOf)) add(field, SCALAR);
  for (const [path, sources] of Object.entries(spec.ocsf)) {
    const schema = ocsfFieldSchema(spec.classUid, path);
    for (const field of namesOf(sources)) addNew(field, schema);
  }
  for (const { field } of spec.when) addNew(field, ANY);
  for (const field of spec.eventId.flat()) addNew(field, SCALAR);
  return openObjects(found);
}

function namesOf(sources: readonly AttributeSource[]): string[] {
  return sources.flatMap((source) => ('from' in source ? [source.from] : []));
}

/** `host` beside `host.name`: some records have an object where others have a name. */
function openObjects(fields: Map<string, FieldSchema>): Map<string, FieldSchema> {
  const names = [...fields.keys()];
  for (const field of names) if (names.some((other) => other.startsWith(`${field}.`))) fields.set(field, ANY);
  return fields;
}

/** What a field may be that becomes an OCSF attribute: whole numbers where the attribute is one. */
function ocsfFieldSchema(classUid: number, path: string): FieldSchema {
  const schema = ocsfSchema();
  let shape = schema.classes.get(classUid) ?? schema.classes.get(0);
  const parts = path.split('.');
  for (const [at, part] of parts.entries()) {
    const attribute: { readonly type: string; readonly isList: boolean } | undefined = shape?.attributes.get(part);
    if (attribute === undefined) return ANY;
    if (at === parts.length - 1) {
      const base = schema.baseOf(attribute.type);
      // Times are read in many forms, lists may be anything that is listed, and codes are words as often as numbers.
      const isWhole = (base === 'integer_t' || base === 'long_t') && attribute.type !== 'timestamp_t' && !attribute.isList && !isCode(part);
      return isWhole ? WHOLE : ANY;
    }
    shape = schema.object(attribute.type) as typeof shape;
  }
  return ANY;
}

function isCode(name: string): boolean {
  return name.endsWith('_id') || name.endsWith('code');
}

/** Fields of which one names whom an event is about; none of a mapping that reads whatever nothing else reads. */
function entityFields(spec: MappingSpec): string[] {
  if (spec.when.length === 0) return [];
  const sources = spec.entity.flatMap((attribute) => spec.attributes[attribute] ?? []);
  // Where one of them is a fixed value, no field is needed.
  return sources.every((source) => 'from' in source) ? namesOf(sources) : [];
}

function isThere(condition: Condition): boolean {
  return 'anyOf' in condition || condition.exists;
}

function unique(fields: readonly string[]): string[] {
  return [...new Set(fields)];
}
