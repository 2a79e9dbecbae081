/** What devices left with a listener is there when it is opened again: sessions, what waits for them, retained messages; and within their bounds. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@tocsin/core';
import type { Packet } from 'mqtt-packet';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MqttClient, type MqttClientOptions } from '../../../test/mqtt-client.ts';
import { openMqttForTest } from '../../../test/mqtt-listener-fixture.ts';
import { ContractIntake, eventually } from '../contract/contract-intake.ts';
import { CONTRACT_TOKEN, CONTRACT_SOURCE as ME } from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';

let folder = '';
let listener: Listener | undefined;
let intake: ContractIntake;
let port = 0;
let aheadMs = 0;
const clients: MqttClient[] = [];

async function start(more: object = {}, stateDir = folder): Promise<void> {
  intake = new ContractIntake();
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + aheadMs, monotonicMs: () => systemClock.monotonicMs() };
  ({ listener, port } = await openMqttForTest({ ...intake.context(stateDir), clock }, { keepSessions: true, ...more }));
}

async function stop(): Promise<void> {
  for (const client of clients.splice(0)) await client.drop();
  await listener?.[Symbol.asyncDispose]();
  listener = undefined;
}

async function open(clientId: string, more: Partial<MqttClientOptions> = {}): Promise<MqttClient> {
  const kept = { clientId, connect: { clean: false, properties: { sessionExpiryInterval: 3600 } } };
  const client = await MqttClient.open({ port, version: 5, password: CONTRACT_TOKEN, ...kept, ...more });
  clients.push(client);
  return client;
}

const of =
  (cmd: string) =>
  (packet: Packet): boolean =>
    packet.cmd === cmd;
const heardBy = (client: MqttClient): string[] =>
  client.heard.flatMap((packet) =>
    packet.cmd === 'publish' ? [`${packet.topic}=${String(packet.payload)}${packet.dup ? ' again' : ''}`] : [],
  );
const isPresent = (client: MqttClient): boolean => client.heard.some((packet) => packet.cmd === 'connack' && packet.sessionPresent);

beforeEach(() => {
  aheadMs = 0;
  folder = mkdtempSync(join(tmpdir(), 'tocsin-mqtt-'));
});
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** One device that has subscribed and gone, and messages published for it since. */
async function leaveMessages(): Promise<void> {
  const sleeper = await open('sleeper');
  sleeper.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/orders/#`, qos: 1 }] });
  await sleeper.hears(of('suback'));
  const talker = await open('talker');
  talker.publish(`${ME}/orders/1`, 'unacknowledged', { messageId: 1 });
  await sleeper.hears(of('publish'));
  await sleeper.drop();
  talker.publish(`${ME}/orders/2`, 'waiting', { messageId: 2 });
  talker.publish(`${ME}/state`, 'retained', { messageId: 3, retain: true });
  await eventually(
    () => intake.stored.length === 3,
    () => intake.stored.join(),
  );
  await eventually(
    () => talker.heard.filter(of('puback')).length === 3,
    () => 'three PUBACKs',
  );
}

test('a session, what waits for it and what is retained are there after a restart', async () => {
  await start();
  await leaveMessages();
  await stop();
  await start();
  const back = await open('sleeper');
  await eventually(
    () => heardBy(back).length === 2,
    () => heardBy(back).join(),
  );
  expect(heardBy(back)).toEqual([`${ME}/orders/1=unacknowledged again`, `${ME}/orders/2=waiting`]);
  expect(isPresent(back)).toBe(true);
  for (const packet of back.heard) if (packet.cmd === 'publish') back.send({ cmd: 'puback', messageId: packet.messageId ?? 0 });
  back.send({ cmd: 'subscribe', messageId: 9, subscriptions: [{ topic: `${ME}/state`, qos: 1 }] });
  await eventually(
    () => heardBy(back).length === 3,
    () => heardBy(back).join(),
  );
  await stop();
  await start();
  const again = await open('sleeper');
  await again.hears(of('publish'));
  // Acknowledged ones are not sent again; the retained one was not acknowledged.
  expect(heardBy(again)).toEqual([`${ME}/state=retained again`]);
});

test('killed, the same: what was written is there without an orderly end', async () => {
  await start();
  await leaveMessages();
  const copy = mkdtempSync(join(tmpdir(), 'tocsin-mqtt-copy-'));
  cpSync(folder, copy, { recursive: true });
  await stop();
  await start({}, copy);
  const back = await open('sleeper');
  await eventually(
    () => heardBy(back).length === 2,
    () => heardBy(back).join(),
  );
  await stop();
  rmSync(copy, { recursive: true });
});

test('a message at QoS 2 that was not released is not stored twice over a restart', async () => {
  await start();
  const device = await open('exact');
  device.publish(`${ME}/log`, 'once', { messageId: 5, qos: 2 });
  await device.hears(of('pubrec'));
  await device.drop();
  await stop();
  await start();
  const back = await open('exact');
  back.publish(`${ME}/log`, 'once', { messageId: 5, qos: 2, dup: true });
  await back.hears(of('pubrec'));
  back.send({ cmd: 'pubrel', messageId: 5 });
  await back.hears(of('pubcomp'));
  expect(intake.stored).toEqual([]);
});

test('sessions end on time while nothing runs, clean ones and those of no expiry are not kept, bounds hold', async () => {
  await start();
  await leaveMessages();
  const brief = await open('brief', { connect: { clean: true } });
  brief.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${ME}/orders/#`, qos: 1 }] });
  await brief.hears(of('suback'));
  await stop();
  await start({ maxQueuedMessages: 1, maxRetainedMessages: 0 });
  expect(intake.counts.refused.get('listener.downlink_full')).toBe(2);
  await stop();
  aheadMs = 2 * 3_600_000;
  await start();
  const back = await open('sleeper');
  expect([isPresent(back), heardBy(back)]).toEqual([false, []]);
});

test('a store that is damaged is told at the start, and nothing is thrown away', async () => {
  writeFileSync(join(folder, 'sessions.sqlite'), 'no database at all, and long enough to be looked at as one'.repeat(100));
  await expect(start()).rejects.toMatchObject({ code: 'listener.cannot_open' });
});
