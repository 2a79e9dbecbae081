/**
 * The full OCSF object of an event, built from its record and its mapping when somebody wants it: what travels with an event are hot
 * attributes only. What the record says goes where the mapping puts it, the rest is under `unmapped`, the bytes under `raw_data`.
 */
import type { Fields, SeverityId } from '@tocsin/core';
import { compileAttributeSource, type SourceReader } from '../mappings/compile-mapping.ts';
import { compileContainers, compileReader, type FieldReader } from '../mappings/field-reader.ts';
import type { MappingSet } from '../mappings/mapping-set.ts';
import type { MappingSpec } from '../mappings/mapping-spec.ts';
import { mayHide } from '../safe-decode/may-hide.ts';
import { safeDecode } from '../safe-decode/safe-decode.ts';
import { fillRequired } from './fill-required.ts';
import { observablesOf } from './observables.ts';
import { type OcsfClass, ocsfSchema } from './ocsf-schema.ts';
import { placeAttributes } from './place-attributes.ts';
import { setPath } from './set-path.ts';
import { pathsTaken, unmappedOf } from './unmapped.ts';

/** An event whose OCSF object is wanted: as it was stored, and its record decoded. */
export interface OcsfInput {
  readonly id: string;
  readonly source: string;
  readonly mapping: string;
  readonly format: string;
  readonly classUid: number;
  readonly activityId: number;
  readonly severity: SeverityId;
  readonly timeMs: number;
  readonly receivedMs: number;
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly fields: Fields;
  readonly record: Uint8Array;
}

/** Builds OCSF objects. */
export type OcsfBuilder = (input: OcsfInput) => Record<string, unknown>;

/** A builder by these mappings; each is compiled when first used. Never throws on input. */
export function createOcsfBuilder(set: Pick<MappingSet, 'specs'>): OcsfBuilder {
  const specs = new Map(set.specs.map((spec) => [spec.id, spec]));
  const compiled = new Map<string, Compiled>();
  return (input) => {
    const known = compiled.get(input.mapping) ?? compile(specs.get(input.mapping), input.classUid);
    compiled.set(input.mapping, known);
    return build(input, known);
  };
}

interface Compiled {
  readonly spec: MappingSpec | undefined;
  readonly shape: OcsfClass;
  readonly containers: ReturnType<typeof compileContainers>;
  readonly taken: ReadonlySet<string>;
  readonly decoded: readonly { readonly name: string; readonly read: FieldReader }[];
  readonly readers: readonly { readonly path: readonly string[]; readonly read: readonly SourceReader[] }[];
}

function compile(spec: MappingSpec | undefined, classUid: number): Compiled {
  const { classes } = ocsfSchema();
  const shape = classes.get(classUid) ?? classes.get(0);
  if (shape === undefined) throw new RangeError('the OCSF table has no base event');
  return {
    spec,
    shape,
    containers: compileContainers(spec?.prefixes ?? []),
    decoded: (spec?.decoded ?? []).map((name) => ({ name, read: compileReader(name, spec?.aliases ?? {}) })),
    taken: spec === undefined ? new Set() : pathsTaken(spec),
    readers: Object.entries(spec?.ocsf ?? {}).map(([path, sources]) => ({
      path: path.split('.'),
      read: spec === undefined ? [] : sources.map((source) => compileAttributeSource(source, spec)),
    })),
  };
}

function build(input: OcsfInput, { spec, shape, containers, readers, taken, decoded }: Compiled): Record<string, unknown> {
  const event: Record<string, unknown> = headOf(input, shape, spec);
  const within = containers(input.fields);
  for (const reader of readers) readInto(event, reader, { input, shape, within });
  placeAttributes(event, shape, { attributes: input.attributes, receivedMs: input.receivedMs });
  fillRequired(event, shape, { timeMs: input.timeMs, product: spec?.product ?? 'Unknown' });
  const hidden = decoded.flatMap(({ name, read }) => enrichmentsOf(name, read(input.fields, within)));
  if (hidden.length > 0) event['enrichments'] = hidden;
  const observables = observablesOf(event, shape);
  if (observables.length > 0) event['observables'] = observables;
  const unmapped = unmappedOf(input.fields, taken);
  if (Object.keys(unmapped).length > 0) event['unmapped'] = unmapped;
  event['raw_data'] = new TextDecoder().decode(input.record);
  return event;
}

/** Puts the first of a reader's values that is one, and fits, where it belongs. */
function readInto(
  event: Record<string, unknown>,
  { path, read }: Compiled['readers'][number],
  { input, shape, within }: { input: OcsfInput; shape: OcsfClass; within: readonly Fields[] },
): void {
  for (const one of read) {
    const value = one(input.fields, within);
    if (!NOTHING.has(value) && setPath(event, shape, { path, value, receivedMs: input.receivedMs })) return;
  }
}

const NOTHING: ReadonlySet<unknown> = new Set([undefined, null, '', '-']);

/** What a field hides, as OCSF's enrichment: the field's value, and beside it what it says. */
function enrichmentsOf(name: string, value: unknown): object[] {
  if (typeof value !== 'string' || !mayHide(value)) return [];
  const { text, layers, isCut } = safeDecode(value);
  if (layers.length === 0) return [];
  return [
    {
      name,
      value: value.slice(0, MAX_ENRICHED).toWellFormed(),
      type: 'decoded',
      data: { text: text.slice(0, MAX_ENRICHED).toWellFormed(), layers, is_cut: isCut },
    },
  ];
}

/** Characters of a value that an enrichment shows. */
const MAX_ENRICHED = 4096;

function headOf(input: OcsfInput, shape: OcsfClass, spec: MappingSpec | undefined): Record<string, unknown> {
  const activity = shape.activities.has(input.activityId) ? input.activityId : 0;
  return {
    class_uid: shape.uid,
    class_name: shape.caption,
    category_uid: shape.categoryUid,
    category_name: shape.category,
    activity_id: activity,
    activity_name: shape.activities.get(activity) ?? 'Unknown',
    type_uid: shape.uid * 100 + activity,
    severity_id: input.severity,
    time: input.timeMs,
    metadata: {
      version: ocsfSchema().version,
      uid: input.id,
      product: { name: spec?.product ?? 'Unknown' },
      log_name: input.mapping,
      log_format: input.format,
      log_source: input.source,
      log_version: String(spec?.version ?? 1),
      logged_time: input.receivedMs,
    },
  };
}
