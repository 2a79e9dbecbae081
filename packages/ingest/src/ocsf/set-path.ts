/** Putting a value where OCSF wants it, as the type that OCSF wants. */
import { readTime } from '../mappings/event-time.ts';
import { type OcsfAttribute, type OcsfShape, ocsfSchema } from './ocsf-schema.ts';

/** What goes where. */
export interface PathValue {
  readonly path: readonly string[];
  readonly value: unknown;
  /** For times without a year. */
  readonly receivedMs: number;
}

/** Longest text of an attribute, characters; longer ones are cut, the record has the whole. */
const MAX_TEXT = 8192;

/** Puts a value at a path below an object of a shape; false where the schema has no such path or the value cannot be of its type. */
export function setPath(object: Record<string, unknown>, shape: OcsfShape, { path, value, receivedMs }: PathValue): boolean {
  const [name = '', ...rest] = path;
  const attribute = shape.attributes.get(name);
  if (attribute === undefined) return false;
  const inner = ocsfSchema().object(attribute.type);
  if (rest.length === 0) return inner === undefined && setLeaf(object, { name, attribute, value, receivedMs });
  if (inner === undefined) return false;
  const present = object[name];
  const held = attribute.isList && Array.isArray(present) ? (present as unknown[])[0] : present;
  const child = isRecord(held) ? held : {};
  const done = inner.attributes.size === 0 ? setAny(child, rest, value) : setPath(child, inner, { path: rest, value, receivedMs });
  if (done) object[name] = attribute.isList ? [child] : child;
  return done;
}

function setLeaf(
  object: Record<string, unknown>,
  one: { name: string; attribute: OcsfAttribute; value: unknown; receivedMs: number },
): boolean {
  const { name, attribute, value, receivedMs } = one;
  const given = Array.isArray(value) ? (value as unknown[]) : [value];
  const read = given.map((each) => convert(each, attribute, receivedMs)).filter((each) => each !== undefined);
  if (read.length === 0) return false;
  object[name] = attribute.isList ? read : read[0];
  return true;
}

function setAny(object: Record<string, unknown>, path: readonly string[], value: unknown): boolean {
  object[path.join('.')] = value;
  return true;
}

function convert(value: unknown, { type, values }: OcsfAttribute, receivedMs: number): unknown {
  if (type === 'timestamp_t') return readTime(value, 'any', receivedMs);
  const base = ocsfSchema().baseOf(type);
  if (base === 'integer_t' || base === 'long_t') return enumerated(toInteger(value), values);
  if (base === 'float_t') return toNumber(value);
  if (base === 'boolean_t') return toBoolean(value);
  return base === 'string_t' ? toText(value) : value;
}

/** A number that is none of an attribute's values is 99, other. */
function enumerated(value: number | undefined, values: ReadonlySet<string> | undefined): number | undefined {
  if (value === undefined || values === undefined || values.has(String(value))) return value;
  return values.has('99') ? 99 : undefined;
}

function toInteger(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^0x[0-9a-f]{1,13}$/i.test(value) ? Number.parseInt(value, 16) : toNumber(value);
  return number === undefined ? undefined : Math.trunc(number);
}

function toNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^-?\d{1,19}(\.\d{1,9})?$/.test(value.trim()) ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = String(value).toLowerCase();
  if (text === 'true' || text === 'yes' || text === '1' || text === 't') return true;
  return text === 'false' || text === 'no' || text === '0' || text === 'f' ? false : undefined;
}

function toText(value: unknown): string | undefined {
  const text =
    typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);
  if (text === undefined || text === '') return undefined;
  return (text.length > MAX_TEXT ? text.slice(0, MAX_TEXT) : text).toWellFormed();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
