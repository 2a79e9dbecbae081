import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { decodeMulti, decodeMultiStream, ExtData, encode } from '@msgpack/msgpack';
import { readSettings } from '@tocsin/core/setting';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { listenerCases, runListenerCase } from '../contract/listener-cases.ts';
import {
  CONTRACT_RECORD_BYTES,
  CONTRACT_SOURCE,
  type ListenerClient,
  type ListenerDriver,
  type SendOutcome,
} from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';
import { forwardKind } from './forward-listener.ts';
import { forwardSettings } from './forward-settings.ts';

const KEY = 'a shared key';
const KEYED = { senders: { one: { source: CONTRACT_SOURCE, sharedKey: KEY, username: 'ann', password: 'secret' } } };
const BOUND = { sources: { one: { source: CONTRACT_SOURCE, peers: ['127.0.0.1'] } } };

function settings(more: object): ReturnType<typeof readSettings<typeof forwardSettings>> {
  const limits = { maxRecordBytes: CONTRACT_RECORD_BYTES, maxMessageBytes: 1 << 20, maxInflatedBytes: 1 << 20 };
  const inFlight = { maxInFlightBytes: 1 << 20, maxInFlightBytesPerConnection: 1 << 20 };
  return readSettings(forwardSettings, { port: 0, ...limits, ...inFlight, ...more }, { file: 'test' });
}

/** A client that speaks the protocol from its specification. */
class ForwardClient implements ListenerClient {
  readonly socket: Socket;
  readonly closed: Promise<'refused'>;
  readonly #acks = new Map<string, () => void>();
  readonly answers: unknown[] = [];

  constructor(port: number, localAddress = '127.0.0.1') {
    this.socket = connect({ host: '127.0.0.1', port, localAddress });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve('refused')));
    this.socket.on('error', () => this.socket.destroy());
    void this.#listen().catch(() => 'the connection broke, which `closed` tells');
  }

  async #listen(): Promise<void> {
    for await (const answer of decodeMultiStream(this.socket)) {
      this.answers.push(answer);
      const { ack } = answer as { ack?: string };
      if (ack !== undefined) this.#acks.get(ack)?.();
    }
  }

  async shakeHands(sharedKey: string, password = 'secret'): Promise<unknown[]> {
    await eventually(
      () => this.answers.length > 0,
      () => 'HELO',
    );
    const [, { nonce, auth }] = this.answers[0] as [string, { nonce: Uint8Array; auth: Uint8Array }];
    const salt = randomBytes(16);
    const digest = createHash('sha512').update(salt).update('client.example').update(nonce).update(sharedKey).digest('hex');
    const user = createHash('sha512').update(auth).update('ann').update(password).digest('hex');
    this.socket.write(encode(['PING', 'client.example', salt, digest, 'ann', user]));
    await eventually(
      () => this.answers.length > 1 || this.socket.destroyed,
      () => 'PONG',
    );
    return (this.answers[1] ?? []) as unknown[];
  }

  async send(texts: readonly string[]): Promise<SendOutcome> {
    const chunk = createHash('md5').update(texts.join()).digest('base64');
    const acked = new Promise<'acknowledged'>((resolve) => this.#acks.set(chunk, () => resolve('acknowledged')));
    this.socket.write(encode(['tag', texts.map((text) => [1_700_000_000, { m: `|${text}` }]), { chunk }]));
    return Promise.race([acked, this.closed]);
  }

  async sendGarbage(): Promise<void> {
    this.socket.write(Buffer.from([0x92, 0xc1, 0xff, 0x00]));
    await this.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.end();
    this.socket.resume();
    await this.closed;
  }
}

function driver(name: string, how: object): ListenerDriver {
  return {
    name: `forward, ${name}`,
    acknowledges: true,
    mayDrop: false,
    keepsIds: true,
    async open(context) {
      const listener = await forwardKind.open(settings(how), context);
      return {
        listener,
        async connect(as) {
          const isKeyed = 'senders' in how;
          const client = new ForwardClient(portOf(listener), as === 'stranger' && !isKeyed ? '127.0.0.2' : '127.0.0.1');
          await Promise.race([once(client.socket, 'connect'), client.closed]);
          if (isKeyed) await client.shakeHands(as === 'known' ? KEY : 'another key');
          return client;
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  };
}

function portOf(listener: Listener): number {
  return Number(new URL(listener.address).port);
}

describe.each([driver('known by address', BOUND), driver('known by key', KEYED)].map((each) => [each.name, each] as const))(
  '%s',
  (_, each) => {
    test.each(listenerCases.map((one) => [one.name, one] as const))('%s', (_name, one) => runListenerCase(one, each));
  },
);

describe('messages', () => {
  let intake: ContractIntake;
  let listener: Listener;
  beforeEach(async () => {
    intake = new ContractIntake();
    listener = await forwardKind.open(settings(BOUND), intake.context('/nowhere'));
  });
  afterEach(() => listener[Symbol.asyncDispose]());

  const entry = (record: unknown, time: unknown = 1_700_000_000): Uint8Array => encode([time, record]);
  const joined = (...parts: Uint8Array[]): Uint8Array => Buffer.concat(parts);

  test.each<[string, () => Uint8Array, string[]]>([
    ['Message', () => encode(['t', 1_700_000_000, { a: 1 }]), ['{"a":1}']],
    ['Message with an option', () => encode(['t', 1_700_000_000, { a: 1 }, { size: 1 }]), ['{"a":1}']],
    [
      'Forward',
      () =>
        encode([
          't',
          [
            [1, { a: 1 }],
            [2, { a: 2 }],
          ],
        ]),
      ['{"a":1}', '{"a":2}'],
    ],
    ['PackedForward', () => encode(['t', joined(entry({ a: 1 }), entry({ a: 2 }))]), ['{"a":1}', '{"a":2}']],
    [
      'PackedForward as text',
      () => Buffer.concat([Buffer.from([0x92, 0xa1, 0x74, 0xa6]), Buffer.from(entry({ a: 1 }, 7)), Buffer.from([0xc0])]).subarray(0, 10),
      ['{"a":1}'],
    ],
    ['gzip', () => encode(['t', gzipSync(joined(entry({ a: 1 }))), { compressed: 'gzip' }]), ['{"a":1}']],
    [
      'gzip of several parts',
      () => encode(['t', joined(gzipSync(entry({ a: 1 })), gzipSync(entry({ a: 2 }))), { compressed: 'gzip' }]),
      ['{"a":1}', '{"a":2}'],
    ],
    ['zstd', () => encode(['t', zstdCompressSync(joined(entry({ a: 1 }))), { compressed: 'zstd' }]), ['{"a":1}']],
    [
      'EventTime',
      () => encode(['t', [[new ExtData(0, new Uint8Array([0x65, 0x53, 0xf1, 0, 0x1d, 0xcd, 0x65, 0])), { a: 1 }]]]),
      ['{"a":1}'],
    ],
    ['time with metadata', () => encode(['t', [[[1, { x: 1 }], { a: 1 }]]]), ['{"a":1}']],
    [
      'numbers of 64 bits and bytes',
      () => encode(['t', 1, { n: 9007199254740993n, b: new Uint8Array([104, 105]), f: 1.5 }], { useBigInt64: true }),
      ['{"n":9007199254740993,"b":"hi","f":1.5}'],
    ],
    ['a keep-alive before it', () => joined(encode(null), encode(['t', 1, { a: 1 }])), ['{"a":1}']],
  ])('%s', async (_, make, expected) => {
    const client = new ForwardClient(portOf(listener));
    client.socket.write(make());
    await eventually(
      () => intake.stored.length >= expected.length,
      () => `${expected.length} stored; ${intake.troubles.join()}`,
    );
    expect(intake.stored).toEqual(expected);
    await client[Symbol.asyncDispose]();
  });

  test('a bad entry spoils no other: it is rejected and counted', async () => {
    const client = new ForwardClient(portOf(listener));
    const poison = Buffer.concat([Buffer.from([0x92, 0x01, 0x81, 0xa9]), Buffer.from('__proto__'), Buffer.from([0x01])]);
    client.socket.write(encode(['t', joined(entry({ a: 1 }), poison, entry('no map'), entry({ a: 2 })), { chunk: 'c1' }]));
    await eventually(
      () => client.answers.length > 0,
      () => 'the chunk acknowledged',
    );
    expect(client.answers).toEqual([{ ack: 'c1' }]);
    expect(intake.stored).toEqual(['{"a":1}', '{"a":2}']);
    expect(Object.fromEntries(intake.counts.rejected)).toEqual({ 'ingest.bad_record': 2 });
    await client[Symbol.asyncDispose]();
  });

  test('a chunk that is sent again after its acknowledgement was lost is stored once', async () => {
    for (let round = 0; round < 2; round++) {
      const client = new ForwardClient(portOf(listener));
      expect(await client.send(['one', 'two'])).toBe('acknowledged');
      await client[Symbol.asyncDispose]();
    }
    expect(intake.stored).toHaveLength(2);
    expect(intake.counts.duplicate).toBe(2);
  });

  test.each<[string, () => Uint8Array, string]>([
    [
      'a message over the limit',
      () => Buffer.from([0x92, 0xa1, 0x74, 0xc6, 0x7f, 0xff, 0xff, 0xff, ...new Uint8Array(2 << 20)]),
      'decode.too_large',
    ],
    [
      'an array that claims four thousand million values',
      () => Buffer.concat([Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff]), Buffer.alloc(2 << 20)]),
      'decode.too_large',
    ],
    [
      'a compressed message that is a bomb',
      () => encode(['t', gzipSync(Buffer.alloc(64 << 20)), { compressed: 'gzip' }]),
      'decode.too_large',
    ],
    ['what is no gzip', () => encode(['t', Buffer.from('nonsense'), { compressed: 'gzip' }]), 'listener.bad_frame'],
    ['another compression', () => encode(['t', Buffer.from('x'), { compressed: 'lz4' }]), 'listener.bad_frame'],
    ['a map', () => encode({ a: 1 }), 'listener.bad_frame'],
    ['a tag that is none', () => encode([7, 1, { a: 1 }]), 'listener.bad_frame'],
    ['text of HTTP', () => Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'listener.bad_frame'],
    [
      'a nest deeper than any stack',
      () => Buffer.concat([Buffer.from([0x93, 0xa1, 0x74, 1, 0x81, 0xa1, 0x61]), Buffer.alloc(200_000, 0x91), Buffer.from([1])]),
      'ingest.bad_record',
    ],
  ])('%s is refused and counted, and nobody else is harmed', async (_, make, code) => {
    const client = new ForwardClient(portOf(listener));
    client.socket.write(make());
    await eventually(
      () => intake.counts.rejected.size > 0,
      () => 'the message counted',
    );
    expect([...intake.counts.rejected.keys()]).toEqual([code]);
    const next = new ForwardClient(portOf(listener));
    expect(await next.send(['good'])).toBe('acknowledged');
    await next[Symbol.asyncDispose]();
    client.socket.destroy();
  });

  test('random bytes and random cuts never end anything but their connection', async () => {
    const good = encode(['t', [[1, { a: 'text' }]], { chunk: 'k' }]);
    const place = fc.nat(good.length - 1);
    const changes = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 3, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(changes, place, async (changed, cut) => {
        const client = new ForwardClient(portOf(listener));
        const bytes = Buffer.from(good);
        for (const [at, byte] of changed) bytes[at] = byte;
        client.socket.write(bytes.subarray(0, cut));
        client.socket.end(bytes.subarray(cut));
        client.socket.resume();
        await client.closed;
      }),
      { numRuns: 300, seed: 3 },
    );
    const next = new ForwardClient(portOf(listener));
    expect(await next.send(['good'])).toBe('acknowledged');
    await next[Symbol.asyncDispose]();
  });
});

test('messages that are never completed fill no memory: who exceeds what all may hold is closed', async () => {
  const intake = new ContractIntake();
  await using listener = await forwardKind.open(settings(BOUND), intake.context('/nowhere'));
  const part = Buffer.concat([Buffer.from([0x92, 0xa1, 0x74, 0xc6, 0, 0x0f, 0, 0]), Buffer.alloc(500_000)]);
  const clients = Array.from({ length: 4 }, () => new ForwardClient(portOf(listener)));
  for (const { socket } of clients) socket.write(part);
  await eventually(
    () => intake.counts.refused.get('ingest.overloaded') === 2,
    () => `2 of 4 closed, not ${intake.counts.refused.get('ingest.overloaded')}`,
  );
  const good = new ForwardClient(portOf(listener));
  expect(await good.send(['good'])).toBe('acknowledged');
  for (const { socket } of [...clients, good]) socket.destroy();
});

test('who dribbles a message is closed, two thousand who say nothing hold up nobody', async () => {
  const intake = new ContractIntake();
  await using listener = await forwardKind.open(
    settings({ ...BOUND, stallTimeout: '300ms', maxConnectionsPerPeer: 4096 }),
    intake.context('/nowhere'),
  );
  const idle = Array.from({ length: 2000 }, () => new ForwardClient(portOf(listener)));
  await eventually(
    () => intake.counts.connections === 2000,
    () => `2000 connections, not ${intake.counts.connections}`,
  );
  const slow = new ForwardClient(portOf(listener));
  const dribble = setInterval(() => slow.socket.write(Buffer.from([0x92])), 50);
  await slow.closed;
  clearInterval(dribble);
  expect(intake.counts.refused.get('listener.stalled')).toBe(1);
  const good = new ForwardClient(portOf(listener));
  expect(await good.send(['good'])).toBe('acknowledged');
  for (const { socket } of [...idle, good]) socket.destroy();
});

test('a key opens its own source only, and a wrong password none', async () => {
  const intake = new ContractIntake();
  await using listener = await forwardKind.open(settings(KEYED), intake.context('/nowhere'));
  const right = new ForwardClient(portOf(listener));
  expect((await right.shakeHands(KEY))[1]).toBe(true);
  const wrong = new ForwardClient(portOf(listener));
  expect((await wrong.shakeHands(KEY, 'guess'))[1]).toBe(false);
  await wrong.closed;
  const silent = new ForwardClient(portOf(listener));
  silent.socket.write(encode(['t', 1, { a: 1 }]));
  await silent.closed;
  expect(intake.stored).toEqual([]);
  expect([...decodeMulti(encode(1))]).toEqual([1]);
  right.socket.destroy();
});
