/** What the server lets duties ask and answer: exactly what is declared, whoever tries it by whatever client. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection, PermissionViolationError, type Status } from '@nats-io/transport-node';
import { afterEach, beforeEach, test } from 'vitest';
import { serverSearchPath } from '../../../test/server-search-path.ts';
import type { CompleteBus, Topology } from '../../event-bus.ts';
import type { AnswerHandler } from '../../request-reply.ts';
import { openNatsBus } from '../nats-bus.ts';
import { nkeyAuthenticator } from '../nkey.ts';
import type { DutyPermissions } from './duty-permissions.ts';
import { type NatsServer, startNatsServer } from './nats-server.ts';

const ALERTS = { name: 'ALERTS', subjects: ['tocsin.alerts.>'], maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 60_000 };
const TOPOLOGY: Topology = { streams: [ALERTS], buckets: [] };
const NONE = { publish: [], subscribe: [] };
const DUTIES: Record<string, DutyPermissions> = {
  asker: { ...NONE, ask: ['tocsin.ask.a'] },
  answerer: { ...NONE, subscribe: ['tocsin.alerts.>'], answer: ['tocsin.ask.*'] },
  other: { publish: ['tocsin.alerts.>'], subscribe: ['tocsin.alerts.>'] },
};
const WAIT = { timeoutMs: 5_000 };
const FORBIDDEN = { code: 'bus.forbidden' };
const body = new TextEncoder().encode('x');
const echo: AnswerHandler = (question) => question;

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-questions-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function start(duties = DUTIES): Promise<NatsServer> {
  return startNatsServer({ directory, site: 'site', binary: { path: serverSearchPath }, duties, topology: TOPOLOGY, log: () => undefined });
}

function open(server: NatsServer, duty: string): Promise<CompleteBus> {
  return openNatsBus({ servers: server.url, credential: server.credential(duty), site: 'site', name: duty });
}

/** A duty's key in a client that keeps to no rule of ours; what the server refuses it is kept. */
async function rawClient(server: NatsServer, duty: string): Promise<{ connection: NatsConnection; refused: string[] } & AsyncDisposable> {
  const { seed, inboxPrefix } = server.credential(duty);
  const connection = await connect({ servers: server.url, authenticator: nkeyAuthenticator(seed), inboxPrefix });
  const refused: string[] = [];
  const note = (status: Status): void => {
    if (status.type === 'error' && status.error instanceof PermissionViolationError)
      refused.push(`${status.error.operation} ${status.error.subject}`);
  };
  const noting = (async () => {
    for await (const status of connection.status()) note(status);
  })();
  return {
    connection,
    refused,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await noting;
    },
  };
}

test('a duty asks and answers what it is declared for, and nothing else', async () => {
  await using server = await start();
  await using asker = await open(server, 'asker');
  await using answerer = await open(server, 'answerer');
  await using other = await open(server, 'other');
  await using _answering = await answerer.answer('tocsin.ask.*', echo);
  assert.deepEqual((await asker.ask({ subject: 'tocsin.ask.a', body }, WAIT)).body, Buffer.from(body));
  await assert.rejects(asker.ask({ subject: 'tocsin.ask.b', body }, WAIT), FORBIDDEN);
  await assert.rejects(asker.answer('tocsin.ask.a', echo), FORBIDDEN);
  await assert.rejects(answerer.ask({ subject: 'tocsin.ask.a', body }, WAIT), FORBIDDEN);
  await assert.rejects(answerer.answer('tocsin.>', echo), FORBIDDEN);
  await assert.rejects(answerer.answer('tocsin.other', echo), FORBIDDEN);
  await assert.rejects(other.ask({ subject: 'tocsin.ask.a', body }, WAIT), FORBIDDEN);
  await assert.rejects(other.answer('tocsin.ask.a', echo), FORBIDDEN);
});

test('what a stream takes can be declared neither asked nor answered', async () => {
  for (const duty of [{ ask: ['tocsin.alerts.a'] }, { answer: ['tocsin.>'] }])
    await assert.rejects(start({ bad: { ...NONE, ...duty } }), { code: 'server.bad_setting' });
});

test('an asker gets nothing written where it may not write itself', async () => {
  await using server = await start();
  await using admin = await open(server, 'admin');
  await admin.ensure(TOPOLOGY);
  await using answerer = await open(server, 'answerer');
  const asked: string[] = [];
  await using _answering = await answerer.answer('tocsin.ask.*', ({ subject, body }) => {
    asked.push(subject);
    return { body };
  });
  await using hostile = await rawClient(server, 'asker');
  for (const reply of ['tocsin.alerts.a', '$JS.API.STREAM.NAMES', '_INBOX_asker.in', 'tocsin.ask.b'])
    hostile.connection.publish('tocsin.ask.a', body, { reply });
  hostile.connection.publish('tocsin.ask.a', body);
  await hostile.connection.request('tocsin.ask.a', body, { timeout: 5_000 });
  assert.deepEqual(asked, ['tocsin.ask.a', 'tocsin.ask.a']);
  await using other = await open(server, 'other');
  assert.equal((await other.info('tocsin.alerts.>')).messages, 0);
});

test('an answerer answers each question once, to whoever asked it, and hears nobody else’s', async () => {
  await using server = await start();
  await using asker = await open(server, 'asker');
  await using hostile = await rawClient(server, 'answerer');
  const { connection, refused } = hostile;
  let last = '';
  connection.subscribe('tocsin.ask.a', {
    queue: 'tocsin-answerers',
    callback: (_error, message) => {
      last = message.reply ?? '';
      message.respond(body);
      message.respond(body);
      connection.publish(`${last}0`, body);
    },
  });
  const heard: string[] = [];
  for (const subject of ['tocsin.ask.a', '_INBOX_asker.>'])
    connection.subscribe(subject, { callback: (error) => void (error ?? heard.push(subject)) });
  await connection.flush();
  // What other programs answer has no mark of ours, and is an answer.
  assert.deepEqual((await asker.ask({ subject: 'tocsin.ask.a', body }, WAIT)).body, Buffer.from(body));
  await connection.flush();
  // What was refused has arrived by now and is told in turns of the event loop.
  for (let turn = 0; turn < 100 && refused.length < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard, []);
  assert.deepEqual(refused, ['subscription tocsin.ask.a', 'subscription _INBOX_asker.>', `publish ${last}`, `publish ${last}0`]);
});
