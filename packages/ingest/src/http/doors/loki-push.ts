/**
 * Grafana Loki's push API: streams of lines with labels, in JSON or in Protocol Buffers under Snappy. Labels and structured metadata become
 * members of each record. 204 means that all of it is on disk. Source: Grafana Loki 3 reference, "Ingest logs", and `pkg/push/push.proto`.
 */
import { TocsinError } from '@tocsin/core';
import { decompressSnappy } from '../../snappy/snappy-block.ts';
import type { RecordResult } from '../../source.ts';
import type { Answer } from '../answer.ts';
import { tokenOfAgent } from '../credential.ts';
import type { DoorRequest, HttpDoor } from '../http-door.ts';
import { retryHeaders } from '../problem.ts';
import { readLokiJson } from './loki-json.ts';
import { readLokiProtobuf } from './loki-protobuf.ts';

const PATHS = ['/loki/api/v1/push', '/api/prom/push'];

/** The door. */
export const lokiDoor: HttpDoor = {
  name: 'loki',
  routes: [
    ...PATHS.map((url) => ({
      method: 'POST' as const,
      url,
      schema: { summary: 'Grafana Loki: push', tags: ['Loki'], response: { 204: { type: 'null', description: 'All lines are on disk' } } },
      handle: takeIn,
    })),
    {
      method: 'GET',
      url: '/loki/api/v1/status/buildinfo',
      schema: { summary: 'Grafana Loki: version', tags: ['Loki'], security: [] },
      handle: () => plain(200, '{"version":"3.0.0"}'),
    },
  ],
  answerToError: (error) => plain(error.row.http, `${error.code}: ${error.message}`, retryHeaders(error)),
};

/** Largest body under Snappy after decompression, bytes. */
const MAX_PLAIN_BYTES = 64 * 1024 * 1024;

async function takeIn(request: DoorRequest): Promise<Answer> {
  const guest = await request.admit(tokenOfAgent(request.headers.authorization));
  const type = (request.headers['content-type'] ?? 'application/x-protobuf').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json' && type !== 'application/x-protobuf') {
    throw new TocsinError('ingest.unsupported_type', {
      header: 'Content-Type',
      value: JSON.stringify(type),
      known: 'application/json, application/x-protobuf',
    });
  }
  const isProtobuf = type === 'application/x-protobuf';
  // Agents say `snappy` or nothing of a body that is Snappy either way: that is the protocol, not an encoding of HTTP.
  const body = await guest.readBody(isProtobuf ? { encoding: 'identity' } : undefined);
  const limits = { maxRecords: guest.maxRecords, charge: guest.charge };
  const records = isProtobuf ? readLokiProtobuf(plainOf(body, guest.charge), limits) : readLokiJson(body, limits);
  if (records.length === 0) return NO_CONTENT;
  const results = await guest.emit(records);
  return answerTo(results);
}

const NO_CONTENT: Answer = { status: 204, headers: {}, body: '' };

function plainOf(body: Buffer, charge: (bytes: number) => void): Buffer {
  const bytes = decompressSnappy(body, MAX_PLAIN_BYTES);
  charge(bytes.length);
  return bytes;
}

/** Loki stores what it can and answers 400 with a reason for the rest; agents then go on, as sending again helps nobody. */
function answerTo(results: readonly RecordResult[]): Answer {
  const refused = results.filter((result) => result.status === 'rejected');
  const [first] = refused;
  if (first === undefined) return NO_CONTENT;
  return plain(
    400,
    `${refused.length} of ${results.length} lines were refused, the others are stored. The first: ${first.code}: ${first.reason}`,
  );
}

function plain(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body: `${body}\n` };
}
