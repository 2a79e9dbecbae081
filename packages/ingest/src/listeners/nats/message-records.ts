/**
 * CloudEvents out of a message of a bus: structured, batched or binary mode by its headers. Source: NATS Protocol Binding for CloudEvents 1.0.3,
 * section 3 (without any header a message is in structured mode). Nothing here throws on input.
 */
import { isTocsinError } from '@tocsin/core';
import { isBinaryCloudEvent, rawRecordOfBinaryCloudEvent } from '../../http/binary-cloud-event.ts';
import { refuseCloudEvent } from '../../http/cloud-event.ts';
import { cutBody } from '../../http/cut-body.ts';
import type { RawRecord } from '../../source.ts';

/** Most events in one message of batched mode. */
export const MAX_EVENTS_PER_MESSAGE = 1000;

/** The records of a message, at least one: those that break the specification are refused, as is a message that no event can be cut from. */
export function recordsOfMessage(headers: Readonly<Record<string, string>>, body: Uint8Array): RawRecord[] {
  const lower = lowerNames(headers);
  if (isBinaryCloudEvent(lower)) return [rawRecordOfBinaryCloudEvent(lower, body)];
  try {
    return cutBody(isBatch(lower) ? 'cloudevents' : 'cloudevent', body, { maxRecords: MAX_EVENTS_PER_MESSAGE });
  } catch (error) {
    if (!isTocsinError(error)) throw error;
    return [refuseCloudEvent(body, error.message)];
  }
}

/** The bytes of each of these records, in the same order, as they stand in the message. */
export function piecesOfMessage(headers: Readonly<Record<string, string>>, body: Uint8Array): Uint8Array[] {
  const lower = lowerNames(headers);
  if (isBinaryCloudEvent(lower) || !isBatch(lower)) return [body];
  try {
    return cutBody('json', body, { maxRecords: MAX_EVENTS_PER_MESSAGE }).map(({ bytes }) => bytes);
  } catch (error) {
    if (!isTocsinError(error)) throw error;
    return [body];
  }
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Whether a message that is not in binary mode is batched. */
function isBatch(lower: Readonly<Record<string, string>>): boolean {
  const [type = ''] = (lower['content-type'] ?? '').split(';');
  return type.trim().toLowerCase() === 'application/cloudevents-batch+json';
}
