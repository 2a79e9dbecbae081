/**
 * CloudEvents 1.0 in binary mode: attributes in headers `ce-…`, the record in the body. Source: CloudEvents HTTP Protocol Binding 1.0.2,
 * sections 3.1 (content modes) and 3.1.3.2 (header values are percent-encoded).
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { RawRecord } from '../source.ts';
import { attributeBreach, envelopeOfAttributes, refuseCloudEvent } from './cloud-event.ts';

const PREFIX = 'ce-';

/** Whether a request is one: only this mode has its version in a header. */
export function isBinaryCloudEvent(headers: IncomingHttpHeaders): boolean {
  return headers['ce-specversion'] !== undefined;
}

/** The record of the event; refused where its attributes break the specification. An event without data is its own attributes. */
export function rawRecordOfBinaryCloudEvent(headers: IncomingHttpHeaders, body: Uint8Array): RawRecord {
  const text = (name: string): string | undefined => {
    const value = headers[`${PREFIX}${name}`] ?? (name === 'traceparent' ? headers['traceparent'] : undefined);
    return typeof value === 'string' ? decoded(value) : undefined;
  };
  const reason = attributeBreach(text);
  if (reason !== undefined) return refuseCloudEvent(body, reason);
  return { bytes: body.length === 0 ? attributesOf(headers) : body, envelope: envelopeOfAttributes(text) };
}

function attributesOf(headers: IncomingHttpHeaders): Uint8Array {
  const attributes: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(PREFIX) && typeof value === 'string') attributes.push([name.slice(PREFIX.length), decoded(value)]);
  }
  return Buffer.from(JSON.stringify(Object.fromEntries(attributes)));
}

/** A header value in quotes or not, percent-encoded UTF-8; as it stands where that is malformed. */
function decoded(value: string): string {
  const bare = value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  try {
    return decodeURIComponent(bare);
  } catch {
    return bare; // no percent-encoding: senders write lone percent signs
  }
}
