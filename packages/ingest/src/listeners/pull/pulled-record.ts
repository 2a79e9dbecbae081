/** What both pulling kinds make of a message: too long and empty ones are counted and passed, never a reason to stand still. */
import { TocsinError } from '@tocsin/core';
import type { RawRecord } from '../../source.ts';

/** The record itself, or its refusal where it is empty or longer than `maxBytes`. */
export function withinBounds(record: RawRecord, { listener, maxBytes }: { listener: string; maxBytes: number }): RawRecord {
  const { bytes } = record;
  if (record.refused !== undefined) return record;
  if (bytes.length === 0) return refused(record, new TocsinError('listener.empty_record', { listener }));
  if (bytes.length <= maxBytes) return record;
  return refused(record, new TocsinError('decode.too_large', { bytes: bytes.length, maxBytes }));
}

function refused({ envelope }: RawRecord, { code, message }: TocsinError): RawRecord {
  // Its bytes are not needed for the answer and need not be held.
  return { bytes: NO_BYTES, envelope, refused: { code, reason: message } };
}

const NO_BYTES = new Uint8Array(0);
