/** Kafka messages as raw records: plain, CloudEvents of both modes, and what is none of them. */
import { expect, test } from 'vitest';
import { type KafkaMessage, recordOfKafkaMessage } from './kafka-record.ts';

const LIMITS = { listener: 'kafka/one', maxBytes: 1000 };

function message(value: string | null, headers: Record<string, string> = {}, more: Partial<KafkaMessage> = {}): KafkaMessage {
  const headerEntries = Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const);
  return {
    topic: 't.a',
    partition: 3,
    offset: 2n ** 60n,
    timestamp: 1_700_000_000_000n,
    value: value === null ? null : Buffer.from(value),
    headerEntries,
    ...more,
  };
}
const read = (...given: Parameters<typeof message>) => recordOfKafkaMessage(message(...given), LIMITS);
const CLOUD = { ce_specversion: '1.0', ce_id: '7', ce_source: '/shop', ce_type: 'order.placed' };

test('a plain message: its place is its id, the time of the cluster its time', () => {
  const { bytes, envelope } = read('{"a":1}', { anything: 'x' });
  expect(String(bytes)).toBe('{"a":1}');
  expect(envelope).toEqual({ id: 't.a-3-1152921504606846976', timeMs: 1_700_000_000_000 });
  expect(read('x', {}, { timestamp: -1n }).envelope?.timeMs).toBeUndefined();
});

test('a CloudEvent in binary mode: attributes into the envelope, but for its id', () => {
  const time = '2026-01-02T03:04:05Z';
  const { bytes, envelope } = read('{"a":1}', { ...CLOUD, ce_time: time, ce_subject: 's', ce_tenantid: 'other', traceparent: '00-1' });
  expect(String(bytes)).toBe('{"a":1}');
  const expected = { id: 't.a-3-1152921504606846976', type: 'order.placed', timeMs: Date.parse(time), subject: 's', tenantClaim: 'other' };
  expect(envelope).toMatchObject({ ...expected, traceparent: '00-1' });
});

test('a CloudEvent in structured mode: data is the record', () => {
  const event = { specversion: '1.0', id: '7', source: '/shop', type: 'order.placed', data: { a: 1 } };
  const { bytes, envelope } = read(JSON.stringify(event), { 'content-type': 'application/cloudevents+json; charset=utf-8' });
  expect(String(bytes)).toBe('{"a":1}');
  expect(envelope).toMatchObject({ id: 't.a-3-1152921504606846976', type: 'order.placed', timeMs: 1_700_000_000_000 });
});

test.each([
  ['a tombstone', null, {}, 'listener.empty_record'],
  ['an empty value', '', {}, 'listener.empty_record'],
  ['a value too long', 'x'.repeat(1001), {}, 'decode.too_large'],
  ['a CloudEvent of another version', '{}', { ...CLOUD, ce_specversion: '2.0' }, 'ingest.bad_record'],
  ['a CloudEvent without type', '{}', { ...CLOUD, ce_type: '' }, 'ingest.bad_record'],
  ['a CloudEvent with a bad time', '{}', { ...CLOUD, ce_time: 'noon' }, 'ingest.bad_record'],
  ['a structured CloudEvent that is no JSON', '{', { 'content-type': 'application/cloudevents+json' }, 'ingest.bad_record'],
])('%s is refused, under its id', (_what, value, headers, code) => {
  const record = read(value, headers);
  expect(record.refused?.code).toBe(code);
  expect(record.envelope?.id).toBe('t.a-3-1152921504606846976');
});

test('headers without name or value, of any bytes, and too many of them', () => {
  const odd = [
    [undefined, undefined],
    [null, Buffer.from('x')],
    [Buffer.from([0xff, 0]), Buffer.from([0xfe])],
    [Buffer.from('__proto__'), Buffer.from('x')],
  ] as const;
  const many = Array.from({ length: 5000 }, (_, i) => [Buffer.from(`h${i}`), Buffer.from('x')] as const);
  expect(read('x', {}, { headerEntries: [...odd, ...many] }).refused).toBeUndefined();
});
