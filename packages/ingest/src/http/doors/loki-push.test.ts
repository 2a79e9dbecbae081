/** Loki's push API on a real fastify, in JSON and in Protocol Buffers under Snappy; and the two readers it needs by themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DoorAnswer, type OpenDoor, openDoor } from '../../../test/http-fixture.ts';
import { lengthField, snappyLiterals, varint, varintField } from '../../../test/protobuf-writer.ts';
import { decompressSnappy } from '../../snappy/snappy-block.ts';
import { parseLokiLabels } from './loki-labels.ts';

const PATH = '/loki/api/v1/push';
const basic = { authorization: `Basic ${Buffer.from('1234:good').toString('base64')}` };
const push = (door: OpenDoor, body: Uint8Array | string): Promise<DoorAnswer> =>
  door.ask(PATH, { body, headers: { ...basic, 'content-type': typeof body === 'string' ? 'application/json' : 'application/x-protobuf' } });
const stored = (door: OpenDoor): unknown[] => door.stored.map(({ record }) => JSON.parse(Buffer.from(record).toString()) as unknown);

const entry = (line: string, metadata: Record<string, string> = {}): Buffer =>
  Buffer.concat([
    lengthField(1, [varintField(1, 1_700_000_000n), varintField(2, 250_000_000n)]),
    lengthField(2, line),
    ...Object.entries(metadata).map(([name, value]) => lengthField(3, [lengthField(1, name), lengthField(2, value)])),
  ]);
const stream = (labels: string, entries: readonly Buffer[]): Buffer =>
  lengthField(1, [lengthField(1, labels), ...entries.map((each) => lengthField(2, each))]);
const want = [
  { app: 'web', host: 'a "b"\n', trace: 't1', message: 'line one' },
  { app: 'web', host: 'a "b"\n', a: 1 },
];

describe('the Loki door', () => {
  let door: OpenDoor;
  beforeAll(async () => {
    door = await openDoor();
  });
  afterAll(() => door[Symbol.asyncDispose]());

  it('makes the same of both encodings: labels and metadata beside the line', async () => {
    await using door = await openDoor();
    const labels = { app: 'web', host: 'a "b"\n' };
    const values = [
      ['1700000000250000000', 'line one', { trace: 't1' }],
      ['1700000000250000000', '{"a":1}'],
    ];
    const body = snappyLiterals(stream('{app="web", host="a \\"b\\"\\n"}', [entry('line one', { trace: 't1' }), entry('{"a":1}')]));
    const answers = [await push(door, JSON.stringify({ streams: [{ stream: labels, values }] })), await push(door, body)];
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [204, ''],
      [204, ''],
    ]);
    expect(stored(door)).toEqual([...want, ...want]);
    expect(door.stored.map(({ timeMs }) => timeMs)).toEqual(Array(4).fill(1_700_000_000_250));
  });

  it('stores the rest and says what was refused', async () => {
    await using door = await openDoor();
    const deep = `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`;
    const answer = await push(
      door,
      JSON.stringify({
        streams: [
          {
            stream: {},
            values: [
              ['1', deep],
              ['1', 'fine'],
            ],
          },
        ],
      }),
    );
    expect(answer.status).toBe(400);
    expect(answer.text).toMatch(/^1 of 2 lines were refused.*decode\.too_deep/);
    expect(door.stored.length).toBe(1);
  });

  const good = stream('{app="web"}', [entry('canary')]);
  const block = snappyLiterals(good);
  it.each<[string, Uint8Array | string]>([
    ...Array.from(
      { length: good.length - 1 },
      (_, i) => [`a push cut at ${i + 1}`, snappyLiterals(good.subarray(0, i + 1))] as [string, Uint8Array],
    ),
    ...Array.from({ length: block.length - 1 }, (_, i) => [`a block cut at ${i + 1}`, block.subarray(0, i + 1)] as [string, Uint8Array]),
    ['bytes that are no block', Buffer.alloc(50, 0xff)],
    ['a copy from before the beginning', Buffer.from([10, 0b01, 5])],
    ['a copy from nowhere', Buffer.from([4, 0x00, 0x61, 0b01, 0])],
    ['more than it announces', Buffer.from([2, 2 << 2, 0x61, 0x61, 0x61])],
    ['labels that are none', snappyLiterals(stream('app=web', [entry('x')]))],
    ['labels that never end', snappyLiterals(stream(`{${'a="b",'.repeat(10_000)}`, [entry('x')]))],
    ['JSON without streams', '{}'],
    ['JSON that is cut', '{"streams":[{"stream":{"a":"b"},"values":[["1","x"]'],
    ['labels that are numbers', '{"streams":[{"stream":{"a":1},"values":[["1","x"]]}]}'],
    ['an entry that is text', '{"streams":[{"stream":{},"values":["x"]}]}'],
    ['a time that is a number', '{"streams":[{"stream":{},"values":[[1,"x"]]}]}'],
    ['a time that is a word', '{"streams":[{"stream":{},"values":[["now","x"]]}]}'],
    ['entries that are deep', `{"streams":[{"stream":{},"values":${'['.repeat(100_000)}}]}`],
  ])('refuses %s as a whole', async (_name, body) => {
    door.stored.length = 0;
    const answer = await push(door, body);
    expect(answer.status).toBe(400);
    expect(door.stored).toEqual([]);
  });

  it('asks for no more memory than a block can fill', async () => {
    await using door = await openDoor();
    expect((await push(door, Buffer.concat([varint(60_000_000n), Buffer.from([0, 0x61])]))).status).toBe(400);
    expect((await push(door, Buffer.concat([varint(0xffff_ffffn), Buffer.from([0, 0x61])]))).status).toBe(413);
  });

  it('does not repeat large labels for every line without bound', async () => {
    await using door = await openDoor({ maxPlainBytes: 2_000_000 });
    const values = Array.from({ length: 1000 }, () => ['1', 'x']);
    expect((await push(door, JSON.stringify({ streams: [{ stream: { big: 'x'.repeat(60_000) }, values }] }))).status).toBe(413);
    expect(door.stored).toEqual([]);
  });
});

describe('labels', () => {
  it.each<[string, unknown]>([
    ['{}', []],
    [' { a = "b" } ', [['a', 'b']]],
    [
      '{a="x, y}", b=`raw "q"`}',
      [
        ['a', 'x, y}'],
        ['b', 'raw "q"'],
      ],
    ],
    ['{a="b",}', undefined],
    ['{a="b" c="d"}', undefined],
    ['{1a="b"}', undefined],
    ['{a="\\q"}', undefined],
    ['{a="b"} x', undefined],
    ['', undefined],
  ])('of %s', (text, labels) => expect(parseLokiLabels(text)).toEqual(labels));
});

describe('a Snappy block', () => {
  it('repeats what it copies from itself', () => {
    // 'ab' and a copy of 10 bytes from 2 back; then one of 4 bytes by each of the three kinds of offset.
    const block = Buffer.from([24, 1 << 2, 0x61, 0x62, (9 << 2) | 2, 2, 0, (0 << 2) | 1, 2, (3 << 2) | 2, 4, 0, (3 << 2) | 3, 4, 0, 0, 0]);
    expect(decompressSnappy(block, 100).toString()).toBe('ab'.repeat(12));
  });

  it('holds literals longer than 60 bytes', () => {
    const text = Buffer.alloc(70_000, 'xyz');
    const length = Buffer.alloc(2);
    length.writeUInt16LE(65_535);
    const block = Buffer.concat([
      varint(70_000n),
      Buffer.from([61 << 2]),
      length,
      text.subarray(0, 65_536),
      Buffer.from([61 << 2]),
      Buffer.from([0x6f, 0x11]),
      text.subarray(65_536),
    ]);
    expect(decompressSnappy(block, 100_000).equals(text)).toBe(true);
  });
});
