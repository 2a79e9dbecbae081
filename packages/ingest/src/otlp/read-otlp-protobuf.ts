/**
 * Reads `ExportLogsServiceRequest` in Protocol Buffers, by hand: no code is generated and nothing but the records is made.
 * Source: opentelemetry-proto 1.x, `collector/logs/v1/logs_service.proto`, `logs/v1/logs.proto`, `common/v1/common.proto`, `resource/v1/resource.proto`.
 */
import { TocsinError } from '@tocsin/core';
import { RecordArena } from '../http/record-arena.ts';
import type { RawRecord } from '../source.ts';
import { ObjectTexts } from './object-text.ts';
import { join, type OtlpBody, type OtlpLimits, type OtlpLog, otlpRecord, RECORD_UID, refusedRecord, scopeMembers } from './otlp-record.ts';
import { type JsonValue, keyValue, readValue } from './otlp-value.ts';
import { BadProtobuf, BYTES, FIXED32, FIXED64, ProtobufCursor, VARINT } from './protobuf-cursor.ts';

/** Largest record as sent, bytes: nothing larger is stored, whatever becomes of it. */
const MAX_RECORD_BYTES = 1 << 20;

/** Every log record of a request. One that is too large, too deep or malformed within its own bytes is refused by itself. @throws ingest.bad_body, ingest.body_too_large */
export function readOtlpProtobuf(body: Uint8Array, limits: OtlpLimits): RawRecord[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  const out: Out = { records: [], limits, texts: new ObjectTexts(bytes), arena: new RecordArena(bytes.length) };
  try {
    const request = new ProtobufCursor(bytes, 0, bytes.length);
    while (request.next()) {
      if (request.field !== 1) continue;
      request.expect(BYTES);
      readResourceLogs(request.inner(), out);
    }
  } catch (error) {
    if (error instanceof BadProtobuf)
      throw new TocsinError('ingest.bad_body', { reason: `it is no ExportLogsServiceRequest: ${error.message}` }, { cause: error });
    throw error;
  } finally {
    out.texts.close();
  }
  return out.records;
}

/** What records are made with, and where they go. */
interface Out {
  readonly records: RawRecord[];
  readonly limits: OtlpLimits;
  readonly texts: ObjectTexts;
  readonly arena: RecordArena;
}

function readResourceLogs(message: ProtobufCursor, out: Out): void {
  const scopes: ProtobufCursor[] = [];
  let resource = '';
  while (message.next()) {
    if (message.field === 1) {
      message.expect(BYTES);
      resource = attributesOf(message.inner(), 1);
    } else if (message.field === 2) {
      message.expect(BYTES);
      scopes.push(message.inner());
    }
  }
  for (const scope of scopes) readScopeLogs(scope, resource, out);
}

function readScopeLogs(message: ProtobufCursor, resource: string, out: Out): void {
  const { records, limits } = out;
  const logs: ProtobufCursor[] = [];
  let scope = '';
  while (message.next()) {
    if (message.field === 1) {
      message.expect(BYTES);
      scope = readScope(message.inner());
    } else if (message.field === 2) {
      message.expect(BYTES);
      if (records.length + logs.length >= limits.maxRecords)
        throw new TocsinError('ingest.body_too_large', { what: 'records', max: limits.maxRecords });
      logs.push(message.inner());
    }
  }
  const around = join(resource, scope);
  for (const log of logs) {
    const record = readLog(log, around, out);
    limits.charge(record.bytes.length);
    records.push(record);
  }
}

function readScope(message: ProtobufCursor): string {
  let [name, version, attributes] = ['', '', ''];
  while (message.next()) {
    if (message.field > 3) continue;
    message.expect(BYTES);
    if (message.field === 1) name = message.text();
    else if (message.field === 2) version = message.text();
    else attributes = join(attributes, memberOf(message.inner()));
  }
  return scopeMembers(name, version, attributes);
}

/** Members out of all fields of one number that are `KeyValue`. */
function attributesOf(message: ProtobufCursor, field: number): string {
  let members = '';
  while (message.next()) {
    if (message.field !== field) continue;
    message.expect(BYTES);
    members = join(members, memberOf(message.inner()));
  }
  return members;
}

function memberOf(pair: ProtobufCursor): string {
  const { key, json } = keyValue(pair, 0);
  return `${JSON.stringify(key)}:${json}`;
}

type LogDraft = { -readonly [K in keyof OtlpLog]: OtlpLog[K] };

function readLog(message: ProtobufCursor, around: string, { texts, arena }: Out): RawRecord {
  const size = message.left;
  if (size > MAX_RECORD_BYTES) return refusedRecord(new TocsinError('decode.too_large', { bytes: size, maxBytes: MAX_RECORD_BYTES }));
  const log: LogDraft = {
    timeMs: undefined,
    observedMs: undefined,
    severityNumber: 0,
    severityText: '',
    eventName: '',
    traceId: '',
    spanId: '',
    flags: 0,
    attributes: '',
    uid: undefined,
    body: undefined,
  };
  try {
    while (message.next()) readLogField(message, log, texts);
  } catch (error) {
    // Where it ends is known, so its neighbours can still be read.
    if (error instanceof BadProtobuf)
      return refusedRecord(new TocsinError('ingest.bad_record', { reason: `as a LogRecord, ${error.message}` }));
    throw error;
  }
  return otlpRecord(log, around, arena);
}

/** Wire types of the fields that are read, by field number. */
const WIRES: readonly (number | undefined)[] = [
  undefined,
  FIXED64,
  VARINT,
  BYTES,
  undefined,
  BYTES,
  BYTES,
  undefined,
  FIXED32,
  BYTES,
  BYTES,
  FIXED64,
  BYTES,
];

function readLogField(at: ProtobufCursor, log: LogDraft, texts: ObjectTexts): void {
  const wire = WIRES[at.field];
  if (wire === undefined) return;
  at.expect(wire);
  switch (at.field) {
    case 1:
      log.timeMs = timeOf(at);
      return;
    case 2:
      log.severityNumber = at.low;
      return;
    case 3:
      log.severityText = at.text();
      return;
    case 5:
      log.body = bodyOf(at.inner(), texts);
      return;
    case 6:
      return addAttribute(at.inner(), log);
    case 8:
      log.flags = at.bytes.readUInt32LE(at.start);
      return;
    case 9:
      log.traceId = at.bytes.toString('hex', at.start, Math.min(at.end, at.start + 16));
      return;
    case 10:
      log.spanId = at.bytes.toString('hex', at.start, Math.min(at.end, at.start + 8));
      return;
    case 11:
      log.observedMs = timeOf(at);
      return;
    default:
      log.eventName = at.text();
  }
}

function addAttribute(pair: ProtobufCursor, log: LogDraft): void {
  const { key, json } = keyValue(pair, 0);
  log.attributes = join(log.attributes, `${JSON.stringify(key)}:${json}`);
  if (key === RECORD_UID && json[0] === '"') log.uid = JSON.parse(json) as string;
}

/** 64 bits of nanoseconds as milliseconds. */
function timeOf({ bytes, start }: ProtobufCursor): number | undefined {
  const nanoseconds = bytes.readBigUInt64LE(start);
  return nanoseconds === 0n ? undefined : Number(nanoseconds / 1_000_000n);
}

function bodyOf(value: ProtobufCursor, texts: ObjectTexts): OtlpBody {
  let body: OtlpBody;
  while (value.next()) body = value.field === 1 ? textBody(value, texts) : valueBody(readValue(value, 0), body);
  return body;
}

function textBody(at: ProtobufCursor, texts: ObjectTexts): OtlpBody {
  at.expect(BYTES);
  const object = texts.find(at.start, at.end);
  return object === undefined ? { text: at.text() } : { object };
}

function valueBody(value: JsonValue | undefined, before: OtlpBody): OtlpBody {
  if (value === undefined) return before;
  const { json, kind } = value;
  if (kind === 'map') return { members: json.slice(1, -1) };
  return { json };
}
