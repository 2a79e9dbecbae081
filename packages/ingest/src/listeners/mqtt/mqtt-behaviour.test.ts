import { TocsinError } from '@tocsin/core';
import type { Packet } from 'mqtt-packet';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MqttClient, type MqttClientOptions } from '../../../test/mqtt-client.ts';
import { openMqttForTest } from '../../../test/mqtt-listener-fixture.ts';
import { createRandom } from '../../../test/seeded-random.ts';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { CONTRACT_TOKEN, CONTRACT_SOURCE as ME } from '../contract/listener-driver.ts';
import type { Listener, ListenerContext } from '../listener.ts';

let intake: ContractIntake;
let listener: Listener;
let port: number;
const clients: MqttClient[] = [];

async function start(more: object = {}, context: Partial<ListenerContext> = {}): Promise<void> {
  intake = new ContractIntake();
  ({ listener, port } = await openMqttForTest({ ...intake.context('/nowhere'), ...context }, more));
}

async function open(version: 4 | 5, more: Partial<MqttClientOptions> = {}): Promise<MqttClient> {
  const client = await MqttClient.open({ port, version, password: CONTRACT_TOKEN, ...more });
  clients.push(client);
  return client;
}

const of =
  (cmd: string, messageId?: number) =>
  (packet: Packet): boolean =>
    packet.cmd === cmd && (messageId === undefined || packet.messageId === messageId);
const reasonOf = (packet: Packet | undefined): number | undefined => (packet as { reasonCode?: number } | undefined)?.reasonCode;

beforeEach(() => start());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.drop();
  await listener[Symbol.asyncDispose]();
});

describe('publishing as another', () => {
  test.each(['other/log', ME, `${ME}x/log`, '/', `x/${ME}/log`])('%s is refused in version 5 and not stored', async (topic) => {
    const client = await open(5);
    client.publish(topic, 'canary');
    expect(reasonOf(await client.hears(of('puback')))).toBe(0x87);
    client.publish(`${ME}/log`, 'mine', { messageId: 2 });
    expect(reasonOf(await client.hears(of('puback', 2)))).toBe(0);
    expect(intake.stored).toEqual(['mine']);
    expect(intake.counts.refused.get('listener.topic_forbidden')).toBe(1);
  });

  test('version 3.1.1 is disconnected without an answer, as is QoS 0 in version 5', async () => {
    const old = await open(4);
    old.publish('other/log', 'canary');
    await old.closed;
    expect(old.heard.map(({ cmd }) => cmd)).toEqual(['connack']);
    const quick = await open(5);
    quick.publish('other/log', 'canary', { qos: 0 });
    await quick.closed;
    expect(reasonOf(quick.heard.find(of('disconnect')))).toBe(0x87);
    expect(intake.stored).toEqual([]);
  });

  test('by an alias, a will or a subscription is refused too', async () => {
    const client = await open(5);
    client.publish('other/log', 'canary', { properties: { topicAlias: 1 } });
    client.publish('', 'canary', { messageId: 2, properties: { topicAlias: 1 } });
    expect(reasonOf(await client.hears(of('puback', 2)))).toBe(0x87);
    const will = { topic: 'other/gone', payload: Buffer.from('canary'), qos: 1 as const, retain: false };
    const left = await open(5, { connect: { will } });
    expect(reasonOf(left.heard[0])).toBe(0x87);
    client.send({
      cmd: 'subscribe',
      messageId: 3,
      subscriptions: ['#', 'other/#', '+/log', `$share/g/${ME}/#`, `${ME}/a#`].map((topic) => ({ topic, qos: 1 })),
    });
    const suback = (await client.hears(of('suback'))) as { granted: number[] } | undefined;
    expect(suback?.granted).toEqual([0x87, 0x87, 0x87, 0x9e, 0x8f]);
    expect(intake.stored).toEqual([]);
  });
});

describe('a message sent again', () => {
  test('is stored once, also when the first answer was given', async () => {
    const client = await open(4, { clientId: 'd1' });
    client.publish(`${ME}/log`, 'once');
    await client.hears(of('puback'));
    await client.drop();
    const again = await open(4, { clientId: 'd1' });
    again.publish(`${ME}/log`, 'once', { dup: true });
    expect(await again.hears(of('puback'))).toBeDefined();
    expect(intake.stored).toEqual(['once']);
    expect(intake.counts.duplicate).toBe(1);
  });

  test('what is said twice, not sent again, is stored twice', async () => {
    for (let round = 0; round < 2; round++) {
      const client = await open(4, { clientId: 'd1' });
      client.publish(`${ME}/log`, 'the same');
      await client.hears(of('puback'));
      await client.drop();
    }
    expect(intake.stored).toEqual(['the same', 'the same']);
  });

  test('at QoS 2 is stored once until it is released', async () => {
    const client = await open(5);
    for (const dup of [false, true]) client.publish(`${ME}/log`, 'once', { qos: 2, dup });
    await eventually(
      () => client.heard.filter(of('pubrec')).length === 2,
      () => 'two PUBREC',
    );
    client.send({ cmd: 'pubrel', messageId: 1 });
    expect(reasonOf(await client.hears(of('pubcomp')))).toBe(0);
    client.send({ cmd: 'pubrel', messageId: 9 });
    expect(reasonOf(await client.hears(of('pubcomp', 9)))).toBe(0x92);
    expect(intake.stored).toEqual(['once']);
  });
});

describe('overload', () => {
  test('is 0x97 in version 5; version 3.1.1 gets no answer and is closed', async () => {
    const full = new TocsinError('ingest.overloaded', { waitingBytes: 1, maxBytes: 1 });
    await listener[Symbol.asyncDispose]();
    await start({}, { emit: () => Promise.reject(full) });
    const client = await open(5);
    client.publish(`${ME}/log`, 'later');
    expect(reasonOf(await client.hears(of('puback')))).toBe(0x97);
    const old = await open(4);
    old.publish(`${ME}/log`, 'later');
    await old.closed;
    expect(old.heard.map(({ cmd }) => cmd)).toEqual(['connack']);
    expect(client.socket.closed).toBe(false);
  });

  test('no more than Receive Maximum is on its way, and the rest comes afterwards in order', async () => {
    await listener[Symbol.asyncDispose]();
    await start({ receiveMaximum: 4 });
    intake.block();
    const client = await open(4);
    for (let i = 1; i <= 20; i++) client.publish(`${ME}/log`, `m${i}`, { messageId: i });
    await eventually(
      () => intake.heldBytes > 0,
      () => 'messages on their way',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(intake.heldBytes).toBe('m1m2m3m4'.length);
    intake.release();
    await client.hears(of('puback', 20));
    const ids = client.heard.filter(of('puback')).map(({ messageId }) => messageId);
    expect(ids).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  });
});

test('a source that was revoked publishes no more over an open connection, and leaves no will', async () => {
  let isRevoked = false;
  await listener[Symbol.asyncDispose]();
  intake = new ContractIntake();
  const context = intake.context('/nowhere');
  const authenticate = (token: string | undefined): ReturnType<ListenerContext['authenticate']> =>
    isRevoked ? Promise.reject(new TocsinError('auth.refused', { reason: 'revoked' })) : context.authenticate(token);
  let nowMs = 0;
  const clock = { ...context.clock, nowMs: () => Date.now(), monotonicMs: () => nowMs };
  ({ listener, port } = await openMqttForTest({ ...context, authenticate, clock }));
  const will = { topic: `${ME}/gone`, payload: Buffer.from('canary'), qos: 1 as const, retain: false };
  const client = await open(5, { connect: { will } });
  client.publish(`${ME}/log`, 'before');
  await client.hears(of('puback'));
  isRevoked = true;
  nowMs = 2000;
  client.publish(`${ME}/log`, 'canary', { messageId: 2 });
  await client.closed;
  expect(reasonOf(client.heard.find(of('disconnect')))).toBe(0x87);
  await eventually(
    () => intake.counts.refused.get('auth.refused') === 2,
    () => 'connection and will refused',
  );
  expect(intake.stored).toEqual(['before']);
});

test('a source that was revoked is disconnected though it says nothing, and hears no more', async () => {
  let isRevoked = false;
  await listener[Symbol.asyncDispose]();
  intake = new ContractIntake();
  const context = intake.context('/nowhere');
  const authenticate = (token: string | undefined): ReturnType<ListenerContext['authenticate']> =>
    isRevoked ? Promise.reject(new TocsinError('auth.refused', { reason: 'revoked' })) : context.authenticate(token);
  ({ listener, port } = await openMqttForTest({ ...context, authenticate }));
  const client = await open(5);
  client.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/#`, qos: 1 }] });
  await client.hears(of('suback'));
  isRevoked = true;
  await client.closed;
  expect(reasonOf(client.heard.find(of('disconnect')))).toBe(0x87);
  expect(intake.counts.refused.get('auth.refused')).toBe(1);
});

test('a source whose message is refused for who it is, is disconnected and gets no answer to it', async () => {
  await listener[Symbol.asyncDispose]();
  intake = new ContractIntake();
  const context = intake.context('/nowhere');
  const emit = (): never => {
    throw new TocsinError('auth.refused', { reason: 'revoked' });
  };
  ({ listener, port } = await openMqttForTest({ ...context, emit: async () => emit() }));
  const client = await open(5);
  client.publish(`${ME}/log`, 'canary');
  await client.closed;
  expect(reasonOf(client.heard.find(of('disconnect')))).toBe(0x87);
  expect(client.heard.find(of('puback'))).toBeUndefined();
  expect(intake.stored).toEqual([]);
});

describe('wills', () => {
  const will = { topic: `${ME}/gone`, payload: Buffer.from('gone'), qos: 1 as const, retain: true };

  test('are stored when a device goes without a word, delivered and retained', async () => {
    const listening = await open(4);
    listening.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/#`, qos: 1 }] });
    await listening.hears(of('suback'));
    const client = await open(5, { connect: { will } });
    await client.drop();
    const heard = (await listening.hears(of('publish'))) as { topic: string; payload: Buffer; retain: boolean } | undefined;
    expect([heard?.topic, heard?.payload.toString(), heard?.retain]).toEqual([`${ME}/gone`, 'gone', false]);
    expect(intake.stored).toEqual(['gone']);
    const later = await open(4);
    later.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/gone`, qos: 0 }] });
    expect(((await later.hears(of('publish'))) as { retain: boolean } | undefined)?.retain).toBe(true);
  });

  test('are not stored when it says goodbye', async () => {
    const client = await open(4, { connect: { will } });
    client.send({ cmd: 'disconnect' });
    await client.closed;
    const next = await open(4);
    next.publish(`${ME}/log`, 'next');
    await next.hears(of('puback'));
    expect(intake.stored).toEqual(['next']);
  });

  test('wait for their delay, and are dropped when the device is back', async () => {
    const properties = { sessionExpiryInterval: 100 };
    const patient = { ...will, properties: { willDelayInterval: 50 } };
    const client = await open(5, { clientId: 'd1', connect: { will: patient, properties } });
    await client.drop();
    const back = await open(5, { clientId: 'd1', connect: { clean: false, properties } });
    expect((back.heard[0] as { sessionPresent: boolean }).sessionPresent).toBe(true);
    back.send({ cmd: 'disconnect' });
    await back.closed;
    await listener[Symbol.asyncDispose]();
    expect(intake.stored).toEqual([]);
  });
});

describe('downlink', () => {
  const kept = { connect: { clean: false } };

  test('messages at QoS 1 wait for a device that is away, and are sent again until acknowledged', async () => {
    const device = await open(4, { clientId: 'd1', ...kept });
    device.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/down/+`, qos: 1 }] });
    await device.hears(of('suback'));
    await device.drop();
    const operator = await open(5);
    operator.publish(`${ME}/down/a`, 'reboot');
    await operator.hears(of('puback'));
    const back = await open(4, { clientId: 'd1', ...kept });
    const first = (await back.hears(of('publish'))) as { messageId: number; dup: boolean; payload: Buffer };
    expect([first.dup, first.payload.toString()]).toEqual([false, 'reboot']);
    await back.drop();
    const again = await open(4, { clientId: 'd1', ...kept });
    expect(((await again.hears(of('publish'))) as { dup: boolean }).dup).toBe(true);
    again.send({ cmd: 'puback', messageId: first.messageId });
    again.send({ cmd: 'pingreq' });
    await again.hears(of('pingresp'));
    await again.drop();
    const last = await open(4, { clientId: 'd1', ...kept });
    last.send({ cmd: 'pingreq' });
    await last.hears(of('pingresp'));
    expect(last.heard.some(of('publish'))).toBe(false);
  });

  test('a queue is bounded, and what finds no room is counted', async () => {
    await listener[Symbol.asyncDispose]();
    await start({ maxQueuedMessages: 3 });
    const device = await open(4, { clientId: 'd1', ...kept });
    device.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/#`, qos: 1 }] });
    await device.hears(of('suback'));
    await device.drop();
    const operator = await open(4);
    for (let i = 1; i <= 5; i++) operator.publish(`${ME}/down/a`, `m${i}`, { messageId: i });
    await operator.hears(of('puback', 5));
    expect(intake.counts.refused.get('listener.downlink_full')).toBe(2);
  });

  test('a second connection takes the session of the first', async () => {
    const first = await open(5, { clientId: 'd1' });
    await open(5, { clientId: 'd1' });
    await first.closed;
    expect(reasonOf(first.heard.find(of('disconnect')))).toBe(0x8e);
  });
});

describe('hostile packets', () => {
  const connect = (bytes: number[]): Buffer => Buffer.from([0x10, bytes.length, ...bytes]);
  const before: [string, () => Buffer][] = [
    ['HTTP', () => Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a length that never ends', () => Buffer.from([0x10, 0xff, 0xff, 0xff, 0xff, 0xff])],
    ['a CONNECT of 256 MB', () => Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f])],
    ['PUBLISH first', () => Buffer.from([0x30, 4, 0, 1, 97, 98])],
    ['another version', () => connect([0, 4, 77, 81, 84, 84, 9, 2, 0, 0, 0, 0])],
    ['a reserved flag', () => connect([0, 4, 77, 81, 84, 84, 4, 3, 0, 0, 0, 0])],
    ['an empty identifier that is to be kept', () => connect([0, 4, 77, 81, 84, 84, 4, 0, 0, 0, 0, 0])],
    ['a name longer than its packet', () => connect([0xff, 0xff, 77, 81])],
    ['nothing in it', () => connect([])],
  ];
  test.each(before)('%s instead of CONNECT closes, and nobody else is harmed', async (_, make) => {
    const good = await open(4);
    const bad = MqttClient.raw({ port, version: 4 });
    bad.socket.write(make());
    await bad.closed;
    good.publish(`${ME}/log`, 'good');
    expect(await good.hears(of('puback'))).toBeDefined();
    expect(intake.stored).toEqual(['good']);
  });

  const after: [string, number[], number][] = [
    ['a second CONNECT', [0x10, 13, 0, 4, 77, 81, 84, 84, 5, 2, 0, 0, 0, 0, 0], 0x82],
    ['QoS 3', [0x36, 5, 0, 1, 97, 0, 1], 0x81],
    ['packet identifier 0', [0x32, 6, 0, 1, 97, 0, 0, 0], 0x81],
    ['no packet identifier', [0x32, 3, 0, 1, 97], 0x81],
    ['a topic with a wildcard', [0x30, 4, 0, 1, 35, 0], 0x90],
    ['a topic with NUL', [0x30, 4, 0, 1, 0, 0], 0x90],
    ['an alias over the maximum', [0x30, 7, 0, 1, 97, 3, 0x23, 0xff, 0xff], 0x94],
    ['an unknown property', [0x30, 6, 0, 1, 97, 2, 0x7f, 0], 0x81],
    ['properties longer than their packet', [0x30, 5, 0, 1, 97, 0x7f, 0x01], 0x81],
    ['a packet over the maximum', [0x30, 0xff, 0xff, 0x7f], 0x95],
    ['SUBSCRIBE without a filter', [0x82, 3, 0, 1, 0], 0x82],
    ['CONNACK from a client', [0x20, 3, 0, 0, 0], 0x82],
    ['AUTH', [0xf0, 2, 0x18, 0], 0x82],
    ['PUBREL with wrong flags', [0x60, 2, 0, 1], 0x81],
  ];
  test.each(after)('%s ends the connection with its reason', async (_, bytes, reason) => {
    const client = await open(5);
    client.socket.write(Buffer.from(bytes));
    await client.closed;
    expect(reasonOf(client.heard.find(of('disconnect')))).toBe(reason);
    expect(intake.stored).toEqual([]);
    expect([...intake.counts.rejected.values()]).toEqual([1]);
  });

  test('more user properties than any device needs', async () => {
    const client = await open(5);
    client.publish(`${ME}/log`, 'x', { properties: { userProperties: { a: Array.from({ length: 100 }, () => 'b') } } });
    await client.closed;
    expect(reasonOf(client.heard.find(of('disconnect')))).toBe(0x83);
  });

  test('who is slow to say who it is, or to finish a packet, is closed', async () => {
    await listener[Symbol.asyncDispose]();
    await start({ stallTimeout: '200ms' });
    const silent = MqttClient.raw({ port, version: 4 });
    const slow = await open(4);
    slow.socket.write(Buffer.from([0x30, 100, 0]));
    await Promise.all([silent.closed, slow.closed]);
    expect(intake.counts.refused.get('listener.stalled')).toBe(2);
  });

  test('who breaks its own keep alive is closed, who pings is not', async () => {
    const client = await open(5, { connect: { keepalive: 1 } });
    const alive = await open(5, { connect: { keepalive: 1 } });
    const pinging = setInterval(() => alive.send({ cmd: 'pingreq' }), 300);
    await client.closed;
    clearInterval(pinging);
    expect(reasonOf(client.heard.find(of('disconnect')))).toBe(0x8d);
    expect(alive.socket.closed).toBe(false);
  });

  test('random bytes and random cuts never end anything but their connection', async () => {
    const random = createRandom(7);
    const good = [0x32, 18, 0, 12, ...Buffer.from(`${ME}/log`), 0, 1, 0, 120];
    for (let round = 0; round < 300; round++) {
      const client = await MqttClient.open({ port, version: 5, password: CONTRACT_TOKEN });
      const bytes = Buffer.from([...good, ...good]);
      for (let i = 0; i < 3; i++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256);
      const cut = Math.floor(random() * bytes.length);
      client.socket.write(bytes.subarray(0, cut));
      client.socket.end(bytes.subarray(cut));
      await client.closed;
    }
    const next = await open(4);
    next.publish(`${ME}/log`, 'good');
    expect(await next.hears(of('puback'))).toBeDefined();
  }, 60_000);
});
