/**
 * A Kafka message as a raw record. Its id is its place (topic, partition, offset), so that a message read again is the same event; a
 * CloudEvent's attributes become the envelope (Kafka Protocol Binding for CloudEvents 1.0.2, sections 3.2 and 3.3), all but its id: ids
 * of several producers of one topic may meet.
 */
import { TocsinError } from '@tocsin/core';
import { attributeBreach, envelopeOfAttributes, rawRecordOfCloudEvent, refuseCloudEvent } from '../../http/cloud-event.ts';
import type { RawRecord } from '../../source.ts';
import { withinBounds } from '../pull/pulled-record.ts';
import { MAX_BATCH_BYTES } from './bounded-decompression.ts';
import { STAND_IN_HEADER } from './stand-in-records.ts';

/** What is used of a message. Null and undefined values are tombstones. */
export interface KafkaMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Milliseconds since 1970; -1 where there is none. */
  readonly timestamp: bigint;
  readonly value: Buffer | null | undefined;
  /** A client gives undefined, or null, for a header without a name or value. */
  readonly headerEntries: readonly (readonly [Buffer | null | undefined, Buffer | null | undefined])[];
}

/** More headers than anybody sends; what follows is not looked at. */
const MAX_HEADERS = 1000;

/** The record of a message; refused where it is empty, too long, or a CloudEvent that breaks its specification. Never throws. */
export function recordOfKafkaMessage(message: KafkaMessage, limits: { listener: string; maxBytes: number }): RawRecord {
  const { topic, partition, offset, timestamp } = message;
  const record = isStandIn(message) ? cutOut() : withinBounds(contentOf(message), limits);
  const timeMs = record.envelope?.timeMs ?? (timestamp >= 0n ? Number(timestamp) : undefined);
  return { ...record, envelope: { ...record.envelope, id: `${topic}-${partition}-${offset}`, timeMs } };
}

function isStandIn({ headerEntries: [header] }: KafkaMessage): boolean {
  return header !== undefined && String(header[0]) === STAND_IN_HEADER;
}

/** A record of a batch that was not unpacked. */
function cutOut(): RawRecord {
  const { code, message } = new TocsinError('ingest.body_too_large', {
    what: 'bytes of its batch after decompression',
    max: MAX_BATCH_BYTES,
  });
  return { bytes: NO_BYTES, refused: { code, reason: message } };
}

const NO_BYTES = new Uint8Array(0);

function contentOf({ value, headerEntries }: KafkaMessage): RawRecord {
  const bytes = value ?? Buffer.alloc(0);
  if (headerEntries.length === 0) return { bytes };
  const headers = new Map<string, string>();
  for (const [name, text] of headerEntries.slice(0, MAX_HEADERS)) if (name && text) headers.set(String(name).toLowerCase(), String(text));
  if (/^application\/cloudevents\+json/i.test(headers.get('content-type') ?? '')) return rawRecordOfCloudEvent(bytes);
  if (!headers.has('ce_specversion')) return { bytes };
  const text = (name: string): string | undefined => headers.get(`ce_${name}`) ?? (name === 'traceparent' ? headers.get(name) : undefined);
  const reason = attributeBreach(text);
  return reason === undefined ? { bytes, envelope: envelopeOfAttributes(text) } : refuseCloudEvent(bytes, reason);
}
