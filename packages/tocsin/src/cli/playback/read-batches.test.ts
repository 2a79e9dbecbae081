import { Readable } from 'node:stream';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Batch } from './batch-cutter.ts';
import { openInput } from './open-input.ts';
import { readBatches, shapeOf } from './read-batches.ts';

async function read(bytes: string | Uint8Array): Promise<Batch[]> {
  const input = await openInput('-', Readable.from([Buffer.from(bytes)], { objectMode: false }));
  const batches: Batch[] = [];
  for await (const batch of readBatches(input, { maxBytes: 20, maxRecords: 2 }, () => undefined)) batches.push(batch);
  return batches;
}

const textsOf = (batches: readonly Batch[]): string[] => batches.map((batch) => Buffer.from(batch.bytes).toString());

test.each([
  ['{"a":1}\n{"a":2}', 'lines'],
  ['{"a":1}', 'lines'],
  ['{"broken\n{"a":2}', 'lines'],
  ['{\n  "a": 1\n}', 'value'],
  ['[{"a":1}]', 'array'],
  ['[\n  {"a":1}\n]', 'array'],
  ['[2026-01-01 10:00:00] started', 'lines'],
  ['Mar 27 13:06:56 host sshd[1]: x', 'lines'],
] as const)('%j is taken as %s', (head, shape) => {
  expect(shapeOf(head)).toBe(shape);
});

test('elements of an array are sent in smaller arrays, byte for byte', async () => {
  const batches = await read('[{"a":1}, {"a": 2},\n{"a":3}]');
  expect(textsOf(batches)).toEqual(['[{"a":1}, {"a": 2}]', '[{"a":3}]']);
  expect(batches.map(({ records, line, contentType }) => [records, line, contentType])).toEqual([
    [2, 1, 'application/json'],
    [1, 3, 'application/json'],
  ]);
});

test('one JSON value over several lines is one record', async () => {
  expect(textsOf(await read('{\n "a": 1\n}\n'))).toEqual(['{\n "a": 1\n}\n']);
});

test.each([
  ['gzip', gzipSync],
  ['zstd', zstdCompressSync],
] as const)('%s is recognised by its bytes', async (_, pack) => {
  expect(textsOf(await read(pack('{"a":1}\n{"a":2}\n')))).toEqual(['{"a":1}\n{"a":2}\n']);
});

test('an input that breaks off says so', async () => {
  await expect(read(gzipSync('x'.repeat(1000)).subarray(0, 20))).rejects.toMatchObject({ code: 'cli.unreadable' });
  await expect(read('[{"a":1},')).rejects.toMatchObject({ code: 'cli.unreadable' });
});

test('nothing gives nothing', async () => {
  expect(await read('')).toEqual([]);
  expect(await read(' \n\n')).toEqual([]);
});

test.each([
  [
    'CSV',
    'user,from\nann,192.0.2.1\n"bob, x",192.0.2.2\nc,1,2\n',
    ['[{"user":"ann","from":"192.0.2.1"}]', '[{"user":"bob, x","from":"192.0.2.2"}]'],
  ],
  [
    'Zeek',
    '#separator \\x09\n#path\tssh\n#fields\tuid\tuser\n#types\tstring\tstring\nC1\tann\n#close\n',
    ['[{"_path":"ssh","uid":"C1","user":"ann"}]'],
  ],
])('rows of %s are sent as the objects that they are', async (_, text, objects) => {
  const sent = (await read(text)).filter(({ unread }) => unread === undefined);
  expect(textsOf(sent)).toEqual(objects);
  expect(sent.map(({ line, records, contentType }) => [line, records, contentType])).toEqual(
    objects.map((_object, i) => [i + 1, 1, 'application/json']),
  );
});

test('a row that is none is told and not sent', async () => {
  const [row, unread, last] = await read('user,from\nann,1\na,b,c,d\nbob,2\n');
  expect(row).toMatchObject({ line: 1, records: 1 });
  expect(unread).toMatchObject({ line: 2, records: 1, unread: [{ index: 0, code: 'decode.bad_line' }] });
  expect(last).toMatchObject({ line: 3, records: 1 });
});

test('what looks like CSV is lines to a source of lines', async () => {
  const input = await openInput('-', Readable.from([Buffer.from('user,from\nann,1\n')], { objectMode: false }));
  const batches: Batch[] = [];
  for await (const batch of readBatches(input, { maxBytes: 100, maxRecords: 9, isLines: true }, () => undefined)) batches.push(batch);
  expect(textsOf(batches)).toEqual(['user,from\nann,1\n']);
});
