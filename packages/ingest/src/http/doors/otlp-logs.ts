/**
 * OpenTelemetry's logs over HTTP: `/v1/logs` in Protocol Buffers and JSON. What cannot be read of a request is told as partial success, the
 * rest is on disk when 200 is answered. Over gRPC: `listeners/otlp-grpc`. Source: OTLP 1.x, "OTLP/HTTP".
 */
import { TocsinError } from '@tocsin/core';
import { encodeResponse, encodeStatus, type OtlpOutcome, outcomeOf } from '../../otlp/otlp-answer.ts';
import { readOtlpJson } from '../../otlp/read-otlp-json.ts';
import { readOtlpProtobuf } from '../../otlp/read-otlp-protobuf.ts';
import { type Answer, jsonAnswer } from '../answer.ts';
import { tokenOfAgent } from '../credential.ts';
import type { DoorRequest, HttpDoor } from '../http-door.ts';
import { retryHeaders } from '../problem.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** The door. */
export const otlpDoor: HttpDoor = {
  name: 'otlp-http',
  routes: [
    {
      method: 'POST',
      url: '/v1/logs',
      schema: {
        summary: 'OpenTelemetry: logs in Protocol Buffers or JSON',
        tags: ['OpenTelemetry'],
        consumes: [PROTOBUF, JSON_TYPE],
        response: { 200: { type: 'object', description: 'On disk, but for what partialSuccess counts', additionalProperties: true } },
      },
      handle: takeIn,
    },
  ],
  answerToError,
};

async function takeIn(request: DoorRequest): Promise<Answer> {
  const guest = await request.admit(tokenOfAgent(request.headers.authorization));
  const type = typeOf(request);
  if (type === undefined) {
    const header = { header: 'Content-Type', value: JSON.stringify((request.headers['content-type'] ?? '').slice(0, 100)) };
    throw new TocsinError('ingest.unsupported_type', { ...header, known: `${PROTOBUF}, ${JSON_TYPE}` });
  }
  const body = await guest.readBody();
  const limits = { maxRecords: guest.maxRecords, charge: guest.charge };
  const records = type === PROTOBUF ? readOtlpProtobuf(body, limits) : readOtlpJson(body, limits);
  const outcome = records.length === 0 ? NOTHING_SENT : outcomeOf(await guest.emit(records));
  if (type === PROTOBUF) return { status: 200, headers: { 'content-type': PROTOBUF }, body: encodeResponse(outcome) };
  const { rejected, reason } = outcome;
  return jsonAnswer(200, rejected === 0 ? {} : { partialSuccess: { rejectedLogRecords: String(rejected), errorMessage: reason } });
}

const NOTHING_SENT: OtlpOutcome = { rejected: 0, reason: '' };

function typeOf({ headers }: Pick<DoorRequest, 'headers'>): typeof PROTOBUF | typeof JSON_TYPE | undefined {
  const type = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase();
  if (type === PROTOBUF || type === 'application/protobuf') return PROTOBUF;
  return type === JSON_TYPE ? JSON_TYPE : undefined;
}

/** `google.rpc.Code` of an HTTP status, after google.rpc's own table. */
function rpcCode(http: number): number {
  if (http === 401) return 16;
  if (http === 403) return 7;
  if (http === 429) return 8;
  return http === 503 ? 14 : http >= 500 ? 13 : 3;
}

function answerToError(error: TocsinError, request: Pick<DoorRequest, 'headers'>): Answer {
  const { http } = error.row;
  const headers = { ...retryHeaders(error), ...(http === 401 ? { 'www-authenticate': 'Bearer' } : {}) };
  if (typeOf(request) === PROTOBUF)
    return { status: http, headers: { ...headers, 'content-type': PROTOBUF }, body: encodeStatus(rpcCode(http), error.message) };
  return jsonAnswer(http, { code: rpcCode(http), message: error.message }, headers);
}
