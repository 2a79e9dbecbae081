/** Reads Loki's `PushRequest` in Protocol Buffers: streams of labels, entries, structured metadata. Source: grafana/loki, `pkg/push/push.proto`. */
import { TocsinError } from '@tocsin/core';
import { BadProtobuf, BYTES, ProtobufCursor, VARINT } from '../../otlp/protobuf-cursor.ts';
import type { RawRecord } from '../../source.ts';
import { parseLokiLabels } from './loki-labels.ts';
import { type CutLimits, lokiRecord } from './loki-record.ts';

/** Every line of a request. @throws ingest.bad_body, ingest.body_too_large */
export function readLokiProtobuf(body: Buffer, limits: CutLimits): RawRecord[] {
  const records: RawRecord[] = [];
  try {
    const request = new ProtobufCursor(body, 0, body.length);
    while (request.next()) {
      if (request.field !== 1) continue;
      request.expect(BYTES);
      readStream(request.inner(), records, limits);
    }
  } catch (error) {
    if (error instanceof BadProtobuf)
      throw new TocsinError('ingest.bad_body', { reason: `it is no PushRequest: ${error.message}` }, { cause: error });
    throw error;
  }
  return records;
}

type Labels = readonly (readonly [string, string])[];

function readStream(message: ProtobufCursor, records: RawRecord[], limits: CutLimits): void {
  const entries: ProtobufCursor[] = [];
  let labels: Labels = [];
  while (message.next()) {
    if (message.field > 2) continue;
    message.expect(BYTES);
    if (message.field === 1) labels = labelsOf(message.text());
    else if (records.length + entries.length < limits.maxRecords) entries.push(message.inner());
    else throw new TocsinError('ingest.body_too_large', { what: 'records', max: limits.maxRecords });
  }
  for (const entry of entries) records.push(readEntry(entry, labels, limits));
}

function labelsOf(text: string): Labels {
  const labels = parseLokiLabels(text);
  if (labels === undefined) throw new BadProtobuf('the labels of a stream are malformed');
  return labels;
}

const NOTHING = new Uint8Array(0);

function readEntry(message: ProtobufCursor, labels: Labels, limits: CutLimits): RawRecord {
  const facts = [...labels];
  let timeMs = 0;
  let line: Uint8Array = NOTHING;
  while (message.next()) {
    if (message.field > 3) continue;
    message.expect(BYTES);
    if (message.field === 1) timeMs = timestampOf(message.inner());
    else if (message.field === 2) line = message.bytes.subarray(message.start, message.end);
    else facts.push(labelPair(message.inner()));
  }
  return lokiRecord({ line, timeMs, facts }, limits);
}

/** `google.protobuf.Timestamp`. */
function timestampOf(message: ProtobufCursor): number {
  let ms = 0;
  while (message.next()) {
    if (message.field > 2) continue;
    message.expect(VARINT);
    const value = (message.high | 0) * 0x1_0000_0000 + message.low;
    ms += message.field === 1 ? value * 1000 : value / 1e6;
  }
  return ms;
}

function labelPair(message: ProtobufCursor): readonly [string, string] {
  let [name, value] = ['', ''];
  while (message.next()) {
    if (message.field > 2) continue;
    message.expect(BYTES);
    if (message.field === 1) name = message.text();
    else value = message.text();
  }
  return [name, value];
}
