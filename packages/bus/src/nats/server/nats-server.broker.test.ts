/** The nats-server child: that it is one per directory, never outlives its owner, comes back, and lets each duty do its own work only. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, test } from 'vitest';
import { serverSearchPath } from '../../../test/server-search-path.ts';
import type { Topology } from '../../event-bus.ts';
import { openNatsBus } from '../nats-bus.ts';
import { type NatsServer, type NatsServerOptions, startNatsServer } from './nats-server.ts';
import { identify, isRunning } from './process-identity.ts';
import { findServerBinary } from './server-binary.ts';

const DEADLINE_MS = 20_000;
const TOPOLOGY: Topology = {
  streams: ['EVENTS', 'ALERTS'].map((name) => ({
    name,
    subjects: [`tocsin.${name.toLowerCase()}.>`],
    maxAgeMs: 0,
    maxBytes: -1,
    maxPerSubject: 0,
    dedupWindowMs: 60_000,
  })),
  buckets: [{ name: 'leases', ttlMs: 0 }],
};
const DUTIES: NatsServerOptions['duties'] = {
  ingest: { publish: ['tocsin.events.>'], subscribe: [] },
  match: { publish: ['tocsin.alerts.>'], subscribe: ['tocsin.events.>'], buckets: ['leases'] },
};
const message = (subject: string, id: string) => ({ subject, id, body: new TextEncoder().encode(id) });

let directory = '';
const lines: string[] = [];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'tocsin-server-'));
  lines.length = 0;
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function options(extra: Partial<NatsServerOptions> = {}): NatsServerOptions {
  const log = (level: string, line: string): void => void lines.push(`${level} ${line}`);
  return { directory, site: 'test-site', binary: { path: serverSearchPath }, duties: DUTIES, topology: TOPOLOGY, log, ...extra };
}

async function until(condition: () => boolean | Promise<boolean>, what: string, withinMs = DEADLINE_MS): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}; log:\n${lines.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function open(server: NatsServer, duty: string) {
  return openNatsBus({ servers: server.url, credential: server.credential(duty), site: 'test-site', name: duty, commitTimeoutMs: 3_000 });
}

/** A parent of its own that runs the server, so that it can be killed. */
async function startParent(guard: 'setpriv' | 'shell', { ownGroup = false } = {}): Promise<{ parent: ChildProcess; pid: number }> {
  const program = fileURLToPath(new URL('../../../test/server-parent.ts', import.meta.url));
  const parent = spawn(process.execPath, ['--conditions=tocsin-source', program, directory, guard, serverSearchPath], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: ownGroup,
  });
  assert.ok(parent.stdout !== null);
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string];
  return { parent, pid: Number(line) };
}

for (const guard of ['setpriv', 'shell'] as const) {
  test(`no server outlives a parent that was killed (${guard})`, async () => {
    const { parent, pid } = await startParent(guard);
    const server = identify(pid);
    assert.ok(server !== undefined, 'the server runs');
    parent.kill('SIGKILL');
    await until(() => !isRunning(server), 'the server to end');
    await using again = await startNatsServer(options());
    assert.ok(again.pid !== pid);
  });

  test(`Ctrl-C on the terminal leaves the server to its parent, which may still write (${guard})`, async () => {
    const { parent, pid } = await startParent(guard, { ownGroup: true });
    const server = identify(pid);
    assert.ok(server !== undefined && parent.pid !== undefined);
    try {
      // What a terminal does: the whole group is interrupted. The parent, held, cannot end the server meanwhile.
      process.kill(parent.pid, 'SIGSTOP');
      process.kill(-parent.pid, 'SIGINT');
      await assert.rejects(
        until(() => !isRunning(server), 'the server to end', 1_000),
        /waited in vain/,
      );
    } finally {
      parent.kill('SIGKILL');
    }
    await until(() => !isRunning(server), 'the server to end with its parent');
  });

  test(`a disposed server has ended (${guard})`, async () => {
    const server = await startNatsServer(options({ orphanGuard: guard }));
    const process = identify(server.pid ?? 0);
    assert.ok(process !== undefined);
    await server[Symbol.asyncDispose]();
    assert.equal(isRunning(process), false);
  });
}

test('a second start on the same directory names the process that holds it', async () => {
  await using server = await startNatsServer(options());
  await assert.rejects(startNatsServer(options()), { code: 'server.in_use', details: { directory, pid: process.pid } });
  assert.ok(server.pid !== undefined);
});

test('of two starts at once one holds the directory', async () => {
  const outcomes = await Promise.allSettled([startNatsServer(options()), startNatsServer(options())]);
  assert.deepEqual(outcomes.map((each) => each.status).sort(), ['fulfilled', 'rejected']);
  for (const each of outcomes) if (each.status === 'fulfilled') await each.value[Symbol.asyncDispose]();
});

test("the lock of a process that is gone, or whose number is another's now, is taken over", async () => {
  for (const stale of ['{"pid":999999,"started":"x"}', `{"pid":${process.pid},"started":"another time"}`, 'half']) {
    writeFileSync(join(directory, 'lock'), stale);
    await using server = await startNatsServer(options());
    assert.ok(server.pid !== undefined);
  }
});

test('a server left behind is ended before another one opens its data; a stranger is not', async () => {
  const config = join(directory, 'server.conf');
  const left = spawn('/bin/sh', ['-c', 'echo up; while :; do sleep 1; done', config], { stdio: ['ignore', 'pipe', 'ignore'] });
  const stranger = spawn('/bin/sh', ['-c', 'echo up; while :; do sleep 1; done'], { stdio: ['ignore', 'pipe', 'ignore'] });
  await Promise.all([left, stranger].map((each) => once(each.stdout, 'data')));
  for (const [child, ends] of [
    [stranger, false],
    [left, true],
  ] as const) {
    const identity = identify(child.pid ?? 0);
    assert.ok(identity !== undefined);
    writeFileSync(join(directory, 'child.json'), JSON.stringify(identity));
    await using _server = await startNatsServer(options());
    assert.equal(isRunning(identity), !ends);
  }
  stranger.kill('SIGKILL');
});

test('a killed server comes back on its port with what it had acknowledged', async () => {
  await using server = await startNatsServer(options());
  await using admin = await open(server, 'admin');
  await admin.ensure(TOPOLOGY);
  await using ingest = await open(server, 'ingest');
  await using match = await open(server, 'match');
  await ingest.commit([message('tocsin.events.a', '1')]);
  const { url, pid } = server;
  process.kill(pid ?? 0, 'SIGKILL');
  const [published] = await ingest.commit([message('tocsin.events.a', '2')]);
  assert.equal(published?.duplicate, false);
  assert.equal(server.url, url);
  assert.notEqual(server.pid, pid);
  const ids: string[] = [];
  for await (const stored of match.read('tocsin.events.>', 'first')) ids.push(stored.id);
  assert.deepEqual(ids, ['1', '2']);
});

test('the port is kept over starts, and given up when another program has it', async () => {
  const first = await startNatsServer(options());
  const port = Number(new URL(first.url).port);
  await first[Symbol.asyncDispose]();
  const second = await startNatsServer(options());
  assert.equal(second.url, first.url);
  await second[Symbol.asyncDispose]();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  await using third = await startNatsServer(options());
  assert.notEqual(third.url, `nats://127.0.0.1:${port}`);
  assert.ok(lines.some((line) => line.startsWith('warn') && line.includes(String(port))));
  squatter.close();
});

test("every write is synced, only loopback listens, keys are their owner's alone", async () => {
  await using server = await startNatsServer(options());
  const state = (await (await fetch(`${server.monitorUrl}/jsz?config=1`)).json()) as { config: { sync_always?: boolean; domain?: string } };
  assert.deepEqual([state.config.sync_always, state.config.domain], [true, 'test-site']);
  const server_ = (await (await fetch(`${server.monitorUrl}/varz`)).json()) as { host: string; http_host: string; server_name: string };
  assert.deepEqual([server_.host, server_.http_host, server_.server_name], ['127.0.0.1', '127.0.0.1', 'test-site']);
  for (const file of ['credentials.json', 'server.conf', 'lock']) assert.equal(statSync(join(directory, file)).mode & 0o777, 0o600, file);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.ok(
    !readFileSync(join(directory, 'server.conf'), 'utf8').includes(server.credential('ingest').seed),
    'no seed is in the configuration',
  );
});

test('keys stay the same over starts, and differ between directories', async () => {
  const seeds: string[] = [];
  for (let i = 0; i < 2; i++) {
    await using server = await startNatsServer(options());
    seeds.push(server.credential('ingest').seed);
  }
  await using elsewhere = await startNatsServer(options({ directory: join(directory, 'other') }));
  assert.equal(seeds[0], seeds[1]);
  assert.notEqual(elsewhere.credential('ingest').seed, seeds[0]);
});

test('a duty may do its own work and nothing else', async () => {
  await using server = await startNatsServer(options());
  await using admin = await open(server, 'admin');
  await admin.ensure(TOPOLOGY);
  await using ingest = await open(server, 'ingest');
  await using match = await open(server, 'match');
  await ingest.commit([message('tocsin.events.a', '1')]);
  await match.commit([message('tocsin.alerts.a', '1')]);
  const forbidden = { code: 'bus.forbidden' };
  await assert.rejects(ingest.commit([message('tocsin.alerts.a', '2')]), forbidden);
  await assert.rejects(ingest.commit([message('tocsin.alerts.a', '3'), message('tocsin.alerts.a', '4')]), forbidden);
  await assert.rejects(ingest.last('tocsin.alerts.a'), forbidden);
  await assert.rejects(
    ingest.ensure({ streams: TOPOLOGY.streams.map((each) => ({ ...each, maxAgeMs: 1_000_000 })), buckets: [] }),
    forbidden,
  );
  await assert.rejects(ingest.bucket('leases').put('a', new Uint8Array(1), 0), forbidden);
  await assert.rejects(match.commit([message('tocsin.events.a', '5')]), forbidden);
  await assert.rejects(admin.commit([message('tocsin.events.a', '6')]), forbidden);
  const alerts = await admin.info('tocsin.alerts.>');
  assert.equal(alerts.messages, 1);
});

test('a client without a key is refused', async () => {
  await using server = await startNatsServer(options());
  await assert.rejects(openNatsBus({ servers: server.url, site: 'test-site', name: 'nobody' }), { code: 'bus.unavailable' });
});

test('a program that is too old, missing or no nats-server is refused with the line to type', () => {
  const fake = join(directory, 'nats-server');
  writeFileSync(fake, '#!/bin/sh\necho "nats-server: v2.14.2"\n');
  chmodSync(fake, 0o755);
  assert.throws(() => findServerBinary({ configured: fake }), { code: 'server.too_old' });
  assert.throws(() => findServerBinary({ path: directory }), { code: 'server.missing' });
  assert.throws(() => findServerBinary({ environment: join(directory, 'none') }), { code: 'server.missing' });
  assert.equal(findServerBinary({ path: directory, caches: serverSearchPath.split(':') }).path.endsWith('/nats-server'), true);
});
