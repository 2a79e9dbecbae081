/** A mapping made fast: its spec compiled to functions over a record's fields. Which mapping applies is `condition-index.ts`. */

import { isIP } from 'node:net';
import { type Fields, type HotAttribute, type HotAttributes, type LogSource, type SeverityId, severityFrom } from '@tocsin/core';
import { jsonObjectsOf } from '../decoders/decoders.ts';
import { compileCondition } from './condition-index.ts';
import { readTime } from './event-time.ts';
import {
  compileContainers,
  compileReader,
  expandPaths,
  type FieldReader,
  NOTHING_THERE,
  type Presence,
  pathPresence,
  textOf,
} from './field-reader.ts';
import type { AttributeSource, MappingSpec, SeveritySource } from './mapping-spec.ts';

/** What a mapping found in one record. */
export interface Mapped {
  /** Id of the mapping, such as `windows.sysmon.process_creation`. */
  readonly mapping: string;
  /** CloudEvents `type` where the producer gave none: the mapping's id. */
  readonly type: string;
  readonly classUid: number;
  readonly activityId: number;
  readonly severity: SeverityId;
  /** Event time, milliseconds since 1970; undefined where the record gives none that can be read. Not clamped. */
  readonly timeMs: number | undefined;
  /** Each at most 1,024 characters, well-formed text. */
  readonly attributes: HotAttributes;
  /** The producer's own id, unique per source; undefined where the record gives none. */
  readonly producerEventId: string | undefined;
}

/** Longest hot attribute, characters; longer values are cut. They are for routing and grouping: the record has the whole. */
const MAX_ATTRIBUTE_LENGTH = 1024;

/** Longest producer event id, characters; a longer one is not used. */
const MAX_EVENT_ID_LENGTH = 512;

/** A function of a record's fields and its time of receipt, milliseconds since 1970. */
export type Mapper = (fields: Fields, receivedMs: number) => Mapped;

/**
 * Compiles a mapping; for records of which `has` says which members of the first level they may have, every one where it is absent. What
 * they lack is not looked for then.
 */
export function compileMapping(spec: MappingSpec, has?: Presence): Mapper {
  const containers = compileContainers(spec.prefixes, has);
  const mayHold = has && pathPresence(spec.prefixes, has);
  const reader = (name: string): FieldReader => compileReader(name, spec.aliases, mayHold);
  const time = spec.time.map(({ from, as }) => ({ read: reader(from), as })).filter(({ read }) => read !== NOTHING_THERE);
  const severity = spec.severity.map((source) => compileSeverity(source, reader));
  const attributes = compileAttributes(spec, reader);
  const eventId = compileEventId(spec, reader);
  const { id, classUid, activityId } = spec;
  return (fields, receivedMs) => {
    const within = containers(fields);
    let timeMs: number | undefined;
    for (let at = 0; at < time.length && timeMs === undefined; at++)
      timeMs = readTime(time[at]?.read(fields, within), time[at]?.as ?? 'any', receivedMs);
    let level: SeverityId = 0;
    for (let at = 0; at < severity.length && level === 0; at++) level = severity[at]?.(fields, within) ?? 0;
    return {
      mapping: id,
      type: id,
      classUid,
      activityId,
      severity: level,
      timeMs,
      attributes: attributes(fields, within),
      producerEventId: eventId(fields, within),
    };
  };
}

/** What rules need to know of a mapping. */
export function logSourceOf(spec: MappingSpec): LogSource {
  const aliases = Object.fromEntries(Object.entries(spec.aliases).map(([name, paths]) => [name, expandPaths(paths, spec.prefixes)]));
  const { id: mapping, product, services, categories, prefixes, entity } = spec;
  const jsonObjects = jsonObjectsOf(spec.formats[0] ?? '');
  return { mapping, product, services, categories, aliases, prefixes, entity, ...(jsonObjects === undefined ? {} : { jsonObjects }) };
}

type Reading<T> = (fields: Fields, containers: readonly Fields[]) => T;

type ReaderOf = (name: string) => FieldReader;

function compileSeverity(source: SeveritySource, reader: ReaderOf): Reading<SeverityId> {
  if ('value' in source) return () => source.value;
  const read = reader(source.from);
  return (fields, containers) => severityFrom(source.scheme, read(fields, containers));
}

function compileAttributes(spec: MappingSpec, reader: ReaderOf): Reading<HotAttributes> {
  const names = Object.keys(spec.attributes) as HotAttribute[];
  const plan = names
    .map((name) => ({
      name,
      sources: (spec.attributes[name] ?? []).flatMap((source) => compileAttribute(source, { name, spec, reader }) ?? []),
    }))
    .filter(({ sources }) => sources.length > 0);
  return (fields, containers) => {
    const found: Partial<Record<HotAttribute, string>> = {};
    for (const { name, sources } of plan) {
      for (const read of sources) {
        const value = read(fields, containers);
        if (value === undefined) continue;
        found[name] = value;
        break;
      }
    }
    return found;
  };
}

/** Undefined where it can give nothing. */
function compileAttribute(
  source: AttributeSource,
  { name, spec, reader }: { name: HotAttribute; spec: MappingSpec; reader: ReaderOf },
): Reading<string | undefined> | undefined {
  if ('value' in source) {
    const read = compileAttributeSource(source, spec);
    return (fields, containers) => {
      return read(fields, containers) === undefined ? undefined : String(source.value);
    };
  }
  const read = reader(source.from);
  if (read === NOTHING_THERE) return undefined;
  const address = name === 'src_endpoint.ip' || name === 'dst_endpoint.ip';
  return (fields, containers) => {
    const text = textOf(read(fields, containers));
    if (text === undefined || (address && isIP(text) === 0)) return undefined;
    return text.length > MAX_ATTRIBUTE_LENGTH ? text.slice(0, MAX_ATTRIBUTE_LENGTH).toWellFormed() : text.toWellFormed();
  };
}

/** Reads what a source gives, as it stands in the record. */
export type SourceReader = Reading<unknown>;

/** Compiles one source of an attribute. */
export function compileAttributeSource(source: AttributeSource, spec: MappingSpec): SourceReader {
  if ('from' in source) return compileReader(source.from, spec.aliases);
  const holds = source.when.map((condition) => compileCondition(condition, readWhole(condition.field, spec)));
  return (fields) => (holds.every((one) => one(fields)) ? source.value : undefined);
}

function readWhole(field: string, spec: MappingSpec): (fields: Fields) => unknown {
  const read = compileReader('', { '': expandPaths(spec.aliases[field] ?? [field], spec.prefixes) });
  return (fields) => read(fields, [fields]);
}

/** The first list whose fields all have a value, joined by `/`. */
function compileEventId(spec: MappingSpec, reader: ReaderOf): Reading<string | undefined> {
  const lists = spec.eventId.map((names) => names.map(reader)).filter((readers) => !readers.includes(NOTHING_THERE));
  return (fields, containers) => {
    for (const readers of lists) {
      const id = joinAll(readers, fields, containers);
      if (id !== undefined) return id;
    }
    return undefined;
  };
}

function joinAll(readers: readonly FieldReader[], fields: Fields, containers: readonly Fields[]): string | undefined {
  let id = '';
  for (let at = 0; at < readers.length; at++) {
    const text = textOf(readers[at]?.(fields, containers));
    if (text === undefined) return undefined;
    id = at === 0 ? text : `${id}/${text}`;
  }
  return id.length > MAX_EVENT_ID_LENGTH ? undefined : id.toWellFormed();
}
