/** Requests cut in one walk against the same cut level by level: the same records, or the same refusal. */
import { TocsinError } from '@tocsin/core';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cutOtlpJson } from './cut-otlp-json.ts';
import { readLevelByLevel, readOtlpJson } from './read-otlp-json.ts';

function outcomeOf(read: typeof readOtlpJson, body: Uint8Array): unknown {
  const charged: number[] = [];
  try {
    const records = read(body, { maxRecords: 8, charge: (bytes) => charged.push(bytes) });
    return { charged, records: records.map((record) => ({ ...record, bytes: Buffer.from(record.bytes).toString('latin1') })) };
  } catch (error) {
    if (error instanceof TocsinError) return { code: error.code, reason: error.message };
    throw error;
  }
}

const anyValue = fc.constantFrom<unknown>(
  { stringValue: 'x' },
  { stringValue: '{"a":1}' },
  { stringValue: '{"a":"\\"}","b":[{}]} ' },
  { stringValue: '{ }' },
  { stringValue: '{"cut":' },
  { intValue: '9223372036854775807' },
  { boolValue: true },
  { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 1.5 } }] } },
  {},
  null,
  7,
);
const attributes = fc.option(fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'é"'), value: anyValue }), { maxLength: 2 }), {
  nil: null,
});
const log = fc.oneof(
  {
    arbitrary: fc.record(
      { timeUnixNano: fc.constantFrom('1700000000000000000', 0, 'x'), severityNumber: fc.nat(24), body: anyValue, attributes },
      { requiredKeys: [] },
    ),
    weight: 8,
  },
  { arbitrary: fc.constantFrom<unknown>(null, 'text', [], { attributes: 5 }), weight: 1 },
);
const list = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fc.array(one, { maxLength: 4 }), weight: 12 }, { arbitrary: fc.constantFrom<unknown>(null, {}, 'x'), weight: 1 });
const scopeLogs = fc.record(
  {
    logRecords: list(log),
    scope: fc.record({ name: fc.constantFrom('s', ''), version: fc.constant('1') }),
    schemaUrl: fc.constantFrom('u', 'a"b'),
  },
  { requiredKeys: [] },
);
const resourceLogs = fc.record({ scopeLogs: list(scopeLogs), resource: fc.record({ attributes }), more: fc.nat() }, { requiredKeys: [] });
const request = fc.record({ resourceLogs: list(resourceLogs), other: fc.jsonValue({ maxDepth: 1 }) }, { requiredKeys: [] });
const damage = fc.option(fc.record({ at: fc.nat(600), byte: fc.constantFrom(...Buffer.from('{}[]",:\\x \u0000'), 0xff) }), {
  nil: undefined,
  freq: 3,
});

it('is the same whichever way a request is cut', () => {
  let cut = 0;
  fc.assert(
    fc.property(request, fc.constantFrom(0, 1), damage, (whole, indent, wrong) => {
      const body = Buffer.from(JSON.stringify(whole, undefined, indent));
      if (wrong !== undefined && wrong.at < body.length) body[wrong.at] = wrong.byte;
      if (cutOtlpJson(body, { maxRecords: 8, maxMembers: 100, maxKeys: 10_000 }) !== undefined) cut += 1;
      expect(outcomeOf(readOtlpJson, body), body.toString('latin1')).toEqual(outcomeOf(readLevelByLevel, body));
    }),
    { numRuns: 4000 },
  );
  expect(cut).toBeGreaterThan(500);
});

it.each([
  '{"resourceLogs":[],"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}',
  '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}],"resource":{"attributes":[]}}]} x',
  ' {"resourceLogs" : [ {"scopeLogs" : [ {"logRecords" : [ {"body":{"stringValue":"a"}} , {} ]} ] } ] } ',
  `{"resourceLogs":[{"scopeLogs":[{"logRecords":[${'{},'.repeat(8)}{}]}]}]}`,
  `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"${'x'.repeat(300_000)}"}},{}]}]}]}`,
  `{"resourceLogs":[{${'"a":1,'.repeat(120)}"scopeLogs":[]}]}`,
  '{"resourceLogs":[{"scopeLogs":[{"scope":null,"logRecords":[]}]}]}',
  '{"resource\\u004cogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}',
  '[]',
  '',
])('is the same of %.80s', (text) => {
  const body = Buffer.from(text);
  expect(outcomeOf(readOtlpJson, body)).toEqual(outcomeOf(readLevelByLevel, body));
});

it.each([
  ['resource_logs', '{"resource_logs":[{}]}'],
  ['scope_logs', '{"resourceLogs":[{"scope_logs":[{}]}]}'],
  ['log_records', '{"resourceLogs":[{"scopeLogs":[{"log_records":[{"body":{"stringValue":"x"}}]}]}]}'],
])('refuses %s rather than losing what stands under it', (name, text) => {
  const body = Buffer.from(text);
  expect(outcomeOf(readOtlpJson, body)).toMatchObject({
    code: 'ingest.bad_body',
    reason: expect.stringContaining(`is spelt ${name}`) as string,
  });
  expect(outcomeOf(readOtlpJson, body)).toEqual(outcomeOf(readLevelByLevel, body));
});
