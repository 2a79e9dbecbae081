/** A row as a record: the JSON object of its fields, read by its looks as any other object is. */
import type { Fields } from '@tocsin/core';
import { autoDecoder } from '../decoders/auto.ts';
import { type DecodedRecord, type DecodeLimits, rejectRecord } from '../decoders/record-decoder.ts';

/** The record that a row becomes. */
export function recordOfRow(fields: Fields, limits: DecodeLimits): DecodedRecord[] {
  return autoDecoder.decode(encoder.encode(JSON.stringify(fields)), limits);
}

/** A row that is none, with its text. */
export function rejectRow(text: string, format: string, reason: string): DecodedRecord {
  return rejectRecord(encoder.encode(text), 'decode.bad_line', { format, reason });
}

const encoder = new TextEncoder();
