/** The small languages inside a mapping file: conditions, and where times, severities, attributes and event ids are found. */
import { type HotAttribute, isSeverityId, type SeverityScheme } from '@tocsin/core';
import { TIME_FORMATS } from './event-time.ts';
import { isReserved } from './field-reader.ts';
import type { DocumentPath, MappingDocument } from './mapping-document.ts';
import type { AttributeSource, Condition, ConditionValue, MappingSpec, SeveritySource, TimeSource } from './mapping-spec.ts';

/** `{ EventID: [1, 2], Channel: Security, uid: { exists: true } }`: all must hold. @throws mapping.bad_file */
export function readConditions(document: MappingDocument, value: unknown, at: DocumentPath): readonly Condition[] {
  const given = document.object(value, at, Object.keys(Object(value)));
  return Object.entries(given).map(([field, asked]) => {
    const place = [...at, field];
    checkName(document, field, place);
    if (typeof asked === 'object' && asked !== null && !Array.isArray(asked)) {
      const exists = document.object(asked, place, ['exists'])['exists'];
      return typeof exists === 'boolean' ? { field, exists } : document.fail(place, 'exists must be true or false');
    }
    const anyOf = (Array.isArray(asked) ? asked : [asked]).filter(isConditionValue);
    if (anyOf.length === 0 || (Array.isArray(asked) && anyOf.length < asked.length))
      return document.fail(place, `${field} must be a value or a list of values`);
    return { field, anyOf };
  });
}

/** A field, or `{ from: field, as: epoch_s }`, or a list of these. @throws mapping.bad_file */
export function readTimes(document: MappingDocument, value: unknown, at: DocumentPath): readonly TimeSource[] {
  return sources(value).map((given, index) => {
    const place = [...at, index];
    if (typeof given === 'string') return { from: checkName(document, given, place), as: 'any' };
    const one = document.object(given, place, ['from', 'as']);
    const as =
      TIME_FORMATS.find((format) => format === one['as']) ??
      document.fail([...place, 'as'], `as must be one of ${TIME_FORMATS.join(', ')}`);
    return { from: checkName(document, one['from'], [...place, 'from']), as };
  });
}

/** A severity id, or `{ from: field, scheme: syslog }`, or a list of these. @throws mapping.bad_file */
export function readSeverity(document: MappingDocument, value: unknown, at: DocumentPath): readonly SeveritySource[] {
  return sources(value).map((given, index) => {
    const place = [...at, index];
    if (isSeverityId(given)) return { value: given };
    const one = document.object(given, place, ['from', 'scheme']);
    const scheme =
      SCHEMES.find((known) => known === one['scheme']) ??
      document.fail([...place, 'scheme'], `scheme must be one of ${SCHEMES.join(', ')}`);
    return { from: checkName(document, one['from'], [...place, 'from']), scheme };
  });
}

/** By attribute: a field, or `{ value: Failure, when: … }`, or a list of these. @throws mapping.bad_file */
export function readAttributes(
  document: MappingDocument,
  value: unknown,
  where: { at: DocumentPath; known: readonly HotAttribute[] },
): MappingSpec['attributes'] {
  const given = document.object(value, where.at, where.known);
  return Object.fromEntries(
    Object.entries(given).map(([name, from]) => [
      name,
      sources(from).map((one, index) => readAttribute(document, one, [...where.at, name, index])),
    ]),
  );
}

/** By path of OCSF: as attributes. Whether OCSF has such a path in the mapping's class is asked by `lintMappings`. @throws mapping.bad_file */
export function readOcsf(document: MappingDocument, value: unknown, at: DocumentPath): MappingSpec['ocsf'] {
  const given = document.object(value, at, Object.keys(Object(value)));
  return Object.fromEntries(
    Object.entries(given).map(([path, from]) => [
      checkName(document, path, [...at, path]),
      sources(from).map((one, index) => readAttribute(document, one, [...at, path, index])),
    ]),
  );
}

/** A list of lists of fields; a single list is one of one. @throws mapping.bad_file */
export function readEventId(document: MappingDocument, value: unknown, at: DocumentPath): readonly (readonly string[])[] {
  const lists = Array.isArray(value) && value.every((one) => Array.isArray(one)) ? value : [value];
  return lists.map((list) => sources(list).map((name, index) => checkName(document, name, [...at, index])));
}

const SCHEMES: readonly SeverityScheme[] = ['ocsf', 'sigma', 'syslog', 'cef', 'ecs', 'windows', 'nxlog', 'suricata', 'wazuh'];

function readAttribute(document: MappingDocument, given: unknown, at: DocumentPath): AttributeSource {
  if (typeof given === 'string') return { from: checkName(document, given, at) };
  const one = document.object(given, at, ['value', 'when']);
  if (!isConditionValue(one['value'])) return document.fail([...at, 'value'], 'value must be text, a number, true or false');
  return { value: one['value'], when: one['when'] === undefined ? [] : readConditions(document, one['when'], [...at, 'when']) };
}

function checkName(document: MappingDocument, name: unknown, at: DocumentPath): string {
  if (typeof name !== 'string' || name === '') return document.fail(at, 'a field name is missing');
  return name.split('.').some(isReserved) ? document.fail(at, `${name} holds a name that every object has`) : name;
}

function sources(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isConditionValue(value: unknown): value is ConditionValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
