/**
 * The mappings in force: files in, one function from a record's fields to what they mean out. Reading files is
 * `shipped-mappings.ts`; decoding records is `decoders/`.
 */
import { type Fields, type LogSource, mappingOfName } from '@tocsin/core';
import { isFormat } from '../decoders/decoders.ts';
import { compileMapping, logSourceOf, type Mapped } from './compile-mapping.ts';
import { compileFinder, type Finder } from './condition-index.ts';
import { type MappingDocument, parseMappingDocument } from './mapping-document.ts';
import { isShape, type PartialSpec, readMappings, readOrder, readShape, readTests } from './mapping-file.ts';
import type { MappingSpec, MappingTest } from './mapping-spec.ts';
import { membersRead } from './members-read.ts';

/** A file of mappings; `path` is for messages and for the order of files. */
export interface MappingText {
  readonly path: string;
  readonly text: string;
}

/** Mappings, compiled. Immutable. */
export interface MappingSet {
  /**
   * What a record's fields mean. `format` is the one the decoder answered with; `receivedMs` gives a year to times without one.
   * Never throws on a format of the decoders' table.
   */
  map(format: string, fields: Fields, receivedMs: number): Mapped;
  /** Members of a record's first level that any mapping reads, or any of one format. */
  members(format?: string): ReadonlySet<string>;
  /** Id of the mapping that reads a record: that of what `map` answers, without the work of the rest. */
  mappingOf(format: string, fields: Fields): string;
  /** What rules need to know of each mapping, in order. */
  logSources(): readonly LogSource[];
  /** A format by which a record of this mapping, named or not, can be decoded again; undefined where no mapping has the id. */
  formatOf(mapping: string): string | undefined;
  readonly specs: readonly MappingSpec[];
  /** Tests that the files carry, for those who run them. */
  readonly tests: readonly MappingTest[];
}

/**
 * Loads mapping files. Order of precedence: files by their `order`, then as given; within a file its cases, then itself;
 * those without conditions come after all others, one per format. @throws mapping.bad_file on the first mistake; nothing is loaded then
 */
export function loadMappings(files: readonly MappingText[]): MappingSet {
  const documents = files.map(parseMappingDocument);
  const shapes = new Map<string, PartialSpec>(documents.filter(isShape).map((document) => namedShape(document)));
  const mappings = documents
    .filter((document) => !isShape(document))
    .map((document) => ({ document, order: readOrder(document) }))
    .sort((a, b) => a.order - b.order)
    .map(({ document }) => document);
  const placed = mappings.flatMap((document) => readMappings(document, shapes).map((spec) => ({ spec, document })));
  checkIds(placed);
  return createSet(
    placed,
    mappings.flatMap((document) => readTests(document)),
  );
}

/** The set that these specs came from, without its tests: for those who kept the specs of a set. @throws RangeError on specs that no set has */
export function compileMappings(specs: readonly MappingSpec[]): MappingSet {
  return createSet(
    specs.map((spec) => ({ spec, document: KEPT })),
    [],
  );
}

const KEPT: Pick<MappingDocument, 'fail'> = {
  fail: (_at, reason) => {
    throw new RangeError(reason);
  },
};

function createSet(placed: readonly Placed[], tests: readonly MappingTest[]): MappingSet {
  const specs = placed.map(({ spec }) => spec);
  const finders = compileFinders(placed);
  const formats = new Map(specs.map((spec) => [spec.id, spec.formats[0]]));
  const finderOf = (format: string, fields: Fields): Target => {
    const found = finders.get(format) ?? finders.get('json');
    return found?.find(fields) ?? found?.otherwise ?? nothing;
  };
  return {
    specs,
    tests,
    map: (format, fields, receivedMs) => finderOf(format, fields).map(fields, receivedMs),
    mappingOf: (format, fields) => finderOf(format, fields).id,
    members: (format) => new Set(specs.filter(({ formats }) => format === undefined || formats.includes(format)).flatMap(membersRead)),
    logSources: () => specs.map(logSourceOf),
    formatOf: (mapping) => formats.get(mapping) ?? formats.get(mappingOfName(mapping)),
  };
}

interface Placed {
  readonly spec: MappingSpec;
  readonly document: Pick<MappingDocument, 'fail'>;
}

/** A compiled mapping. */
interface Target {
  readonly id: string;
  readonly map: (fields: Fields, receivedMs: number) => Mapped;
}

interface FormatFinder {
  readonly find: Finder<Target>;
  readonly otherwise: Target;
}

function namedShape(document: MappingDocument): [string, PartialSpec] {
  const { name, base } = readShape(document);
  return [name, base];
}

function checkIds(placed: readonly Placed[]): void {
  const seen = new Set<string>();
  for (const { spec, document } of placed) {
    if (seen.has(spec.id)) document.fail(['mapping'], `mapping ${spec.id} is there twice`);
    seen.add(spec.id);
    const unknown = spec.formats.find((format) => !isFormat(format) || format === 'auto');
    if (unknown !== undefined) document.fail(['formats'], `no format is called ${unknown}`);
  }
}

function compileFinders(placed: readonly Placed[]): Map<string, FormatFinder> {
  const compiled = new Map(placed.map(({ spec }): [string, Target] => [spec.id, { id: spec.id, map: compileMapping(spec) }]));
  const formats = new Set(placed.flatMap(({ spec }) => spec.formats));
  return new Map([...formats].map((format) => [format, compileFormat(format, placed, compiled)]));
}

function compileFormat(format: string, placed: readonly Placed[], compiled: ReadonlyMap<string, Target>): FormatFinder {
  const own = placed.filter(({ spec }) => spec.formats.includes(format));
  const [last, another] = own.filter(({ spec }) => spec.when.length === 0);
  if (another !== undefined)
    another.document.fail(
      ['mapping'],
      `${another.spec.id} has no conditions, and neither has ${last?.spec.id}: ${format} needs one of them`,
    );
  if (last === undefined)
    own[0]?.document.fail(['formats'], `${format} has no mapping without conditions, which it needs for what nothing else reads`);
  const entries = own
    .filter(({ spec }) => spec.when.length > 0)
    .map(({ spec }) => ({
      target: compiled.get(spec.id) ?? nothing,
      when: spec.when,
      aliases: spec.aliases,
      prefixes: spec.prefixes,
    }));
  return { find: compileFinder(entries), otherwise: compiled.get(last?.spec.id ?? '') ?? nothing };
}

/** What is said of a record where no mapping at all was loaded: an OCSF base event. */
function unmapped(): Mapped {
  return {
    mapping: 'json',
    type: 'json',
    classUid: 0,
    activityId: 0,
    severity: 0,
    timeMs: undefined,
    attributes: {},
    producerEventId: undefined,
  };
}

const nothing: Target = { id: 'json', map: unmapped };
