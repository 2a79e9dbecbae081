/**
 * The format `container`: a line of a container's log whose text is of no format of its own (Docker's json-file, containerd's CRI). Text
 * that is a JSON object gives its members beneath those of the container.
 */
import type { Fields } from '@tocsin/core';
import { isObject, scanJson } from '../json-record.ts';
import { type DecodedRecord, type DecodeLimits, type RecordDecoder, rejectRecord } from '../record-decoder.ts';
import { openCarried } from './carried-line.ts';

/** Decoder of one line of a container's log per record. */
export const containerDecoder: RecordDecoder = {
  decode: (bytes, limits) => [decodeContainer(bytes, limits)],
};

/** Fields of what a container wrote: its own, and the members of its text where that is JSON. */
export function readContainer(carrier: Fields, limits: DecodeLimits): Fields {
  const { log } = carrier;
  const inner = typeof log === 'string' && log.startsWith('{') ? parseInner(log, limits) : undefined;
  return inner === undefined ? carrier : { ...inner, ...carrier };
}

function decodeContainer(bytes: Uint8Array, limits: DecodeLimits): DecodedRecord {
  const carried = openCarried(bytes, 'container', limits);
  if ('rejected' in carried) return carried;
  const { carrier } = carried;
  if (typeof carrier['log'] !== 'string' || typeof carrier['stream'] !== 'string')
    return rejectRecord(bytes, 'decode.bad_line', { format: 'container', reason: 'it has no log and stream' });
  return { record: bytes, format: 'container', fields: readContainer(carrier, limits) };
}

function parseInner(text: string, limits: DecodeLimits): Fields | undefined {
  if (scanJson(text, limits) !== undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined; // the one thing that JSON.parse throws for: it is text after all
  }
}
