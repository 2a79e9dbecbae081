/** Bodies of every door with bits, bytes and pieces changed: each is cut into records or refused by a code, never anything else, and quickly. */
import { isTocsinError } from '@tocsin/core';
import { expect, it } from 'vitest';
import { lengthField, logRecord, logsRequest, snappyLiterals, varintField } from '../../../test/protobuf-writer.ts';
import { readOtlpJson } from '../../otlp/read-otlp-json.ts';
import { readOtlpProtobuf } from '../../otlp/read-otlp-protobuf.ts';
import { decompressSnappy } from '../../snappy/snappy-block.ts';
import { cutBulk } from './elastic-bulk.ts';
import { cutHecEvents, cutHecLines } from './hec-events.ts';
import { readLokiJson } from './loki-json.ts';
import { parseLokiLabels } from './loki-labels.ts';
import { readLokiProtobuf } from './loki-protobuf.ts';
import { cutWebhook } from './webhook-records.ts';

const MUTANTS = Number(process.env['TOCSIN_MUTANTS'] ?? 3000);
const SEED = Number(process.env['TOCSIN_SEED'] ?? Date.now() % 1e9);
const limits = { maxRecords: 1000, charge: () => undefined, index: 'i' };
const proven = { headers: {}, proof: { signature: 'a' }, maxRecords: 1000, firstOf: <T>(_: string, facts: T) => facts };
const entry = [
  lengthField(1, [varintField(1, 1_700_000_000n)]),
  lengthField(2, '{"a":1}'),
  lengthField(3, [lengthField(1, 'k'), lengthField(2, 'v')]),
];
const push = lengthField(1, [lengthField(1, '{app="web",x=`y`}'), lengthField(2, entry), lengthField(2, entry)]);

const READERS: readonly (readonly [name: string, body: Buffer, read: (body: Buffer) => unknown])[] = [
  [
    'otlp',
    logsRequest([logRecord({ a: [1, { b: 'c' }], d: 1.5 }, { x: 'y', n: -1 }), logRecord('{"k":[1]}')], { r: true }),
    (body) => readOtlpProtobuf(body, limits),
  ],
  [
    'otlp-json',
    Buffer.from(
      '{"resourceLogs":[{"resource":{"attributes":[{"key":"r","value":{"intValue":"1"}}]},"scopeLogs":[{"scope":{"name":"s"},"logRecords":[{"timeUnixNano":"1","body":{"kvlistValue":{"values":[{"key":"a","value":{"arrayValue":{"values":[{}]}}}]}}}]}]}]}',
    ),
    (body) => readOtlpJson(body, limits),
  ],
  ['loki', push, (body) => readLokiProtobuf(body, limits)],
  ['snappy', snappyLiterals(Buffer.concat([push, push])), (body) => decompressSnappy(body, 1 << 20)],
  [
    'loki-json',
    Buffer.from('{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"m":"n"}],["2","{\\"a\\":1}"]]}]}'),
    (body) => readLokiJson(body, limits),
  ],
  ['labels', Buffer.from('{a="b\\"c", d=`e`, f="{}"}'), (body) => parseLokiLabels(body.toString('latin1'))],
  [
    'hec',
    Buffer.from('{"time":"1.5","host":"h","event":{"a":[{}]},"fields":{"x":"y"}}{"event":"t\\u0041"}\n{"event":1}'),
    (body) => cutHecEvents(body, limits),
  ],
  ['hec-raw', Buffer.from('one\r\n{"a":1}\n\u00fc\n{x\n'), (body) => cutHecLines(body, { facts: '"h":"x"', timeMs: 1, guest: limits })],
  [
    'bulk',
    Buffer.from('{"create":{"_id":"a","_index":"b"}}\n{"x":1}\n{"delete":{}}\n{"update":{}}\n{}\n{"index":{}}\nz\n'),
    (body) => cutBulk(body, limits),
  ],
  ...(['github', 'okta', 'slack', 'hmac'] as const).map(
    (scheme) =>
      [
        `webhook ${scheme}`,
        Buffer.from('{"data":{"events":[{"uuid":"u","x":{}}]},"event_id":"e"}'),
        (body: Buffer) => cutWebhook(scheme, { ...proven, body }),
      ] as const,
  ),
];

it.each(READERS)('%s', (name, good, read) => {
  read(good);
  const random = seeded(SEED);
  let slowestMs = 0;
  for (let i = 0; i < MUTANTS; i++) {
    const body = mutate(good, random);
    const begunMs = performance.now();
    try {
      read(body);
    } catch (error) {
      expect(isTocsinError(error), `seed ${SEED}, ${name}, mutant ${i}: ${String(error)} of ${body.toString('base64')}`).toBe(true);
    }
    slowestMs = Math.max(slowestMs, performance.now() - begunMs);
  }
  expect(slowestMs).toBeLessThan(1000);
});

/** Marsaglia's xorshift: the same numbers for the same seed. */
function seeded(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const HARD = [
  '{',
  '}',
  '[',
  ']',
  '"',
  '\\',
  ',',
  ':',
  '\n',
  '\u0000',
  '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f',
  'null',
  '1e999',
  '-',
  '{"__proto__":1}',
];

function mutate(good: Buffer, random: (below: number) => number): Buffer {
  let body = Buffer.from(good);
  for (let n = random(4); n >= 0; n--) {
    const at = random(body.length + 1);
    const to = Math.min(body.length, at + random(12));
    const piece = Buffer.from(HARD[random(HARD.length)] ?? '', 'latin1');
    switch (random(5)) {
      case 0:
        if (at < body.length) body[at] = (body[at] as number) ^ (1 << random(8));
        break;
      case 1:
        body = Buffer.concat([body.subarray(0, at), piece, body.subarray(at)]);
        break;
      case 2:
        body = Buffer.concat([body.subarray(0, at), body.subarray(to)]);
        break;
      case 3:
        body = Buffer.concat([body.subarray(0, to), body.subarray(at)]);
        break;
      default:
        body = body.subarray(0, at);
    }
    if (body.length === 0) return body;
  }
  return body;
}
