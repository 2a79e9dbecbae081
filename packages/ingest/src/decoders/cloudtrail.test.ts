import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cloudtrailDecoder } from './cloudtrail.ts';
import { type DecodedRecord, defaultDecodeLimits } from './record-decoder.ts';

const decode = (text: string, limits = defaultDecodeLimits): DecodedRecord[] =>
  cloudtrailDecoder.decode(new TextEncoder().encode(text), limits);
const textOf = (one: DecodedRecord): string => new TextDecoder().decode(one.record);

test('an envelope is taken apart into its records with their bytes untouched', () => {
  const records = ['{ "eventName" : "A\\u0041","x":[1,{"y":"],}"}] }', '{"eventName":"B"}'];
  const decoded = decode(`\n{ "Records" : [ ${records.join(' ,\n ')} ] }\n`);
  expect(decoded.map(textOf)).toEqual(records);
  expect(decoded.map((one) => 'fields' in one && one.fields['eventName'])).toEqual(['AA', 'B']);
});

test.each(['{"Records":[{"a":1}],"next":{"b":["]"]}}', '{"next":"\\"Records\\":[7]","Records":[{"a":1}]}'])(
  'other members are allowed: %s',
  (text) => {
    expect(decode(text).map(textOf)).toEqual(['{"a":1}']);
  },
);

test('a record that merely speaks of Records is one record', () => {
  expect(decode('{"eventName":"x","requestParameters":{"Records":[1,2]}}')).toMatchObject([{ fields: { eventName: 'x' } }]);
  expect(decode('{"Records":7}')).toMatchObject([{ fields: { Records: 7 } }]);
});

test('a record too deep is refused alone', () => {
  const deep = `${'{"a":'.repeat(70)}1${'}'.repeat(70)}`;
  expect(decode(`{"Records":[{"a":1},${deep}]}`).map((one) => ('rejected' in one ? one.rejected : 'taken'))).toEqual([
    'taken',
    'decode.too_deep',
  ]);
});

test('one bad record in an envelope is refused alone', () => {
  const decoded = decode('{"Records":[{"a":1},{"a":},7,{"a":2}]}');
  expect(decoded.map((one) => ('rejected' in one ? one.rejected : 'taken'))).toEqual([
    'taken',
    'decode.bad_json',
    'decode.bad_json',
    'taken',
  ]);
});

test.each([
  ['{"Records":[{"a":1}', 'decode.bad_json'],
  ['{"Records":[{"a":1},]}', 'decode.bad_json'],
  ['{"Records":[,{"a":1}]}', 'decode.bad_json'],
  ['{"Records":[{"a":1}]', 'decode.bad_json'],
  ['{"Records":[{"a":1}]} x', 'decode.bad_json'],
  ['{"Records":[{"a":1}],7}', 'decode.bad_json'],
  ['{"Records":[{"a":1},{"a":2}}', 'decode.bad_json'],
  ['{"Records":[]}', 'decode.bad_json'],
  ['{"Records":["', 'decode.bad_json'],
])('%s is refused as a whole', (text, code) => {
  expect(decode(text)).toMatchObject([{ rejected: code }]);
});

test('an envelope of too many records or bytes is refused', () => {
  expect(decode('{"Records":[{},{},{}]}', { ...defaultDecodeLimits, maxRecords: 2 })).toMatchObject([
    { rejected: 'decode.too_many_records' },
  ]);
  expect(decode('{"Records":[{},{},{}]}', { ...defaultDecodeLimits, maxRecordBytes: 1 })).toMatchObject([{ rejected: 'decode.too_large' }]);
});

test('any objects put into an envelope come out as they were', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 }),
      fc.constantFrom('', ' ', '\n\t'),
      (objects, space) => {
        const texts = objects.map((object) => JSON.stringify(object));
        expect(decode(`{"Records":${space}[${space}${texts.join(`${space},${space}`)}${space}]${space}}`).map(textOf)).toEqual(texts);
      },
    ),
  );
});
