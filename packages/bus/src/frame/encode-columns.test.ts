/** Columns written in one pass against each written in a pass of its own (`test/naive-columns.ts`): the same bytes, whatever the records. */
import type { FrameRecord, HotAttribute } from '@tocsin/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { frameRecord } from '../../test/frame-fixture.ts';
import { encodeColumnsNaively } from '../../test/naive-columns.ts';
import { encodeColumns } from './encode-columns.ts';
import { ATTRIBUTE_TAGS, FLAG_BITS } from './frame-layout.ts';

const word = fc.constantFrom('', 'a', 'b', 'ä', '\ud83d', '\ude00', '__proto__', 'a long text that is stored once');
const maybe = fc.option(word, { nil: undefined });
const attributes = fc.array(
  fc.tuple(
    fc.constantFrom<HotAttribute>(...ATTRIBUTE_TAGS.map(([name]) => name)),
    fc.oneof(word, fc.string({ unit: 'binary', maxLength: 20 })),
  ),
);
const anyRecord: fc.Arbitrary<FrameRecord> = fc
  .record({
    id: fc.oneof(word, fc.string({ unit: 'binary', maxLength: 10 })),
    source: word,
    type: word,
    mapping: word,
    subject: maybe,
    correlationId: maybe,
    causationId: maybe,
    traceparent: maybe,
    attributes: attributes.map((pairs) => Object.fromEntries(pairs)),
    timeMs: fc.integer({ min: -8.64e15, max: 8.64e15 }),
    receivedMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 8.64e15 })),
    severity: fc.constantFrom(0, 3),
    classUid: fc.constantFrom(0, 1001, 2 ** 32 - 1),
    activityId: fc.constantFrom(0, 99),
    schemaVersion: fc.constantFrom(1, 2, 4_000_000_000),
    flags: fc.oneof(fc.constant([]), fc.subarray([...FLAG_BITS])),
    producerId: fc.boolean(),
    record: fc.uint8Array({ maxLength: 20 }),
  })
  .map((record) => frameRecord(record));

it('are the same bytes as columns written one after the other', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { minLength: 1, maxLength: 40 }), (records) => {
      expect(Buffer.from(encodeColumns(records))).toEqual(Buffer.from(encodeColumnsNaively(records)));
    }),
    { numRuns: 1000 },
  );
});

it('are the same where a frame is as full as it may be, each text its own', () => {
  const records = Array.from({ length: 512 }, (_, i) =>
    frameRecord({
      id: `id-${i}`,
      source: `s${i}`,
      attributes: { 'device.hostname': `h${i}`, ...(i % 300 === 299 ? { status: `${i}` } : {}) },
    }),
  );
  expect(Buffer.from(encodeColumns(records))).toEqual(Buffer.from(encodeColumnsNaively(records)));
});
