/**
 * What forwarders send: frames of their spool, one behind the other, so that records keep their bytes, whatever is in them, and the facts
 * that came beside them. Whoever sends is a producer like any other: facts are taken as data and bounded, nothing is believed.
 */
import { TocsinError } from '@tocsin/core';
import { bodyLength, decodeFrame, FRAME_HEAD_BYTES } from '../listeners/spool/spool-frame.ts';
import type { Envelope, RawRecord } from '../source.ts';

/** Media type of such a body. */
export const PRODUCER_BATCH_TYPE = 'application/vnd.tocsin.batch';

/** Facts that are texts. */
const TEXTS = ['id', 'fallbackId', 'type', 'subject', 'correlationId', 'causationId', 'traceparent', 'tenantClaim'] as const;
/** Longest of them, UTF-16 units: a longer one is no fact. */
const MAX_TEXT_UNITS = 4096;

/** The records of a body, in order. @throws ingest.bad_body, ingest.body_too_large (too many records) */
export function readProducerBatch(body: Uint8Array, { maxRecords }: { readonly maxRecords: number }): RawRecord[] {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const records: RawRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.subarray(at, at + FRAME_HEAD_BYTES);
    const length = bodyLength(head);
    if (length === undefined) throw bad(at, 'no frame begins');
    const end = at + FRAME_HEAD_BYTES + length;
    const batch = read(head, bytes.subarray(at + FRAME_HEAD_BYTES, end), { at, maxRecords: maxRecords - records.length });
    if (records.length + batch.length > maxRecords) throw new TocsinError('ingest.body_too_large', { what: 'records', max: maxRecords });
    for (const { bytes: record, envelope } of batch) records.push({ bytes: record, envelope: factsOf(envelope) });
    at = end;
  }
  return records;
}

function read(head: Buffer, body: Buffer, { at, maxRecords }: { at: number; maxRecords: number }): readonly RawRecord[] {
  try {
    const batch = decodeFrame(head, body, maxRecords + 1);
    if (batch !== undefined) return batch.records;
  } catch (cause) {
    // What does not fit its own lengths: RangeError; facts that are no JSON: SyntaxError.
    if (cause instanceof RangeError || cause instanceof SyntaxError) throw bad(at, 'a frame is malformed', cause);
    throw cause;
  }
  throw bad(at, 'a frame is cut off, or its check sum is wrong');
}

function bad(at: number, reason: string, cause?: unknown): TocsinError {
  return new TocsinError('ingest.bad_body', { reason: `${reason} (byte ${at})` }, { cause });
}

/** The facts that are any. */
function factsOf(given: unknown): Envelope | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const facts: Record<string, string | number> = {};
  for (const name of TEXTS) {
    const value: unknown = Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined;
    if (typeof value === 'string' && value.length <= MAX_TEXT_UNITS) facts[name] = value;
  }
  const timeMs: unknown = Object.hasOwn(given, 'timeMs') ? (given as Record<string, unknown>)['timeMs'] : undefined;
  if (typeof timeMs === 'number' && Number.isFinite(timeMs)) facts['timeMs'] = timeMs;
  return facts;
}
