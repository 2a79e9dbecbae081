/**
 * Errors as gRPC statuses. What is worth sending again carries `RetryInfo`: without it OTLP's clients give RESOURCE_EXHAUSTED up.
 * Source: OTLP 1.x, "Failures" and "OTLP/gRPC Throttling".
 */
import { Metadata, status } from '@grpc/grpc-js';
import { type ErrorCode, isTocsinError, TocsinError } from '@tocsin/core';
import { encodeStatus } from '../../otlp/otlp-answer.ts';

/** A status ready to be sent, and the error it stands for. */
export interface GrpcStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
  readonly tocsinCode: ErrorCode;
}

const CODES: ReadonlyMap<number, status> = new Map([
  [400, status.INVALID_ARGUMENT],
  [401, status.UNAUTHENTICATED],
  [403, status.PERMISSION_DENIED],
  [408, status.DEADLINE_EXCEEDED],
  [413, status.INVALID_ARGUMENT],
  [429, status.RESOURCE_EXHAUSTED],
  [503, status.UNAVAILABLE],
]);
const DEFAULT_RETRY_MS = 1000;

/** The status of an error. What is no Tocsin error is told in general terms only. */
export function statusOf(error: unknown): GrpcStatus {
  const known = isTocsinError(error) ? error : new TocsinError('ingest.internal', { what: 'The call' }, { cause: error });
  const code = CODES.get(known.row.http) ?? status.INTERNAL;
  const { details } = known;
  const isLater = code === status.RESOURCE_EXHAUSTED || code === status.UNAVAILABLE;
  const retryAfterMs = 'retryAfterMs' in details ? Number(details.retryAfterMs) : DEFAULT_RETRY_MS;
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', encodeStatus(code, known.message, isLater ? retryAfterMs : undefined));
  // A status message travels as a header of printable ASCII.
  return { code, details: known.message, metadata, tocsinCode: known.code };
}
