/**
 * Records as the filter reads them: JSON objects whose members are their fields. Records of most sources are that as they stand; what is
 * written otherwise (a line of syslog, CEF, a row) is decoded first and written as such, since judging it by every rule costs fifty times more.
 */
import type { Fields, RecordBatch } from '@tocsin/core';
import type { Route } from '../compile/compiled-rules.ts';

/** Decodes a record; with `members`, others of the first level may be left out. */
export type DecodeRecord = (index: number, members?: ReadonlySet<string>) => Fields | undefined;

/** A batch to scan, and the fields of those of its records that were decoded for it. */
export interface ObjectBatch {
  readonly batch: RecordBatch;
  /** Fields of a record; with `members`, others may be missing. */
  fieldsOf: DecodeRecord;
}

const NOTHING = new Uint8Array(0);
/** Deeper than the filter reads: such a record is every rule's candidate. */
const MAX_DEPTH = 64;
const encoder = new TextEncoder();

/** The same records, those of other forms written anew; `routes` are undefined for records to pass over. */
export function objectBatch(batch: RecordBatch, routes: readonly (Route | undefined)[], decode: DecodeRecord): ObjectBatch {
  if (routes.every((route) => route === undefined || route.logSource.jsonObjects !== undefined)) return { batch, fieldsOf: decode };
  const decoded = new Map<number, Fields | undefined>();
  const parts: Uint8Array[] = [];
  for (let index = 0; index < batch.count; index++) {
    const route = routes[index];
    if (route === undefined) parts.push(NOTHING);
    else if (route.logSource.jsonObjects !== undefined) parts.push(batch.bytes.subarray(batch.starts[index], batch.ends[index]));
    else {
      const fields = decode(index);
      decoded.set(index, fields);
      parts.push(fields === undefined ? NOTHING : written(fields));
    }
  }
  return { batch: joined(parts), fieldsOf: (index, members) => (decoded.has(index) ? decoded.get(index) : decode(index, members)) };
}

/** Fields as JSON. Nothing, in place of a record, is every rule's candidate. */
function written(fields: Fields): Uint8Array {
  try {
    return isJson(fields, 0) ? encoder.encode(JSON.stringify(fields)) : NOTHING;
  } catch {
    // What cannot be read is left to the rules, each of which is told of what it throws there.
    return NOTHING;
  }
}

/** Whether JSON says all of a value: what it would leave out or change must not be judged by what is left. */
function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || depth > MAX_DEPTH || ArrayBuffer.isView(value)) return false;
  if (Array.isArray(value)) return value.every((element) => isJson(element, depth + 1));
  for (const name of Object.keys(value)) if (!isJson((value as Fields)[name], depth + 1)) return false;
  return true;
}

function joined(parts: readonly Uint8Array[]): RecordBatch {
  const starts = new Uint32Array(parts.length);
  const ends = new Uint32Array(parts.length);
  let length = 0;
  for (const [index, part] of parts.entries()) {
    starts[index] = length;
    length += part.length;
    ends[index] = length;
  }
  const bytes = new Uint8Array(length);
  for (const [index, part] of parts.entries()) bytes.set(part, starts[index]);
  return { count: parts.length, bytes, starts, ends };
}
