/**
 * What OCSF requires and the record does not say: `Unknown` for text, 0 for numbers, as OCSF has it for values that are not known. What
 * follows from what is there (a file's name from its path) is taken from there.
 */
import { type OcsfAttribute, type OcsfShape, ocsfSchema } from './ocsf-schema.ts';

/** What is known beside the event itself. */
export interface Known {
  readonly timeMs: number;
  readonly product: string;
}

/** Objects within objects that are filled; OCSF's own requirements do not go deeper than four. */
const MAX_DEPTH = 8;

/** Fills an event, and every object in it, up to what its shape requires. */
export function fillRequired(event: Record<string, unknown>, shape: OcsfShape, known: Known): void {
  fill(event, shape, { ...known, depth: 0 });
}

interface Filling extends Known {
  readonly depth: number;
}

function fill(object: Record<string, unknown>, shape: OcsfShape, filling: Filling): void {
  if (filling.depth > MAX_DEPTH) return;
  derive(object, shape);
  for (const [name, attribute] of shape.attributes) {
    const present = object[name];
    if (present === undefined && attribute.isRequired) object[name] = unknownOf(attribute, filling);
    else if (present !== undefined) fillWithin(present, attribute, filling);
  }
  if (shape.oneOf.length > 0 && shape.oneOf.every((name) => object[name] === undefined)) fillOne(object, shape, filling);
}

function fillWithin(present: unknown, { type }: OcsfAttribute, filling: Filling): void {
  const inner = ocsfSchema().object(type);
  if (inner === undefined || inner.attributes.size === 0) return;
  for (const one of Array.isArray(present) ? (present as unknown[]) : [present]) {
    if (typeof one === 'object' && one !== null) fill(one as Record<string, unknown>, inner, { ...filling, depth: filling.depth + 1 });
  }
}

/** The one that can be said: a service is the product, any name is unknown. */
function fillOne(object: Record<string, unknown>, { oneOf, attributes }: OcsfShape, filling: Filling): void {
  if (oneOf.includes('service')) object['service'] = { name: filling.product };
  else {
    const name = oneOf.find((each) => each === 'name' || each === 'app_name') ?? oneOf.find((each) => each !== 'account') ?? '';
    const attribute = attributes.get(name);
    if (attribute !== undefined) object[name] = unknownOf(attribute, filling);
  }
}

function unknownOf(attribute: OcsfAttribute, filling: Filling): unknown {
  const inner = ocsfSchema().object(attribute.type);
  const value = inner === undefined ? unknownScalar(attribute, filling) : {};
  if (inner !== undefined && inner.attributes.size > 0)
    fill(value as Record<string, unknown>, inner, { ...filling, depth: filling.depth + 1 });
  return attribute.isList ? [value] : value;
}

function unknownScalar({ type, values }: OcsfAttribute, { timeMs }: Filling): unknown {
  if (type === 'timestamp_t') return timeMs;
  const base = ocsfSchema().baseOf(type);
  if (base === 'string_t') return type === 'ip_t' ? '0.0.0.0' : 'Unknown';
  if (base === 'boolean_t') return false;
  return values === undefined || values.has('0') ? 0 : 99;
}

function derive(object: Record<string, unknown>, shape: OcsfShape): void {
  if (shape.name === 'file' && typeof object['path'] === 'string') {
    object['name'] ??= baseName(object['path']);
    object['type_id'] ??= 1;
  } else if (shape.name === 'process') {
    const path = pathOf(object['file']);
    if (path !== undefined) object['name'] ??= baseName(path);
  }
}

function pathOf(file: unknown): string | undefined {
  return typeof file === 'object' && file !== null && 'path' in file && typeof file.path === 'string' ? file.path : undefined;
}

function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1) || path;
}
