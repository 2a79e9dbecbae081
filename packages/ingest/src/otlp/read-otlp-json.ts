/**
 * Reads `ExportLogsServiceRequest` in JSON. The request is cut (`cut-otlp-json.ts`) and parsed log by log, so that no body becomes more objects
 * than one record may have. Source: OTLP 1.x, "JSON Protobuf Encoding": 64-bit numbers are texts, ids are hex, unknown members are skipped.
 */
import { type Fields, memberRange, splitJsonArray, splitJsonObject, TocsinError } from '@tocsin/core';
import { isObject, parseJsonRecord } from '../decoders/json-record.ts';
import { type DecodeLimits, defaultDecodeLimits } from '../decoders/record-decoder.ts';
import { RecordArena } from '../http/record-arena.ts';
import type { RawRecord } from '../source.ts';
import { cutOtlpJson, MISSPELT, type ResourceLogsCut, type ValueRange } from './cut-otlp-json.ts';
import { ObjectTexts } from './object-text.ts';
import { join, type OtlpBody, type OtlpLimits, otlpRecord, RECORD_UID, refusedRecord, scopeMembers } from './otlp-record.ts';

const DEEP = Number.POSITIVE_INFINITY;
/** Most members of an object of the request's own structure. */
const MAX_MEMBERS = 100;
/** `AnyValue` spends up to four levels on one of the value's own. */
const LIMITS: DecodeLimits = { ...defaultDecodeLimits, maxDepth: 130 };

/** Every log record of a request. One that cannot be read is refused by itself. @throws ingest.bad_body, ingest.body_too_large */
export function readOtlpJson(body: Uint8Array, limits: OtlpLimits): RawRecord[] {
  const cut = cutOtlpJson(body, { maxRecords: limits.maxRecords, maxMembers: MAX_MEMBERS, maxKeys: LIMITS.maxKeys });
  return cut === undefined ? readLevelByLevel(body, limits) : readCut(body, cut, limits);
}

/** What records are made with, and where they go. */
interface Out {
  readonly records: RawRecord[];
  readonly limits: OtlpLimits;
  readonly arena: RecordArena;
}

function readCut(body: Uint8Array, cut: readonly ResourceLogsCut[], limits: OtlpLimits): RawRecord[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const out: Out = { records: [], limits, arena: new RecordArena(bytes.length) };
  const part = (range: ValueRange | undefined): Uint8Array | undefined => range && bytes.subarray(range.from, range.to);
  for (const { resource, scopeLogs } of cut) {
    const members = attributesUnder(part(resource));
    for (const { scope, logs } of scopeLogs) {
      const around = join(members, scopeOf(part(scope)));
      // It is known to be JSON within its limits, in UTF-8.
      for (const { from, to } of logs) keep(readParsed(JSON.parse(bytes.toString('utf8', from, to)) as Fields, around, out.arena), out);
    }
  }
  return out.records;
}

/** The same, cutting each level by itself: slower, and for every request. */
export function readLevelByLevel(body: Uint8Array, limits: OtlpLimits): RawRecord[] {
  const out: Out = { records: [], limits, arena: new RecordArena(body.length) };
  for (const bytes of elementsOf(membersIn(body)('resourceLogs'), 'resourceLogs', limits)) {
    const resourceLogs = membersIn(bytes);
    const resource = attributesUnder(resourceLogs('resource'));
    for (const scopeLogs of elementsOf(resourceLogs('scopeLogs'), 'scopeLogs', limits)) readScopeLogs(membersIn(scopeLogs), resource, out);
  }
  return out.records;
}

function readScopeLogs(scopeLogs: Members, resource: string, out: Out): void {
  const { records, limits } = out;
  const around = join(resource, scopeOf(scopeLogs('scope')));
  for (const log of elementsOf(scopeLogs('logRecords'), 'logRecords', limits)) {
    if (records.length >= limits.maxRecords) throw new TocsinError('ingest.body_too_large', { what: 'records', max: limits.maxRecords });
    keep(readLog(log, around, out.arena), out);
  }
}

function keep(record: RawRecord, { records, limits }: Out): void {
  limits.charge(record.bytes.length);
  records.push(record);
}

/** Members of an object by name; undefined where it has none of that name. */
type Members = (name: string) => Uint8Array | undefined;

/** Members of an object that is cut once: it is long, and each look at it takes time. */
function membersIn(bytes: Uint8Array): Members {
  const split = splitJsonObject(bytes, { maxDepth: DEEP, maxPieces: MAX_MEMBERS });
  if (split.failure !== undefined) throw bad(`something that should be a JSON object is none`);
  const { ranges } = split;
  // Passed over like any unknown member, its records would be lost with a good answer.
  for (const [wrong, right] of MISSPELT) {
    if (memberRange(bytes, ranges, wrong) !== undefined) throw bad(`${right} is spelt ${wrong}`);
  }
  return (name) => {
    const range = memberRange(bytes, ranges, name);
    return range === undefined ? undefined : bytes.subarray(range[0], range[1]);
  };
}

function elementsOf(list: Uint8Array | undefined, name: string, { maxRecords }: OtlpLimits): Uint8Array[] {
  if (list === undefined || (list.length === 4 && list[0] === LETTER_N)) return [];
  const split = splitJsonArray(list, { maxDepth: DEEP, maxPieces: maxRecords });
  if (split.failure?.reason === 'too_many') throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
  if (split.failure !== undefined) throw bad(`its ${name} are no list`);
  const elements: Uint8Array[] = [];
  for (let at = 0; at < split.ranges.length; at += 2) elements.push(list.subarray(split.ranges[at], split.ranges[at + 1]));
  return elements;
}

const LETTER_N = 0x6e;

function attributesUnder(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : membersOf(parsed(bytes)['attributes']);
}

function scopeOf(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return '';
  const { name, version, attributes } = parsed(bytes) as { name?: unknown; version?: unknown; attributes?: unknown };
  return scopeMembers(textOf(name), textOf(version), membersOf(attributes));
}

function parsed(bytes: Uint8Array): Fields {
  const result = parseJsonRecord(bytes, 'otlp', LIMITS);
  if ('refusal' in result) throw bad(`a resource or scope is refused: ${result.refusal.reason}`);
  return result.fields;
}

function readLog(bytes: Uint8Array, around: string, arena: RecordArena): RawRecord {
  const result = parseJsonRecord(bytes, 'otlp', LIMITS);
  if ('refusal' in result) return { bytes, refused: { code: result.refusal.rejected, reason: result.refusal.reason } };
  return readParsed(result.fields, around, arena);
}

function readParsed(log: Fields, around: string, arena: RecordArena): RawRecord {
  try {
    return recordOf(log, around, arena);
  } catch (error) {
    if (error instanceof TocsinError) return refusedRecord(error);
    throw error;
  }
}

function recordOf(log: Fields, around: string, arena: RecordArena): RawRecord {
  return otlpRecord(
    {
      timeMs: timeOf(log['timeUnixNano']),
      observedMs: timeOf(log['observedTimeUnixNano']),
      severityNumber: typeof log['severityNumber'] === 'number' ? log['severityNumber'] : 0,
      severityText: textOf(log['severityText']),
      eventName: textOf(log['eventName']),
      traceId: hexOf(log['traceId']),
      spanId: hexOf(log['spanId']),
      flags: typeof log['flags'] === 'number' ? log['flags'] : 0,
      attributes: membersOf(log['attributes']),
      uid: uidOf(log['attributes']),
      body: bodyOf(log['body']),
    },
    around,
    arena,
  );
}

function bodyOf(value: unknown): OtlpBody {
  if (!isObject(value)) return undefined;
  if (typeof value['stringValue'] === 'string') return textBody(value['stringValue']);
  const map = value['kvlistValue'];
  if (isObject(map)) return { members: membersOf(map['values']) };
  return Object.keys(value).length === 0 ? undefined : { json: jsonOf(value) };
}

function textBody(text: string): OtlpBody {
  if (!text.startsWith('{')) return { text };
  const bytes = Buffer.from(text);
  const texts = new ObjectTexts(bytes);
  const object = texts.find(0, bytes.length);
  texts.close();
  return object === undefined ? { text } : { object };
}

function membersOf(list: unknown): string {
  if (list === undefined || list === null) return '';
  if (!Array.isArray(list)) throw badRecord('attributes are no list');
  return list.map(pairOf).join(',');
}

function pairOf(pair: unknown): string {
  if (!isObject(pair) || typeof pair['key'] !== 'string') throw badRecord('an attribute has no key');
  return `${JSON.stringify(pair['key'])}:${jsonOf(pair['value'])}`;
}

/** An `AnyValue` as JSON. */
function jsonOf(value: unknown): string {
  const [kind, inner] = isObject(value) ? (Object.entries(value)[0] ?? []) : [];
  return kind !== undefined && Object.hasOwn(VALUES, kind) ? (VALUES[kind]?.(inner) ?? 'null') : 'null';
}

/** How each kind of value is written. */
const VALUES: Readonly<Record<string, (inner: unknown) => string>> = {
  stringValue: (inner) => JSON.stringify(textOf(inner)),
  bytesValue: (inner) => JSON.stringify(textOf(inner)),
  boolValue: (inner) => String(inner === true),
  intValue: integerOf,
  doubleValue: (inner) => JSON.stringify(typeof inner === 'number' ? inner : null),
  arrayValue: (inner) => (isObject(inner) && Array.isArray(inner['values']) ? `[${inner['values'].map(jsonOf).join(',')}]` : '[]'),
  kvlistValue: (inner) => (isObject(inner) ? `{${membersOf(inner['values'])}}` : '{}'),
};

function integerOf(value: unknown): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (typeof value === 'string' && /^-?(0|[1-9]\d{0,18})$/.test(value)) return value;
  throw badRecord('an integer is none');
}

function uidOf(attributes: unknown): string | undefined {
  if (!Array.isArray(attributes)) return undefined;
  const found = attributes.find((pair) => isObject(pair) && pair['key'] === RECORD_UID) as Fields | undefined;
  const value = found?.['value'];
  const text = isObject(value) ? value['stringValue'] : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** Nanoseconds as text or number, in milliseconds. */
function timeOf(value: unknown): number | undefined {
  // As text they have more digits than a number keeps.
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return Number(value.slice(0, -6)) || undefined;
  return typeof value === 'number' && value > 0 ? value / 1e6 : undefined;
}

function hexOf(value: unknown): string {
  return typeof value === 'string' && /^([0-9a-fA-F]{16}|[0-9a-fA-F]{32})$/.test(value) ? value.toLowerCase() : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function bad(reason: string): TocsinError {
  return new TocsinError('ingest.bad_body', { reason: `as OTLP in JSON, ${reason}` });
}

function badRecord(reason: string): TocsinError {
  return new TocsinError('ingest.bad_record', { reason: `as OTLP in JSON, ${reason}` });
}
