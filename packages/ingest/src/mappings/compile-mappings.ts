/**
 * Mappings in force, from specs that were checked: one function from a record's fields to what they mean. Reading files is
 * `mapping-set.ts`, which needs YAML; this does not.
 */
import { type Fields, type LogSource, mappingOfName } from '@tocsin/core';
import { compileMapping, logSourceOf, type Mapped, type Mapper } from './compile-mapping.ts';
import { compileFinder, type Finder, type Indexed } from './condition-index.ts';
import { type CompiledMapping, KindMappers, MapperAllowance } from './kind-mappers.ts';
import type { MappingDocument } from './mapping-document.ts';
import type { MappingSpec, MappingTest } from './mapping-spec.ts';
import { membersRead } from './members-read.ts';

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

/** The set that these specs came from, without its tests: for those who kept the specs of a set. @throws RangeError on specs that no set has */
export function compileMappings(specs: readonly MappingSpec[]): MappingSet {
  return createMappingSet(
    specs.map((spec) => ({ spec, document: KEPT })),
    [],
  );
}

const KEPT: Pick<MappingDocument, 'fail'> = {
  fail: (_at, reason) => {
    throw new RangeError(reason);
  },
};

/** The set of specs in this order, each with who is told where it cannot be compiled. */
export function createMappingSet(placed: readonly PlacedSpec[], tests: readonly MappingTest[]): MappingSet {
  const specs = placed.map(({ spec }) => spec);
  const finders = compileFinders(placed);
  const formats = new Map(specs.map((spec) => [spec.id, spec.formats[0]]));
  const finderOf = (format: string): FormatFinder => finders.get(format) ?? finders.get('json') ?? findsNothing;
  return {
    specs,
    tests,
    map(format, fields, receivedMs) {
      const { finder, otherwise } = finderOf(format);
      const kind = finder.kindOf(fields);
      return kind.kept.mapperOf(finder.find(fields, kind) ?? otherwise)(fields, receivedMs);
    },
    mappingOf(format, fields) {
      const { finder, otherwise } = finderOf(format);
      return (finder.find(fields, finder.kindOf(fields)) ?? otherwise).id;
    },
    members: (format) => new Set(specs.filter(({ formats }) => format === undefined || formats.includes(format)).flatMap(membersRead)),
    logSources: () => specs.map(logSourceOf),
    formatOf: (mapping) => formats.get(mapping) ?? formats.get(mappingOfName(mapping)),
  };
}

/** A spec and the document it stands in. */
export interface PlacedSpec {
  readonly spec: MappingSpec;
  readonly document: Pick<MappingDocument, 'fail'>;
}

interface FormatFinder {
  readonly finder: Finder<CompiledMapping, KindMappers>;
  readonly otherwise: CompiledMapping;
}

function compileFinders(placed: readonly PlacedSpec[]): Map<string, FormatFinder> {
  const compiled = new Map(
    placed.map(({ spec }): [string, CompiledMapping] => [
      spec.id,
      {
        id: spec.id,
        map: whenNeeded(() => compileMapping(spec)),
        mapOf: (members) => compileMapping(spec, (member) => members.has(member)),
      },
    ]),
  );
  const formats = new Set(placed.flatMap(({ spec }) => spec.formats));
  return new Map([...formats].map((format) => [format, compileFormat(format, placed, compiled)]));
}

/** A mapper made when it reads its first record: of a hundred mappings and more, a stream of records needs a few. */
function whenNeeded(compile: () => Mapper): Mapper {
  let compiled: Mapper | undefined;
  return (fields, receivedMs) => {
    compiled ??= compile();
    return compiled(fields, receivedMs);
  };
}

function compileFormat(format: string, placed: readonly PlacedSpec[], compiled: ReadonlyMap<string, CompiledMapping>): FormatFinder {
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
  return { finder: finderOfKinds(entries), otherwise: compiled.get(last?.spec.id ?? '') ?? nothing };
}

function finderOfKinds(entries: readonly Indexed<CompiledMapping>[]): FormatFinder['finder'] {
  const allowance = new MapperAllowance(() => finder.forget());
  const finder = compileFinder(entries, (members) => new KindMappers(members, allowance));
  return finder;
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

const nothing: CompiledMapping = { id: 'json', map: unmapped, mapOf: () => unmapped };
const findsNothing: FormatFinder = { finder: finderOfKinds([]), otherwise: nothing };
