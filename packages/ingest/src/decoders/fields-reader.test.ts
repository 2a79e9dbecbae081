/** Fields by members against whole decoding: the members asked for are the same, whatever the record. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldsOf } from './decoders.ts';
import { createFieldsReader } from './fields-reader.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const NAMES = ['a', 'b', 'a.b', '__proto__', 'Records', 'ü', '\ud800', ''];

function pick(fields: object | undefined, members: Iterable<string>): unknown {
  return fields === undefined ? undefined : [...members].map((name) => [name, Object.hasOwn(fields, name), Reflect.get(fields, name)]);
}

const record = fc.oneof(
  fc.dictionary(fc.constantFrom(...NAMES), fc.jsonValue(), { maxKeys: 6 }).map((fields) => encode(JSON.stringify(fields))),
  fc
    .constantFrom(
      '{"\\u0061":1}',
      '{"a":1,"a":2}',
      '{"a":01}',
      '{"a":"x',
      '[1]',
      '',
      '{"a":"\u0001"}',
      '\ufeff{"a":1}',
      '{"Records":[{"a":1}]}',
    )
    .map(encode),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => new Uint8Array([...encode('{"a":"'), ...bytes, ...encode('"}')])),
);

describe('a fields reader', () => {
  it('reads the members that are asked for as the decoder does', () => {
    const read = createFieldsReader();
    const grown = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 4 }),
        fc.constantFrom(...NAMES.slice(0, 6)),
        fc.constantFrom('json', 'cloudtrail', 'windows-json', 'syslog', 'no format'),
        (records, member, format) => {
          grown.add(member);
          for (const one of records) expect(pick(read(format, one, grown), grown)).toEqual(pick(fieldsOf(format, one), grown));
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a name that no record can have', ['\ud800', 'a']],
    ['more names than it can hold', Array.from({ length: 3000 }, (_, i) => `member ${i}`)],
    ['longer names than it can hold', ['x'.repeat(70_000), 'a']],
  ])('decodes the whole record for %s', (_what, members) => {
    const bytes = encode('{"a":"x","\ufffd":1,"member 2999":3}');
    expect(createFieldsReader()('json', bytes, new Set(members))).toEqual(fieldsOf('json', bytes));
  });

  it('decodes the whole record where no members are named', () => {
    expect(createFieldsReader()('json', encode('{"a":1,"b":[2]}'))).toEqual({ a: 1, b: [2] });
  });
});
