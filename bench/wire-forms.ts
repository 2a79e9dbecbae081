/** Recorded events in the form of each protocol: where they are posted, as what, and when an answer says that all of them are stored. */
import { anyValue, lengthField, snappyLiterals, varintField } from '../packages/ingest/test/protobuf-writer.ts';
import type { Protocol } from './load-plan.ts';

/** How a request of one protocol looks. */
export interface WireForm {
  readonly path: string;
  readonly contentType: string;
  /** Status of what was taken. */
  readonly taken: number;
  /** Whether an answer means that every event is stored; without it the answer counts by itself. */
  readonly isWhole?: (answer: string) => boolean;
  body(lines: readonly string[]): Buffer;
}

const NOW_S = Math.floor(Date.now() / 1000);
const NOW_NS = `${NOW_S}000000000`;

/** One JSON text per line, and text that is none as text. */
const isJson = (line: string): boolean => line.startsWith('{');

/** Every protocol that is measured. */
export const wireForms: Readonly<Record<Protocol, WireForm>> = {
  events: {
    path: '/api/v1/events',
    contentType: 'application/x-ndjson',
    taken: 202,
    body: (lines) => Buffer.from(lines.join('\n')),
  },
  hec: {
    path: '/services/collector',
    contentType: 'application/json',
    taken: 200,
    isWhole: (answer) => !answer.includes('rejected'),
    body: (lines) =>
      Buffer.from(
        lines
          .map((line) => `{"time":${NOW_S},"host":"h1","sourcetype":"bench","event":${isJson(line) ? line : JSON.stringify(line)}}`)
          .join('\n'),
      ),
  },
  'hec-raw': {
    path: '/services/collector/raw?host=h1&sourcetype=bench',
    contentType: 'text/plain',
    taken: 200,
    isWhole: (answer) => !answer.includes('rejected'),
    body: (lines) => Buffer.from(lines.join('\n')),
  },
  bulk: {
    path: '/_bulk',
    contentType: 'application/x-ndjson',
    taken: 200,
    isWhole: (answer) => answer.includes('"errors":false'),
    // `index`, to which a duplicate is no error.
    body: (lines) =>
      Buffer.from(
        lines.map((line) => `{"index":{"_index":"bench"}}\n${isJson(line) ? line : JSON.stringify({ message: line })}\n`).join(''),
      ),
  },
  otlp: {
    path: '/v1/logs',
    contentType: 'application/x-protobuf',
    taken: 200,
    isWhole: (answer) => answer === '',
    body: otlpProtobuf,
  },
  'otlp-json': {
    path: '/v1/logs',
    contentType: 'application/json',
    taken: 200,
    isWhole: (answer) => !answer.includes('rejectedLogRecords'),
    body(lines) {
      const logRecords = lines.map((line) => ({
        timeUnixNano: NOW_NS,
        severityNumber: 9,
        body: { stringValue: line },
        attributes: [{ key: 'log.file.name', value: { stringValue: 'a.log' } }],
      }));
      const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'bench' } }] };
      return Buffer.from(JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ logRecords }] }] }));
    },
  },
  'otlp-grpc': {
    path: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
    contentType: 'application/grpc',
    taken: 0,
    isWhole: (answer) => answer === '',
    body(lines) {
      const message = otlpProtobuf(lines);
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      return Buffer.concat([prefix, message]);
    },
  },
  loki: {
    path: '/loki/api/v1/push',
    contentType: 'application/x-protobuf',
    taken: 204,
    isWhole: () => true,
    body(lines) {
      const entries = lines.map((line) => lengthField(2, [lengthField(1, varintField(1, BigInt(NOW_S))), lengthField(2, line)]));
      return snappyLiterals(lengthField(1, [lengthField(1, '{app="bench"}'), ...entries]));
    },
  },
};

/** The lines as text bodies of one resource, with a severity and an attribute each. */
function otlpProtobuf(lines: readonly string[]): Buffer {
  const records = lines.map((line) =>
    lengthField(2, [
      varintField(2, 9n),
      lengthField(5, anyValue(line)),
      lengthField(6, [lengthField(1, 'log.file.name'), lengthField(2, anyValue('a.log'))]),
    ]),
  );
  const resource = lengthField(1, lengthField(1, [lengthField(1, 'service.name'), lengthField(2, anyValue('bench'))]));
  return lengthField(1, [resource, lengthField(2, records)]);
}
