/** Foreign producers of a running server: let in and out without a restart, known again after one, and held to their own subject. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterEach, beforeEach, test } from 'vitest';
import { serverSearchPath } from '../../../test/server-search-path.ts';
import { openNatsBus } from '../nats-bus.ts';
import { createUserKey, nkeyAuthenticator, type UserKey } from '../nkey.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';
import { producerInbox } from './producers.ts';

const IN = 'tocsin.in.*.*';
const TOPOLOGY = {
  streams: [
    {
      name: 'IN',
      subjects: [IN],
      maxAgeMs: 0,
      maxBytes: -1,
      maxPerSubject: 0,
      dedupWindowMs: 100,
      retention: 'work_queue',
      isForeign: true,
    },
    { name: 'ALERTS', subjects: ['tocsin.alerts.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 1000 },
  ],
  buckets: [],
} as const;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-producers-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const start = (): Promise<NatsServer> =>
  startNatsServer({
    directory,
    site: 'test-site',
    binary: { path: serverSearchPath },
    duties: { reader: { publish: ['tocsin.alerts.>'], subscribe: [IN, 'tocsin.alerts.>'] } },
    topology: TOPOLOGY,
    doorSubjects: IN,
    log: () => undefined,
  });
const open = (server: NatsServer, duty: string) =>
  openNatsBus({ servers: server.url, credential: server.credential(duty), site: 'test-site', name: duty, commitTimeoutMs: 3_000 });
const enter = (server: NatsServer, key: UserKey): Promise<NatsConnection> =>
  connect({
    servers: server.url,
    authenticator: nkeyAuthenticator(key.seed),
    inboxPrefix: producerInbox(key.public),
    reconnect: false,
    timeout: 5000,
  });
const publish = async (connection: NatsConnection, subject: string): Promise<number | undefined> =>
  (await connection.request(subject, 'x', { timeout: 2000 })).json<{ seq?: number }>().seq;

test('a producer is let in while the server runs, writes its own subject only, and is cut off when it is let in no more', async () => {
  await using server = await start();
  await using admin = await open(server, 'admin');
  await admin.ensure(TOPOLOGY);
  await using reader = await open(server, 'reader');
  const [one, two] = [createUserKey(), createUserKey()];
  await assert.rejects(enter(server, one));
  const { pid } = server;
  await server.setProducers([{ key: one.public, subject: 'tocsin.in.t.one' }]);
  const first = await enter(server, one);
  assert.equal(await publish(first, 'tocsin.in.t.one'), 1);
  await assert.rejects(publish(first, 'tocsin.in.t.two'), /[Pp]ermissions/);
  // Answered on a subject of somebody else's stream: the answer would be a message there.
  for (const reply of ['tocsin.alerts.t.x', 'tocsin.in.t.two']) first.publish('tocsin.in.t.one', 'x', { reply });
  await first.flush();
  await server.setProducers([
    { key: one.public, subject: 'tocsin.in.t.one' },
    { key: two.public, subject: 'tocsin.in.t.two' },
  ]);
  assert.equal(await publish(first, 'tocsin.in.t.one'), 4, 'whoever stays stays connected');
  assert.equal((await reader.info('tocsin.alerts.>')).messages, 0);
  await server.setProducers([{ key: two.public, subject: 'tocsin.in.t.two' }]);
  await first.closed();
  const second = await enter(server, two);
  assert.equal(await publish(second, 'tocsin.in.t.two'), 5);
  await assert.rejects(enter(server, one));
  assert.equal(server.pid, pid);
  await second.close();
});

test('producers of the last run can come in before anybody has told the server anew; a damaged list lets nobody in', async () => {
  const key = createUserKey();
  {
    await using server = await start();
    await using admin = await open(server, 'admin');
    await admin.ensure(TOPOLOGY);
    await server.setProducers([{ key: key.public, subject: 'tocsin.in.t.one' }]);
  }
  {
    await using server = await start();
    const connection = await enter(server, key);
    assert.equal(await publish(connection, 'tocsin.in.t.one'), 1);
    await connection.close();
  }
  writeFileSync(join(directory, 'producers.json'), '[{"key":"Ux","subject":"> }"}]');
  await using server = await start();
  await assert.rejects(enter(server, key));
});

test('a key that is none, and a subject with wildcards, are refused before anything is written', async () => {
  await using server = await start();
  await assert.rejects(server.setProducers([{ key: 'U", permissions: {}', subject: 'tocsin.in.t.one' }]), { code: 'server.bad_setting' });
  await assert.rejects(server.setProducers([{ key: createUserKey().public, subject: 'tocsin.in.t.>' }]), { code: 'bus.bad_subject' });
});
