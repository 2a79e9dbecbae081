/**
 * Topology as every adapter reads it: whether a declaration makes sense, how it differs from what is there, and which
 * declared stream a filter belongs to.
 */
import { TocsinError } from '@tocsin/core';
import type { Drift, StreamSpec, SubjectFilter, Topology } from './event-bus.ts';
import { badRequest } from './message-check.ts';
import { checkFilter, filtersOverlap } from './subject-filter.ts';

/** Shortest time for which a stream remembers ids, milliseconds: brokers take no less. */
const MIN_DEDUP_WINDOW_MS = 100;

const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const UPDATABLE = ['subjects', 'maxAgeMs', 'maxBytes', 'maxPerSubject', 'dedupWindowMs'] as const;

/** Checks names, ranges, and that no two streams share a subject. @throws bus.bad_request, bus.bad_subject */
export function checkTopology(topology: Topology): void {
  checkNames('stream', topology.streams);
  checkNames('bucket', topology.buckets);
  for (const spec of topology.streams) checkStream(spec);
  for (const spec of topology.buckets) checkRange(`bucket ${spec.name}, ttlMs`, spec.ttlMs, 0);
  for (const [i, a] of topology.streams.entries()) {
    for (const b of topology.streams.slice(i + 1)) {
      const shared = a.subjects.find((left) => b.subjects.some((right) => filtersOverlap(left, right)));
      if (shared !== undefined) throw badRequest(`streams ${a.name} and ${b.name}`, `both take subjects of ${shared}`);
    }
  }
}

/** Every field in which a stream differs from its declaration; `retention` is fixed at creation and therefore refused. */
export function streamDrift(declared: StreamSpec, found: StreamSpec): Drift[] {
  const drift: Drift[] = [];
  for (const field of UPDATABLE) {
    const [wanted, there] = [String(declared[field]), String(found[field])];
    if (wanted !== there) drift.push({ kind: 'updated', name: declared.name, field, declared: wanted, found: there });
  }
  const [wanted, there] = [declared.retention ?? 'limits', found.retention ?? 'limits'];
  if (wanted !== there) drift.push({ kind: 'refused', name: declared.name, field: 'retention', declared: wanted, found: there });
  return drift;
}

/** What `ensure` reports for a stream or bucket that was not there. */
export function createdDrift(name: string, field: 'stream' | 'bucket'): Drift {
  return { kind: 'created', name, field, declared: name, found: 'nothing' };
}

/** The one stream a filter belongs to. @throws bus.no_stream when none takes its subjects, bus.bad_request when several do */
export function streamOf<S extends Pick<StreamSpec, 'name' | 'subjects'>>(streams: Iterable<S>, filter: SubjectFilter): S {
  const found: S[] = [];
  for (const stream of streams) if (stream.subjects.some((taken) => filtersOverlap(taken, filter))) found.push(stream);
  const [first, second] = found;
  if (first === undefined) throw new TocsinError('bus.no_stream', { what: filter });
  if (second !== undefined)
    throw badRequest(`filter ${filter}`, `it spans the streams ${first.name} and ${second.name}, which share no order`);
  return first;
}

function checkNames(kind: string, specs: readonly { readonly name: string }[]): void {
  const seen = new Set<string>();
  for (const { name } of specs) {
    if (!NAME.test(name)) throw badRequest(`${kind} ${JSON.stringify(name)}`, 'its name is not 1 to 64 letters, digits, - and _');
    if (seen.has(name)) throw badRequest(`${kind} ${name}`, 'it is declared twice');
    seen.add(name);
  }
}

function checkStream(spec: StreamSpec): void {
  const what = `stream ${spec.name}`;
  if (spec.subjects.length === 0) throw badRequest(what, 'it takes no subjects');
  for (const filter of spec.subjects) checkFilter(filter);
  checkRange(`${what}, maxAgeMs`, spec.maxAgeMs, 0);
  if (spec.maxBytes !== -1) checkRange(`${what}, maxBytes`, spec.maxBytes, 1);
  if (spec.hasPlans === true && spec.maxBytes !== -1)
    throw badRequest(what, 'it takes plans, and has a maxBytes beyond which it would refuse them');
  checkRange(`${what}, maxPerSubject`, spec.maxPerSubject, 0);
  checkRange(`${what}, dedupWindowMs`, spec.dedupWindowMs, MIN_DEDUP_WINDOW_MS);
  if (spec.maxAgeMs > 0 && spec.dedupWindowMs > spec.maxAgeMs) throw badRequest(what, 'its dedupWindowMs is longer than its maxAgeMs');
}

function checkRange(what: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) throw badRequest(`${what} ${value}`, `it is no integer from ${least}`);
}
