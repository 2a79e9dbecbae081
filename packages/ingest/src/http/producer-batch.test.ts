/** Bodies of forwarders: what was put in comes out, and whatever else is in them is refused without harm. */
import { crc32 } from 'node:zlib';
import { isTocsinError } from '@tocsin/core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFrame } from '../listeners/spool/spool-frame.ts';
import { readProducerBatch } from './producer-batch.ts';

const frame = (records: Parameters<typeof encodeFrame>[0]['records']): Buffer => encodeFrame({ key: '', receivedMs: 1, first: 0, records });
const LIMITS = { maxRecords: 100 };

/** A frame with a check sum that fits, around any body. */
function sealed(body: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0x31505354, 0);
  head.writeUInt32LE(body.length, 4);
  head.writeUInt32LE(crc32(body), 8);
  return Buffer.concat([head, body]);
}

const part = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

test('records come back with their bytes and facts, over several frames', () => {
  const first = [{ bytes: Buffer.from([0, 10, 255]), envelope: { id: 'a', timeMs: 5 } }, { bytes: Buffer.from('') }];
  const found = readProducerBatch(
    Buffer.concat([frame(first), frame([{ bytes: Buffer.from('x'), envelope: { fallbackId: 'b' } }])]),
    LIMITS,
  );
  expect(found.map(({ bytes, envelope }) => [Buffer.from(bytes).toString('hex'), envelope])).toEqual([
    ['000aff', { id: 'a', timeMs: 5 }],
    ['', undefined],
    ['78', { fallbackId: 'b' }],
  ]);
  expect(found.every(({ receivedMs }) => receivedMs === undefined)).toBe(true);
});

test('facts that are none are left out, and nobody is told when something was received', () => {
  const facts =
    '{"envelope":{"id":5,"__proto__":{"id":"evil"},"timeMs":"1","type":"t","constructor":1},"refused":{"code":"x","reason":"y"}}';
  const body = Buffer.concat([part('{"key":"k","receivedMs":7,"first":0,"count":1}'), part(facts), part('bytes')]);
  const [found] = readProducerBatch(sealed(body), LIMITS);
  expect([found?.envelope, found?.refused, found?.receivedMs]).toEqual([{ type: 't' }, undefined, undefined]);
});

test.each([
  ['a head that is no JSON', Buffer.concat([part('{'), part(''), part('')])],
  ['more records than are there', part('{"count":3}')],
  ['a part longer than the body', Buffer.concat([part('{"count":1}'), Buffer.from([255, 255, 255, 127])])],
  ['nothing', Buffer.alloc(0)],
])('%s is refused', (_, body) => {
  expect(() => readProducerBatch(sealed(body), LIMITS)).toThrow(expect.objectContaining({ code: 'ingest.bad_body' }));
});

test('more records than allowed are refused before they are made', () => {
  const many = frame(Array.from({ length: 101 }, () => ({ bytes: Buffer.from('x') })));
  expect(() => readProducerBatch(many, LIMITS)).toThrow(expect.objectContaining({ code: 'ingest.body_too_large' }));
});

test('any bytes, and any change of good ones, are records or a refusal', () => {
  const good = frame([{ bytes: Buffer.from('one'), envelope: { id: '1' } }, { bytes: Buffer.from('two') }]);
  const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
    const copy = Buffer.from(good);
    copy[at] = byte;
    return copy;
  });
  const inner = fc.uint8Array({ maxLength: 200 }).map((bytes) => sealed(Buffer.from(bytes)));
  fc.assert(
    fc.property(fc.oneof(changed, inner, fc.uint8Array({ maxLength: 300 }).map(Buffer.from)), (body) => {
      try {
        for (const { bytes } of readProducerBatch(body, LIMITS)) expect(bytes.length).toBeLessThanOrEqual(body.length);
      } catch (error) {
        expect(isTocsinError(error)).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
});
