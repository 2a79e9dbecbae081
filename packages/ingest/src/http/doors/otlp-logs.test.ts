/** OpenTelemetry's logs on a real fastify, in Protocol Buffers and JSON: what they become, partial success, and bytes that are none. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DoorAnswer, type OpenDoor, openDoor } from '../../../test/http-fixture.ts';
import { anyValue, fixed64Field, lengthField, logRecord, logsRequest, pairs, varint, varintField } from '../../../test/protobuf-writer.ts';

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };
const send = (door: OpenDoor, body: Uint8Array | string): Promise<DoorAnswer> =>
  door.ask('/v1/logs', { body, headers: typeof body === 'string' ? JSON_TYPE : PROTOBUF });
const stored = (door: OpenDoor): unknown[] => door.stored.map(({ record }) => JSON.parse(Buffer.from(record).toString()) as unknown);

const around = { 'service.name': 'web', 'otel.scope.name': 'lib', 'otel.scope.version': '1' };
const head = { severity_number: 17, severity_text: 'ERROR', trace_id: '5b8efff798038103d269b633813fc60c', span_id: 'eee19b7ec3c1b174' };

const jsonAny = (value: unknown): unknown => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'bigint') return { intValue: String(value) };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(jsonAny) } };
  return value === null ? {} : { kvlistValue: { values: jsonPairs(value as object) } };
};
const jsonPairs = (members: object): unknown[] => Object.entries(members).map(([key, value]) => ({ key, value: jsonAny(value) }));
const jsonRequest = (body: unknown, attributes: object): string =>
  JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: jsonPairs({ 'service.name': 'web' }) },
        scopeLogs: [
          {
            scope: { name: 'lib', version: '1' },
            logRecords: [
              {
                timeUnixNano: '1700000000000000000',
                severityNumber: 17,
                severityText: 'ERROR',
                body: jsonAny(body),
                attributes: jsonPairs(attributes),
                traceId: head.trace_id,
                spanId: head.span_id,
              },
            ],
          },
        ],
      },
    ],
  });

describe('the OpenTelemetry door', () => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(() => door[Symbol.asyncDispose]());

  it.each<[string, unknown, Record<string, unknown>, Record<string, unknown>]>([
    ['text', 'it broke', {}, { message: 'it broke' }],
    ['a map', { EventID: 4625, 'a.b': { c: [1, 'x'] } }, { user: 'ann' }, { user: 'ann', EventID: 4625, 'a.b': { c: [1, 'x'] } }],
    ['the text of an object', '{"EventID":1, "x":[{}]}', {}, { EventID: 1, x: [{}] }],
    ['text that only begins like one', '{oh no', {}, { message: '{oh no' }],
    ['a number', 7, {}, { message: 7 }],
    ['nothing', null, { n: -5, f: 1.5, t: true, z: '' }, { n: -5, f: 1.5, t: true, z: '' }],
    ['attributes that hide those of the resource', 'x', { 'service.name': 'own' }, { 'service.name': 'own', message: 'x' }],
    ['awkward texts', '\u0000"\\\u2028ü\ud83d\ude00', {}, { message: '\u0000"\\\u2028ü\ud83d\ude00' }],
  ])('makes the same of %s in both encodings', async (_name, body, attributes, want) => {
    await using door = await openDoor();
    const [protobuf, json] = [logsRequest([logRecord(body, attributes)], { 'service.name': 'web' }), jsonRequest(body, attributes)];
    const answers = [await send(door, protobuf), await send(door, json)];
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, ''],
      [200, '{}'],
    ]);
    const record = { ...around, ...head, ...want };
    expect(stored(door)).toEqual([record, record]);
    for (const event of door.stored) {
      expect(event.timeMs).toBe(1_700_000_000_000);
      expect(event.traceparent).toBe(`00-${head.trace_id}-${head.span_id}-00`);
    }
  });

  it('keeps all digits of large numbers', async () => {
    await using door = await openDoor();
    for (const value of [9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, -1n, 9_007_199_254_740_993n]) {
      await send(door, logsRequest([logRecord('x', { value })]));
      await send(door, jsonRequest('x', { value }));
      for (const { record } of door.stored.splice(0)) expect(Buffer.from(record).toString()).toContain(`"value":${value}`);
    }
  });

  it('knows a record by its uid when it is sent again', async () => {
    await using door = await openDoor();
    const body = logsRequest([logRecord('x', { 'log.record.uid': 'u1' })]);
    await send(door, body);
    await send(door, body);
    expect(door.stored.map(({ id }) => id)).toEqual(['u1']);
  });

  it('stores the rest and counts what cannot be read as partial success', async () => {
    await using door = await openDoor();
    let deep = anyValue('x');
    for (let i = 0; i < 40; i++) deep = lengthField(5, lengthField(1, deep));
    const broken = [lengthField(5, deep), lengthField(5, lengthField(1, Buffer.from([0xff]))), lengthField(2, 'text'), Buffer.from([0x08])];
    const answer = await send(door, logsRequest([logRecord('one'), ...broken, logRecord('two')]));
    expect(answer.status).toBe(200);
    // partial_success = 1 { rejected_log_records = 1: 4, … }
    expect(answer.bytes[0]).toBe(0x0a);
    expect(answer.bytes.includes(Buffer.from([0x08, 4]))).toBe(true);
    expect(answer.text).toContain('ingest.bad_record');
    expect(door.stored.length).toBe(2);
    const json = await send(
      door,
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}},{"attributes":3},{"attributes":[{"key":"k","value":{"intValue":"x"}}]},7]}]}]}',
    );
    expect(json.json).toMatchObject({ partialSuccess: { rejectedLogRecords: '3' } });
    expect(door.stored.length).toBe(3);
  });

  const whole = logsRequest([logRecord('canary', { a: [1, { b: 'c' }] })], { r: 1 });
  const cuts = Array.from(
    { length: whole.length - 1 },
    (_, i) => [`Protocol Buffers cut at ${i + 1}`, whole.subarray(0, i + 1)] as [string, Uint8Array | string],
  );
  it.each<[string, Uint8Array | string]>([
    ...cuts,
    ['a number without end', Buffer.alloc(20, 0xff)],
    ['a field 0', Buffer.from([0x00, 0x01])],
    ['a group', Buffer.from([0x0b, 0x0c])],
    ['a length of 4 GiB', Buffer.concat([Buffer.from([0x0a]), varint(0xffff_ffffn)])],
    ['a length of 2^63', Buffer.concat([Buffer.from([0x0a]), varint(1n << 63n)])],
    ['resource logs that are a number', varintField(1, 5n)],
    ['scope logs that are a number', lengthField(1, varintField(2, 5n))],
    ['a resource that is a double', lengthField(1, fixed64Field(1, 5n))],
    ['a scope name that is no UTF-8', lengthField(1, lengthField(2, lengthField(1, lengthField(1, Buffer.from([0xc3, 0x28])))))],
    ['JSON that is a list', '[]'],
    ['JSON that is cut', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"a"}}'],
    ['resource logs that are text', '{"resourceLogs":"x"}'],
    ['a resource that is a number', '{"resourceLogs":[{"resource":7,"scopeLogs":[]}]}'],
    ['no JSON', 'hello'],
  ])('refuses %s as a whole', async (_name, body) => {
    door.stored.length = 0;
    const answer = await send(door, body);
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/cannot be cut into records/);
    expect(door.stored).toEqual([]);
  });

  it('does not repeat a large resource for every record without bound', async () => {
    await using door = await openDoor({ maxPlainBytes: 4_000_000 });
    const records = Array.from({ length: 1000 }, () => lengthField(5, anyValue('x')));
    expect((await send(door, logsRequest(records, { big: 'x'.repeat(100_000) }))).status).toBe(413);
    expect(door.stored).toEqual([]);
  });

  it('refuses who has no credential, in the encoding of the request', async () => {
    await using door = await openDoor();
    const answer = await door.ask('/v1/logs', { body: whole, headers: { ...PROTOBUF, authorization: '' } });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([401, 'application/x-protobuf']);
    expect(answer.bytes.subarray(0, 2)).toEqual(Buffer.from([0x08, 16]));
    expect((await door.ask('/v1/logs', { body: 'x', headers: { 'content-type': 'text/plain' } })).status).toBe(415);
    expect((await door.ask('/v1/logs', { body: new Uint8Array(0), headers: PROTOBUF })).status).toBe(200);
  });

  it('reads fields in any order and skips those it does not know', async () => {
    await using door = await openDoor();
    const scope = lengthField(2, [lengthField(2, [lengthField(99, 'x'), ...pairs(6, { a: 1 }), varintField(77, 1n)])]);
    await send(door, lengthField(1, [scope, lengthField(3, 'schema'), lengthField(1, pairs(1, { r: 1 }))]));
    expect(stored(door)).toEqual([{ r: 1, a: 1 }]);
  });
});
