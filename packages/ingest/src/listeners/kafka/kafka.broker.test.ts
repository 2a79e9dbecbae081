/** The kind `kafka` against a real broker: once each over rebalances and failures, offsets only after the store, what is bad passed over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Admin, Producer, stringSerializers } from '@platformatic/kafka';
import { readSettings } from '@tocsin/core/setting';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../../test/needs.ts';
import { findService, ServiceProcess } from '../../../test/service-process.ts';
import { ContractIntake, eventually, REJECTED } from '../contract/contract-intake.ts';
import { CONTRACT_SOURCE } from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';
import { kafkaKind } from './kafka-listener.ts';

const script = findService('kafka/start.sh', 'java');

describe('kafka', needs(unlessFound(script, 'no Kafka broker beside this clone')), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-kafka-'));
  let broker: ServiceProcess;
  let producer: Producer<string, string, string, string>;
  let admin: Admin;

  beforeAll(async () => {
    broker = await ServiceProcess.start(script ?? '', folder);
    const client = { clientId: 'test', bootstrapBrokers: [`127.0.0.1:${broker.port}`] };
    producer = new Producer({ ...client, idempotent: true, serializers: stringSerializers });
    admin = new Admin(client);
  });
  afterAll(async () => {
    await producer?.close();
    await admin?.close();
    await broker?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const open = (intake: ContractIntake, topic: string, more: object = {}): Promise<Listener> => {
    const given = { brokers: [`127.0.0.1:${broker.port}`], topics: [topic], group: topic, source: CONTRACT_SOURCE, ...more };
    return kafkaKind.open(readSettings(kafkaKind.settings, given, { file: 'test' }), intake.context(folder));
  };
  const newTopic = async (topic: string, partitions = 4): Promise<void> => {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
  };
  const send = async (topic: string, values: readonly string[], compression?: 'gzip' | 'snappy' | 'lz4' | 'zstd'): Promise<void> => {
    const messages = values.map((value, i) => ({ topic, value, partition: i % 4 }));
    await producer.send({ messages, ...(compression && { compression }) });
  };
  const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `record ${from + i}`);

  test('all codecs, once each, also when answers are lost', async () => {
    await newTopic('codecs');
    await send('codecs', numbered(40));
    for (const [i, codec] of (['gzip', 'snappy', 'lz4', 'zstd'] as const).entries())
      await send('codecs', numbered(40, 40 * (i + 1)), codec);
    const intake = new ContractIntake();
    intake.loseAnswers(2);
    await using _listener = await open(intake, 'codecs');
    await eventually(
      () => intake.counts.stored + intake.counts.duplicate === 200,
      () => `200 settled, of ${intake.counts.records}; ${intake.troubles.join('; ')}`,
    );
    expect([...intake.stored].sort()).toEqual(numbered(200).sort());
  });

  test('goes on after the last that was stored, and reads again what was not', async () => {
    await newTopic('again');
    await send('again', numbered(100));
    const intake = new ContractIntake();
    await using first = await open(intake, 'again');
    await eventually(
      () => intake.stored.length === 100,
      () => `100 stored; ${intake.troubles.join('; ')}`,
    );
    await first[Symbol.asyncDispose]();
    await send('again', numbered(50, 100));
    intake.block();
    const before = intake.emits;
    const second = await open(intake, 'again');
    await eventually(
      () => intake.emits > before,
      () => `a batch under way; ${intake.troubles.join('; ')}`,
    );
    await second[Symbol.asyncDispose]();
    expect(intake.counts.refused.get('ingest.closing')).toBe(50);
    intake.release();
    const other = new ContractIntake();
    await using _third = await open(other, 'again');
    await eventually(
      () => other.stored.length === 50,
      () => `50 stored; ${other.troubles.join('; ')}`,
    );
    expect([...other.stored].sort()).toEqual(numbered(50, 100).sort());
  });

  test('a second member takes over partitions: nothing is lost', async () => {
    await newTopic('shared');
    const intake = new ContractIntake();
    await using _first = await open(intake, 'shared');
    await send('shared', numbered(400));
    const second = await open(intake, 'shared');
    for (let i = 1; i < 10; i++) await send('shared', numbered(400, 400 * i));
    await second[Symbol.asyncDispose]();
    await eventually(
      () => intake.stored.length === 4000,
      () => `${intake.stored.length} of 4000; ${intake.troubles.join('; ')}`,
    );
    expect(new Set(intake.stored).size).toBe(4000);
  });

  test('pauses while nothing can be stored, and stays a member', async () => {
    await newTopic('paused');
    const intake = new ContractIntake();
    intake.block();
    await using _listener = await open(intake, 'paused', { maxInFlightBytes: '1MiB' });
    const long = 'x'.repeat(4096);
    for (let i = 0; i < 16; i++)
      await send(
        'paused',
        numbered(200, 200 * i).map((each) => `${each} ${long}`),
      );
    await eventually(
      () => (intake.counts.waiting ?? 0) > 0,
      () => `lag; ${intake.counts.records} read; ${intake.troubles.join('; ')}`,
    );
    expect(intake.counts.records).toBeLessThan(3200);
    intake.release();
    await eventually(
      () => intake.stored.length === 3200,
      () => `${intake.stored.length} of 3200; ${intake.troubles.join('; ')}`,
    );
    expect(intake.counts.duplicate).toBe(0);
    expect(intake.troubles).toEqual([]);
  });

  test('tombstones, refused and huge records are counted and passed', async () => {
    await newTopic('hostile', 1);
    const huge = 'y'.repeat(20_000);
    const values = ['good 1', '', REJECTED, huge, '__proto__', '\ud800', 'good 2'];
    await producer.send({ messages: values.map((value) => ({ topic: 'hostile', value })) });
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'hostile', { maxRecordBytes: '16KiB' });
    await eventually(
      () => intake.stored.includes('good 2'),
      () => `the last; ${intake.troubles.join('; ')}`,
    );
    expect(Object.fromEntries(intake.counts.rejected)).toEqual({
      'listener.empty_record': 1,
      'decode.bad_line': 1,
      'decode.too_large': 1,
    });
    expect(intake.counts.records).toBe(7);
  });

  test('a batch that unpacks to more than the bound is passed over, record by record, and the partition goes on', async () => {
    await newTopic('bomb', 1);
    const one = (value: string): { topic: string; value: string; partition: number } => ({ topic: 'bomb', value, partition: 0 });
    await producer.send({ messages: [one('before')] });
    await producer.send({ messages: Array.from({ length: 70 }, () => one('x'.repeat(1 << 20))), compression: 'gzip' });
    await producer.send({ messages: [one('after')] });
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'bomb');
    await eventually(
      () => intake.stored.includes('after'),
      () => `the last; ${intake.troubles.join('; ')}`,
    );
    expect(intake.stored).toEqual(['before', 'after']);
    expect(Object.fromEntries(intake.counts.rejected)).toEqual({ 'ingest.body_too_large': 70 });
    expect(intake.troubles.join()).toContain('passed over');
  });

  test('what it cannot reach or find is told and tried again', async () => {
    const intake = new ContractIntake();
    await using listener = await open(intake, 'no-such-topic');
    await eventually(
      () => (intake.counts.refused.get('listener.upstream_failed') ?? 0) > 0,
      () => 'a failure',
    );
    expect(intake.troubles.join()).toContain('no-such-topic');
    await newTopic('no-such-topic');
    await send('no-such-topic', ['late']);
    await eventually(
      () => intake.stored.length === 1,
      () => `one; ${intake.troubles.join('; ')}`,
    );
    expect(listener.address).toContain('no-such-topic');
  });

  test('a password for a broker that takes none is told, without it', async () => {
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'again', {
      mechanism: 'plain',
      username: 'ann',
      password: 'not-to-be-seen',
      group: 'other',
    });
    await eventually(
      () => (intake.counts.refused.get('listener.upstream_failed') ?? 0) > 0,
      () => 'a failure',
    );
    expect(intake.troubles.join()).not.toContain('not-to-be-seen');
    expect(intake.stored).toEqual([]);
  });

  test('goes on when the broker was killed and comes back', async () => {
    await newTopic('killed');
    await send('killed', numbered(400));
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'killed');
    await eventually(
      () => intake.stored.length === 400,
      () => `400; ${intake.troubles.join('; ')}`,
    );
    await broker.stop('SIGKILL');
    await eventually(
      () => intake.counts.connections === 0,
      () => 'the loss noticed',
    );
    broker = await ServiceProcess.start(script ?? '', folder, broker.port);
    const late = new Producer({
      clientId: 'late',
      bootstrapBrokers: [`127.0.0.1:${broker.port}`],
      idempotent: true,
      serializers: stringSerializers,
    });
    await late.send({ messages: numbered(400, 400).map((value, i) => ({ topic: 'killed', value, partition: i % 4 })) });
    await late.close();
    await expect.poll(() => intake.stored.length, { timeout: 90_000 }).toBe(800);
    expect(new Set(intake.stored).size).toBe(800);
  });
});
