/** Whether an event in OCSF's form keeps to the schema: what is required is there, types and values are right, nothing is unknown. */
import { type OcsfAttribute, type OcsfSchema, type OcsfShape, ocsfSchema } from './ocsf-schema.ts';

/** A place where an event does not keep to the schema. */
export interface OcsfViolation {
  readonly path: string;
  readonly reason: string;
}

/** Every violation of an event; empty where it keeps to its class. */
export function validateOcsf(event: Readonly<Record<string, unknown>>): OcsfViolation[] {
  const schema = ocsfSchema();
  const uid = event['class_uid'];
  const shape = typeof uid === 'number' ? schema.classes.get(uid) : undefined;
  if (shape === undefined) return [{ path: 'class_uid', reason: `no class has the number ${String(uid)}` }];
  const found: OcsfViolation[] = [];
  checkObject(event, shape, { schema, found, path: '' });
  const activity = event['activity_id'];
  if (typeof activity === 'number' && !shape.activities.has(activity))
    found.push({ path: 'activity_id', reason: `${shape.name} has no activity ${activity}` });
  if (event['type_uid'] !== Number(uid) * 100 + Number(activity))
    found.push({ path: 'type_uid', reason: 'it is not class_uid × 100 + activity_id' });
  return found;
}

interface Check {
  readonly schema: OcsfSchema;
  readonly found: OcsfViolation[];
  readonly path: string;
}

function checkObject(value: Readonly<Record<string, unknown>>, shape: OcsfShape, check: Check): void {
  const at = (name: string): string => (check.path === '' ? name : `${check.path}.${name}`);
  for (const [name, attribute] of shape.attributes) {
    if (attribute.isRequired && value[name] === undefined) check.found.push({ path: at(name), reason: 'it is required and missing' });
  }
  if (shape.oneOf.length > 0 && shape.oneOf.every((name) => value[name] === undefined))
    check.found.push({ path: check.path, reason: `one of ${shape.oneOf.join(', ')} is required` });
  for (const [name, member] of Object.entries(value)) {
    const attribute = shape.attributes.get(name);
    // An object without attributes of its own holds anything.
    if (attribute === undefined && shape.attributes.size > 0)
      check.found.push({ path: at(name), reason: `${shape.name} has no such attribute` });
    else if (attribute !== undefined) checkAttribute(member, attribute, { ...check, path: at(name) });
  }
}

function checkAttribute(value: unknown, attribute: OcsfAttribute, check: Check): void {
  if (attribute.isList && !Array.isArray(value)) check.found.push({ path: check.path, reason: 'it must be a list' });
  for (const one of attribute.isList && Array.isArray(value) ? value : [value]) checkOne(one, attribute, check);
}

function checkOne(value: unknown, { type, values }: OcsfAttribute, check: Check): void {
  const object = check.schema.object(type);
  if (object !== undefined) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      checkObject(value as Readonly<Record<string, unknown>>, object, check);
    else check.found.push({ path: check.path, reason: `it must be an object ${type}` });
    return;
  }
  if (!isOf(value, check.schema.baseOf(type))) check.found.push({ path: check.path, reason: `it must be of type ${type}` });
  else if (values !== undefined && typeof value === 'number' && !values.has(String(value)))
    check.found.push({ path: check.path, reason: `${value} is none of its values` });
}

function isOf(value: unknown, base: string): boolean {
  switch (base) {
    case 'string_t':
      return typeof value === 'string';
    case 'integer_t':
    case 'long_t':
      return Number.isInteger(value);
    case 'float_t':
      return typeof value === 'number';
    case 'boolean_t':
      return typeof value === 'boolean';
    default:
      return value !== undefined;
  }
}
