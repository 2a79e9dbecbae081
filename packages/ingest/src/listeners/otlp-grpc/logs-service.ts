/** The service `LogsService` with its one method; messages are read by hand from the bytes as they came. */
import type { handleUnaryCall, ServiceDefinition } from '@grpc/grpc-js';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { encodeResponse, type OtlpOutcome, outcomeOf } from '../../otlp/otlp-answer.ts';
import { readOtlpProtobuf } from '../../otlp/read-otlp-protobuf.ts';
import type { Source } from '../../source.ts';
import type { ListenerContext } from '../listener.ts';
import type { CallGuard } from './call-guard.ts';
import { statusOf } from './grpc-status.ts';

/** The service as gRPC wants it declared (`opentelemetry/proto/collector/logs/v1/logs_service.proto`). */
export const logsService = {
  Export: {
    path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    requestStream: false,
    responseStream: false,
    requestDeserialize: (bytes: Buffer) => bytes,
    requestSerialize: (bytes: Buffer) => bytes,
    responseSerialize: encodeResponse,
    responseDeserialize: (): OtlpOutcome => ({ rejected: 0, reason: '' }),
  },
} satisfies ServiceDefinition;

/** What the method is made of. */
export interface TakeLogsOptions {
  readonly context: ListenerContext;
  readonly guard: CallGuard;
  readonly maxInFlightBytes: number;
}

/** Most records in one request. */
const MAX_RECORDS = 100_000;

/** The method: takes logs in and answers when they are durable. */
export function takeLogs({ context, guard, maxInFlightBytes }: TakeLogsOptions): handleUnaryCall<Buffer, OtlpOutcome> {
  const { counts } = context;
  let inFlight = 0;
  const take = async (source: Source, request: Buffer): Promise<OtlpOutcome> => {
    let held = 0;
    const charge = (bytes: number): void => {
      if (inFlight + bytes > maxInFlightBytes)
        throw new TocsinError('ingest.source_overloaded', { source: source.name, maxBytes: maxInFlightBytes });
      inFlight += bytes;
      held += bytes;
    };
    try {
      charge(request.length);
      counts.bytes += request.length;
      const records = readOtlpProtobuf(request, { maxRecords: MAX_RECORDS, charge });
      const results = records.length === 0 ? [] : await context.emit(source, records);
      for (const result of results) {
        counts.records += 1;
        if (result.status === 'rejected') counts.reject(result.code);
        else counts[result.status] += 1;
      }
      return outcomeOf(results);
    } finally {
      inFlight -= held;
    }
  };
  return ({ metadata, request }, answer) => {
    const source = guard.sourceOf(metadata);
    const taken = source === undefined ? Promise.reject(new TocsinError('auth.missing', {})) : take(source, request);
    taken.then(
      (outcome) => answer(null, outcome),
      (error: unknown) => {
        if (!isTocsinError(error)) context.onTrouble(error, `a call of ${context.name} ended in an error without a code`);
        const status = statusOf(error);
        counts.refuse(status.tocsinCode);
        answer(status);
      },
    );
  };
}
