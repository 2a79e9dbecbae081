/** Holds records against the schema of their type: compiled when a type is first asked for, so that nobody pays for what is not checked. */
import { createRequire } from 'node:module';
import type { Fields } from '@tocsin/core';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { compileContainers, compileReader, type FieldReader } from '../mappings/field-reader.ts';
import type { MappingSpec } from '../mappings/mapping-spec.ts';
import { type EventType, eventTypeOf } from './event-schema.ts';

/** What is done with records that do not fit the schema of their type: not looked at, flagged, or set aside. */
export type SchemaMode = 'off' | 'warn' | 'enforce';

/** Why a record of a type does not fit; undefined where it does, or there is no such type. */
export type SchemaCheck = (type: string, fields: Fields) => string | undefined;

interface Checked {
  readonly validate: ValidateFunction;
  readonly read: (fields: Fields) => Record<string, unknown>;
}

/** A check of the types of these mappings. Opens nothing; the validator is loaded with the first record that is checked. */
export function createSchemaCheck(specs: readonly MappingSpec[]): SchemaCheck {
  const byType = new Map(specs.map((spec) => [spec.id, spec]));
  const compiled = new Map<string, Checked>();
  let validator: Ajv2020 | undefined;
  return (type, fields) => {
    const spec = byType.get(type);
    if (spec === undefined) return undefined;
    validator ??= loadValidator();
    const checked = compiled.get(type) ?? compileCheck(spec, validator);
    compiled.set(type, checked);
    if (checked.validate(checked.read(fields))) return undefined;
    return reasonOf(checked.validate.errors ?? []);
  };
}

/** All types of these mappings, by name. */
export function eventTypesOf(specs: readonly MappingSpec[]): EventType[] {
  return specs.map(eventTypeOf).sort((a, b) => (a.type < b.type ? -1 : 1));
}

function loadValidator(): Ajv2020 {
  // Loading it costs as much as starting a command, and most processes never check a record.
  const { Ajv2020: Validator } = createRequire(import.meta.url)('ajv/dist/2020.js') as { Ajv2020: new (options: object) => Ajv2020 };
  return new Validator({ strict: true, allowUnionTypes: true, strictRequired: false, logger: false });
}

function compileCheck(spec: MappingSpec, validator: Ajv2020): Checked {
  const { schema } = eventTypeOf(spec);
  const containers = compileContainers(spec.prefixes);
  const readers = Object.keys(schema.properties).map((field): [string, FieldReader] => [field, compileReader(field, spec.aliases)]);
  return {
    validate: validator.compile(schema),
    read(fields) {
      const within = containers(fields);
      const read: Record<string, unknown> = Object.create(null);
      for (const [field, reader] of readers) {
        const value = reader(fields, within);
        if (value !== undefined) read[field] = value;
      }
      return read;
    },
  };
}

/** The first thing that is wrong, in words that hold no value of the record. */
function reasonOf(errors: readonly ErrorObject[]): string {
  const missing = errors.filter(({ keyword }) => keyword === 'required').map(({ params }) => String(params['missingProperty']));
  const inGroup = errors.some(({ keyword, schemaPath }) => keyword === 'anyOf' && schemaPath.startsWith('#/allOf'));
  if (inGroup && missing.length > 0) return `none of the fields ${missing.slice(0, MAX_NAMED).join(', ')} is there`;
  if (missing.length > 0) return `the field ${missing[0]} is not there`;
  const [first] = errors;
  const field = first?.instancePath.split('/')[1]?.replaceAll('~1', '/').replaceAll('~0', '~') ?? '';
  return `the field ${field.slice(0, 200)} is not of a type that it may have`;
}

const MAX_NAMED = 8;
