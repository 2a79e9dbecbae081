/** Answers of Redis read into entries: as they come, and as they should not come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entriesOfRead, lagOf, readClaim, recordOfEntry } from './redis-reply.ts';

const b = (text: string): Buffer => Buffer.from(text);

test('XREADGROUP: entries of several streams, deleted ones, nothing', () => {
  const reply = [
    [
      b('one'),
      [
        [b('5-1'), [b('event'), b('x')]],
        [b('5-2'), null],
      ],
    ],
    [b('two'), [[b('6-0'), [b('event'), b('y')]]]],
  ];
  expect(entriesOfRead(reply).map(({ key, id, fields }) => [key, id, fields?.join()])).toEqual([
    ['one', '5-1', 'event,x'],
    ['one', '5-2', undefined],
    ['two', '6-0', 'event,y'],
  ]);
  expect(entriesOfRead(null)).toEqual([]);
});

test('XAUTOCLAIM and XINFO GROUPS', () => {
  expect(readClaim('k', [b('7-0'), [[b('5-1'), [b('e'), b('x')]], null], [b('4-0')]])).toMatchObject({
    cursor: '7-0',
    deleted: 1,
    entries: [{ id: '5-1' }],
  });
  expect(readClaim('k', [b('0-0'), []])).toEqual({ cursor: '0-0', entries: [], deleted: 0 });
  expect(
    lagOf('g', [
      [b('name'), b('other'), b('lag'), 3],
      [b('name'), b('g'), b('lag'), 7],
    ]),
  ).toBe(7);
  expect(lagOf('g', [[b('name'), b('g'), b('lag'), null]])).toBeUndefined();
});

test('an entry is one field, or an object of all', () => {
  const limits = { listener: 'redis/one', maxBytes: 100 };
  const entry = { key: 'k', id: '1700000000000-3', fields: [b('a'), b('1'), b('__proto__'), b('2'), b('a'), b('3')] };
  expect(recordOfEntry(entry, { ...limits, field: '__proto__' })).toMatchObject({
    bytes: b('2'),
    envelope: { id: 'k-1700000000000-3', timeMs: 1_700_000_000_000 },
  });
  expect(String(recordOfEntry(entry, { ...limits, field: undefined }).bytes)).toBe('{"a":"3","__proto__":"2"}');
  expect(recordOfEntry(entry, { ...limits, field: 'b' }).refused?.code).toBe('listener.empty_record');
  expect(recordOfEntry(entry, { ...limits, field: 'a', maxBytes: 0 }).refused?.code).toBe('decode.too_large');
});

test('no answer makes it throw', () => {
  const reply = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.integer(),
      fc.string(),
      fc.uint8Array().map(Buffer.from),
      fc.array(tie('node'), { maxLength: 4 }),
    ),
  })).node;
  fc.assert(
    fc.property(reply, (value) => {
      expect(Array.isArray(entriesOfRead(value))).toBe(true);
      expect(Array.isArray(readClaim('k', value).entries)).toBe(true);
      expect(['number', 'undefined']).toContain(typeof lagOf('g', value));
    }),
  );
});
