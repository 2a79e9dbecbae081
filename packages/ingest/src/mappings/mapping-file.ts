/**
 * What a mapping file may hold, checked, and merged to specs. Two kinds: a *shape* (`shape:`) says where records of one origin
 * keep things; a *mapping* (`mapping:`) says which records it reads and what they mean, alone or in `cases` that add to it.
 * A case has all that its file and its file's shape have; what it says itself comes first or instead.
 */
import type { HotAttribute } from '@tocsin/core';
import { isReserved } from './field-reader.ts';
import type { DocumentPath, MappingDocument } from './mapping-document.ts';
import type { MappingSpec, MappingTest } from './mapping-spec.ts';
import { readAttributes, readConditions, readEventId, readOcsf, readSeverity, readTimes } from './mapping-values.ts';

/** What a shape, a mapping or a case says; what it does not say is absent. */
export type PartialSpec = { readonly [K in Exclude<keyof MappingSpec, 'id' | 'version'>]?: MappingSpec[K] };

/** Reads a shape. @throws mapping.bad_file */
export function readShape(document: MappingDocument): { name: string; base: PartialSpec } {
  const top = document.object(document.value, [], ['shape', 'description', ...COMMON]);
  return { name: textAt(document, top['shape'], ['shape']), base: readPartial(document, top, []) };
}

/** Whether a document is a shape rather than a mapping. */
export function isShape(document: MappingDocument): boolean {
  return isObjectWith(document.value, 'shape') && !('mapping' in document.value);
}

/** When a mapping file has its turn: 0 unless it says otherwise, higher comes later. @throws mapping.bad_file */
export function readOrder(document: MappingDocument): number {
  const order = isObjectWith(document.value, 'order') ? document.value.order : 0;
  return typeof order === 'number' && Number.isInteger(order) ? order : document.fail(['order'], 'order must be a whole number');
}

/** Reads a mapping file's specs, the cases in order, then the file's own. @throws mapping.bad_file */
export function readMappings(document: MappingDocument, shapes: ReadonlyMap<string, PartialSpec>): MappingSpec[] {
  const top = document.object(document.value, [], ['mapping', 'description', 'version', 'order', 'shape', 'cases', 'tests', ...COMMON]);
  const id = textAt(document, top['mapping'], ['mapping']);
  const version = top['version'] ?? 1;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 1)
    return document.fail(['version'], 'version must be a whole number from 1');
  const base = merge(shapeOf(document, top['shape'], shapes), readPartial(document, top, []));
  const cases = listAt(document, top['cases'] ?? [], ['cases']).map((given, index) => {
    const at: DocumentPath = ['cases', index];
    const one = document.object(given, at, ['id', ...COMMON]);
    return complete(document, merge(base, readPartial(document, one, at)), { id: textAt(document, one['id'], [...at, 'id']), version, at });
  });
  return [...cases, complete(document, base, { id, version, at: ['mapping'] })];
}

/** Reads the tests that a mapping file carries. @throws mapping.bad_file */
export function readTests(document: MappingDocument): MappingTest[] {
  const tests = isObjectWith(document.value, 'tests') ? document.value.tests : [];
  return listAt(document, tests, ['tests']).map((given, index) => {
    const at: DocumentPath = ['tests', index];
    const one = document.object(given, at, ['name', 'format', 'record', 'received', 'expect']);
    const expect = document.object(one['expect'], [...at, 'expect'], EXPECTABLE);
    const record = typeof one['record'] === 'string' ? one['record'] : JSON.stringify(one['record'] ?? null);
    const received = one['received'] === undefined ? 0 : Date.parse(textAt(document, one['received'], [...at, 'received']));
    const [name, format] = [textAt(document, one['name'], [...at, 'name']), textAt(document, one['format'] ?? 'auto', [...at, 'format'])];
    return { path: document.path, name, format, record, receivedMs: received, expect };
  });
}

const COMMON = [
  'formats',
  'when',
  'product',
  'services',
  'categories',
  'aliases',
  'prefixes',
  'time',
  'severity',
  'class',
  'activity',
  'attributes',
  'ocsf',
  'decoded',
  'entity',
  'event_id',
];
const EXPECTABLE = ['mapping', 'class', 'activity', 'severity', 'time', 'attributes', 'event_id'];
const ATTRIBUTES: readonly HotAttribute[] = [
  'device.hostname',
  'actor.user.name',
  'src_endpoint.ip',
  'dst_endpoint.ip',
  'process.file.path',
  'api.operation',
  'status',
];

function readPartial(document: MappingDocument, given: Readonly<Record<string, unknown>>, at: DocumentPath): PartialSpec {
  const strings = (key: string): readonly string[] | undefined =>
    given[key] === undefined ? undefined : stringsAt(document, given[key], [...at, key]);
  const read = <T>(key: string, reader: (document: MappingDocument, value: unknown, at: DocumentPath) => T): T | undefined =>
    given[key] === undefined ? undefined : reader(document, given[key], [...at, key]);
  const said = {
    formats: strings('formats'),
    when: read('when', readConditions),
    product: read('product', textAt),
    services: strings('services'),
    categories: strings('categories'),
    aliases: read('aliases', readAliases),
    prefixes: read('prefixes', readPrefixes),
    time: read('time', readTimes),
    severity: read('severity', readSeverity),
    classUid: read('class', numberAt),
    activityId: read('activity', numberAt),
    attributes: read('attributes', (one, value, place) => readAttributes(one, value, { at: place, known: ATTRIBUTES })),
    ocsf: read('ocsf', readOcsf),
    decoded: strings('decoded'),
    entity: read('entity', readEntity),
    eventId: read('event_id', readEventId),
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** What a case adds: conditions are joined; aliases and attributes are by name; anything else replaces what it was. */
function merge(base: PartialSpec, own: PartialSpec): PartialSpec {
  return {
    ...base,
    ...own,
    when: [...(base.when ?? []), ...(own.when ?? [])],
    aliases: { ...base.aliases, ...own.aliases },
    attributes: { ...base.attributes, ...own.attributes },
    ocsf: { ...base.ocsf, ...own.ocsf },
  };
}

/** What a mapping means that says nothing. */
const SILENT: Omit<MappingSpec, 'id' | 'version'> = {
  formats: [],
  when: [],
  product: undefined,
  services: [],
  categories: [],
  aliases: {},
  prefixes: [],
  time: [],
  severity: [],
  classUid: 0,
  activityId: 0,
  attributes: {},
  ocsf: {},
  decoded: [],
  entity: [],
  eventId: [],
};

function complete(document: MappingDocument, partial: PartialSpec, own: { id: string; version: number; at: DocumentPath }): MappingSpec {
  const spec: MappingSpec = { ...SILENT, ...partial, id: own.id, version: own.version };
  return spec.formats.length === 0 ? document.fail(own.at, `mapping ${own.id} names no formats`) : spec;
}

function shapeOf(document: MappingDocument, name: unknown, shapes: ReadonlyMap<string, PartialSpec>): PartialSpec {
  if (name === undefined) return {};
  const called = textAt(document, name, ['shape']);
  return shapes.get(called) ?? document.fail(['shape'], `no shape is called ${called}; known are ${[...shapes.keys()].join(', ')}`);
}

function isObjectWith<K extends string>(value: unknown, key: K): value is Record<K, unknown> {
  return typeof value === 'object' && value !== null && key in value;
}

function readAliases(document: MappingDocument, value: unknown, at: DocumentPath): Record<string, readonly string[]> {
  const given = document.object(value, at, Object.keys(Object(value)));
  return Object.fromEntries(Object.entries(given).map(([name, paths]) => [name, stringsAt(document, paths, [...at, name])]));
}

function readPrefixes(document: MappingDocument, value: unknown, at: DocumentPath): readonly string[] {
  const prefixes = stringsAt(document, value, at);
  const wrong = prefixes.findIndex((prefix) => !prefix.endsWith('.'));
  return wrong === -1 ? prefixes : document.fail([...at, wrong], `prefix ${prefixes[wrong]} must end with a dot`);
}

function readEntity(document: MappingDocument, value: unknown, at: DocumentPath): readonly HotAttribute[] {
  const names = stringsAt(document, value, at);
  return names.map(
    (name, index) =>
      ATTRIBUTES.find((one) => one === name) ??
      document.fail([...at, index], `no hot attribute is called ${name}; known are ${ATTRIBUTES.join(', ')}`),
  );
}

function stringsAt(document: MappingDocument, value: unknown, at: DocumentPath): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map((one: unknown, index) => textAt(document, one, [...at, index]));
}

function listAt(document: MappingDocument, value: unknown, at: DocumentPath): readonly unknown[] {
  return Array.isArray(value) ? value : document.fail(at, `${at.join('.')} must be a list`);
}

function textAt(document: MappingDocument, value: unknown, at: DocumentPath): string {
  if (typeof value !== 'string' || value === '') return document.fail(at, `${at.join('.')} must be text`);
  return value.split('.').some(isReserved) ? document.fail(at, `${value} holds a name that every object has`) : value;
}

function numberAt(document: MappingDocument, value: unknown, at: DocumentPath): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? value
    : document.fail(at, `${at.join('.')} must be a whole number`);
}
