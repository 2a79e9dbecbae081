/** Questions to threads of other processes, and their answers, as bytes: JSON in which bytes travel as base64, packed where it is large. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { type ErrorCode, type ErrorDetails, messageOf, TocsinError } from '@tocsin/core';

/** An error that crosses to another process. */
export interface PackedError {
  readonly text: string;
  readonly code?: ErrorCode;
  readonly details?: unknown;
}

/** Packed from this size on, bytes, and read up to this size. */
const PACK_FROM_BYTES = 4096;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const GZIP = 0x1f;

/** A question or an answer as bytes, packed where they are many. */
export function encodeCall(value: unknown): Uint8Array {
  const json = Buffer.from(
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Uint8Array ? { $bytes: Buffer.from(each).toString('base64') } : unpackJson(each),
    ),
  );
  return json.length < PACK_FROM_BYTES ? json : gzipSync(json, { level: 1 });
}

/** What Buffer makes of itself before a replacer sees it. */
function unpackJson(each: unknown): unknown {
  const buffer = each as { type?: unknown; data?: unknown } | null;
  const isBuffer = typeof buffer === 'object' && buffer !== null && buffer.type === 'Buffer' && Array.isArray(buffer.data);
  return isBuffer ? { $bytes: Buffer.from(buffer.data as number[]).toString('base64') } : each;
}

/** What `encodeCall` was given. @throws SyntaxError, RangeError for other bytes, or more than a process may hold */
export function decodeCall<T>(body: Uint8Array): T {
  const json = body[0] === GZIP ? gunzipSync(body, { maxOutputLength: MAX_ANSWER_BYTES }) : Buffer.from(body);
  return JSON.parse(json.toString(), (_, each: unknown) => {
    const bytes =
      typeof each === 'object' && each !== null && Object.hasOwn(each, '$bytes') ? (each as { $bytes: unknown }).$bytes : undefined;
    return typeof bytes === 'string' ? Buffer.from(bytes, 'base64') : each;
  }) as T;
}

/** An error as data. */
export function packError(error: unknown): PackedError {
  if (error instanceof TocsinError) return { text: error.message, code: error.code, details: error.details };
  return { text: messageOf(error) };
}

/** The same error on this side. */
export function unpackError({ text, code, details }: PackedError): Error {
  if (code === undefined) return new TocsinError('api.internal', { reason: text });
  return new TocsinError(code, details as ErrorDetails<ErrorCode>);
}
