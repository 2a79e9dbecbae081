/** Real brokers with the running program reading from them, set up as docs/how-to says: all records are there once, also when it is killed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { Admin, Producer, stringSerializers } from '@platformatic/kafka';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../packages/ingest/test/needs.ts';
import { findService, ServiceProcess } from '../../packages/ingest/test/service-process.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { findProgram } from './agent-process.ts';
import { blocks, statusOf, untilStored } from './listener-status.ts';

const root = join(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(join(root, 'docs/how-to', `${name}.md`), 'utf8');
const kafkaScript = findService('kafka/start.sh', 'java');
const redisScript = findService('redis.sh', 'redis-server');
const missing = notRunnable();

/** A snippet for a server on this machine. */
function local(snippet: string, port: number): string {
  return snippet.replaceAll(/(kafka1|redis)\.example/g, '127.0.0.1').replaceAll(/\b(9092|6379)\b/g, String(port));
}

/** Opens the page's second settings too: that they read, not that anybody answers. */
async function expectSecureSettings(text: string, name: string, authority: string): Promise<void> {
  const [, secure = ''] = blocks(text, 'yaml');
  const settings = local(secure, 1)
    .replace(/\$\{env:\w+\}/, 'secret')
    .replace('/etc/tocsin/broker-ca.crt', authority)
    .replace(/:90\d\d|6380/, (port) => (port.startsWith(':') ? ':1' : '1'));
  await using program = await Program.start({ settings });
  await program.addSource(name);
  const failed = 'listener.upstream_failed';
  await waitFor(async () => ((await statusOf(program)).listener.refused[failed] ?? 0) > 0 || undefined, {
    what: () => failed,
    withinMs: 30_000,
  });
}

describe('docs/how-to/kafka.md', needs(missing, unlessFound(kafkaScript, 'no Kafka broker beside this clone')), () => {
  const RECORDS = 10_000;
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-pull-'));
  let broker: ServiceProcess;
  let admin: Admin;

  beforeAll(async () => {
    broker = await ServiceProcess.start(kafkaScript ?? '', folder);
    admin = new Admin({ clientId: 'test', bootstrapBrokers: [`127.0.0.1:${broker.port}`] });
    await admin.createTopics({ topics: ['orders'], partitions: 6, replicas: 1 });
  });
  afterAll(async () => {
    await admin?.close();
    await broker?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  async function produce(): Promise<void> {
    const bootstrapBrokers = [`127.0.0.1:${broker.port}`];
    const producer = new Producer({ clientId: 'test', bootstrapBrokers, idempotent: true, serializers: stringSerializers });
    for (let i = 0; i < RECORDS; i += 500) {
      const messages = Array.from({ length: 500 }, (_, j) => ({ topic: 'orders', key: String(i + j), value: `{"order":${i + j}}` }));
      await producer.send({ messages, compression: 'gzip' });
    }
    await producer.close();
  }

  test('10,000 records with the program killed in the middle, then the snippet: each once', async () => {
    const text = page('kafka');
    await using program = await Program.start({ settings: local(blocks(text, 'yaml')[0] ?? '', broker.port) });
    await program.addSource('orders');
    const produced = produce();
    await untilStored(program, 1000);
    process.kill(program.pid, 'SIGKILL');
    await waitFor(() => (program.isRunning ? undefined : true), { what: () => 'its end', withinMs: 5000 });
    await produced;
    await program.restart();
    await untilStored(program, RECORDS);
    const script = join(folder, 'produce.mjs');
    const client = JSON.stringify(import.meta.resolve('@platformatic/kafka'));
    writeFileSync(script, local(blocks(text, 'js')[0] ?? '', broker.port).replace("'@platformatic/kafka'", client));
    execFileSync(process.execPath, [script], { timeout: 30_000 });
    await untilStored(program, RECORDS + 1);
    await waitFor(async () => ((await statusOf(program)).listener.waiting === 0 ? true : undefined), {
      what: () => 'no lag',
      withinMs: 30_000,
    });
    await program.settle();
    expect((await statusOf(program)).stored).toBe(RECORDS + 1);
  });

  test('the settings with TLS', () => expectSecureSettings(page('kafka'), 'orders', authorityFile(folder)));
});

describe('docs/how-to/redis-streams.md', needs(missing, unlessFound(redisScript, 'no Redis beside this clone')), () => {
  const ENTRIES = 10_000;
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-pull-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('10,000 entries with the program and then the server killed, then the snippet: each once', async () => {
    const text = page('redis-streams');
    const data = join(folder, 'data');
    await using first = await ServiceProcess.start(redisScript ?? '', data);
    const client = new Redis({ port: first.port, host: '127.0.0.1' });
    const pipeline = client.pipeline();
    for (let i = 0; i < ENTRIES; i++) pipeline.xadd('audit', '*', 'event', `{"order":${i}}`);
    await pipeline.exec();
    client.disconnect();
    await using program = await Program.start({ settings: local(blocks(text, 'yaml')[0] ?? '', first.port) });
    await program.addSource('audit');
    await untilStored(program, 500);
    process.kill(program.pid, 'SIGKILL');
    await waitFor(() => (program.isRunning ? undefined : true), { what: () => 'its end', withinMs: 5000 });
    await program.restart();
    await first.stop('SIGKILL');
    await using server = await ServiceProcess.start(redisScript ?? '', data, first.port);
    await untilStored(program, ENTRIES);
    const command = blocks(text, 'sh').find((each) => each.startsWith('redis-cli ')) ?? '';
    if (findProgram('redis-cli') === undefined) throw new Error('redis-server without redis-cli');
    execFileSync('sh', ['-c', local(command, server.port)]);
    await untilStored(program, ENTRIES + 1);
    await program.settle();
    expect((await statusOf(program)).stored).toBe(ENTRIES + 1);
  });

  test('the settings with TLS', () => expectSecureSettings(page('redis-streams'), 'audit', authorityFile(folder)));
});

/** A file of authorities that can be read: the first that Node knows. */
function authorityFile(folder: string): string {
  const path = join(folder, 'ca.crt');
  writeFileSync(path, rootCertificates[0] ?? '');
  return path;
}
