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
  bulk: {
    path: '/_bulk',
    contentType: 'application/x-ndjson',
    taken: 200,
    isWhole: (answer) => answer.includes('"errors":false'),
    body: (lines) =>
      Buffer.from(
        lines.map((line) => `{"create":{"_index":"bench"}}\n${isJson(line) ? line : JSON.stringify({ message: line })}\n`).join(''),
      ),
  },
  otlp: {
    path: '/v1/logs',
    contentType: 'application/x-protobuf',
    taken: 200,
    isWhole: (answer) => answer === '',
    body(lines) {
      const records = lines.map((line) =>
        lengthField(2, [
          varintField(2, 9n),
          lengthField(5, anyValue(line)),
          lengthField(6, [lengthField(1, 'log.file.name'), lengthField(2, anyValue('a.log'))]),
        ]),
      );
      const resource = lengthField(1, lengthField(1, [lengthField(1, 'service.name'), lengthField(2, anyValue('bench'))]));
      return lengthField(1, [resource, lengthField(2, records)]);
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
