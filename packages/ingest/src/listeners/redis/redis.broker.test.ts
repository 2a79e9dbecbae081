/** The kind `redis` against a real server: once each over restarts of both, acknowledged only after the store, what is bad passed over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSettings } from '@tocsin/core/setting';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs, unlessFound } from '../../../test/needs.ts';
import { findService, ServiceProcess } from '../../../test/service-process.ts';
import { ContractIntake, eventually, REJECTED } from '../contract/contract-intake.ts';
import { CONTRACT_SOURCE } from '../contract/listener-driver.ts';
import type { Listener } from '../listener.ts';
import { redisKind } from './redis-listener.ts';

const script = findService('redis.sh', 'redis-server');

describe('redis', needs(unlessFound(script, 'no Redis beside this clone')), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-redis-'));
  let server: ServiceProcess;
  let client: Redis;

  beforeAll(async () => {
    server = await ServiceProcess.start(script ?? '', join(folder, 'data'));
    client = new Redis({ port: server.port, host: '127.0.0.1' });
    client.on('error', () => undefined); // it is restarted on purpose; the client connects again
  });
  afterAll(async () => {
    client?.disconnect();
    await server?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const stateDir = (): string => mkdtempSync(join(folder, 'state-'));
  const open = (intake: ContractIntake, key: string, { state = stateDir(), ...more }: { state?: string; [name: string]: unknown } = {}) => {
    const given = { port: server.port, streams: [key], field: 'event', source: CONTRACT_SOURCE, ...more };
    return redisKind.open(readSettings(redisKind.settings, given, { file: 'test' }), intake.context(state)) as Promise<Listener>;
  };
  const add = async (key: string, values: readonly string[]): Promise<void> => {
    const pipeline = client.pipeline();
    for (const value of values) pipeline.xadd(key, '*', 'event', value);
    await pipeline.exec();
  };
  const pending = async (key: string): Promise<number> => Number(((await client.xpending(key, 'tocsin')) as unknown[])[0]);
  const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `record ${from + i}`);

  test('all, once each, acknowledged, also when answers are lost', async () => {
    await add('plain', numbered(3000));
    const intake = new ContractIntake();
    intake.loseAnswers(2);
    await using _listener = await open(intake, 'plain');
    await eventually(
      () => intake.stored.length === 3000,
      () => `${intake.stored.length} of 3000; ${intake.troubles.join('; ')}`,
    );
    expect(intake.stored).toEqual(numbered(3000));
    await eventually(
      () => intake.counts.stored + intake.counts.duplicate === 3000,
      () => 'all settled',
    );
    await add('plain', ['last']);
    await eventually(
      () => intake.stored.at(-1) === 'last',
      () => `the last; ${intake.troubles.join('; ')}`,
    );
    await eventually(
      () => intake.counts.waiting === 0,
      () => `nothing waits, not ${intake.counts.waiting}`,
    );
    expect(await pending('plain')).toBe(0);
  });

  test('what was read and not stored is read again, by itself or by another', async () => {
    await add('again', numbered(100));
    const state = stateDir();
    const intake = new ContractIntake();
    intake.block();
    const first = await open(intake, 'again', { state });
    await eventually(
      () => intake.emits > 0,
      () => `a batch under way; ${intake.troubles.join('; ')}`,
    );
    await first[Symbol.asyncDispose]();
    expect(await pending('again')).toBe(100);
    const own = new ContractIntake();
    own.block();
    const second = await open(own, 'again', { state });
    await eventually(
      () => own.counts.records === 100,
      () => `its own again; ${own.troubles.join('; ')}`,
    );
    await second[Symbol.asyncDispose]();
    const other = new ContractIntake();
    await using _third = await open(other, 'again', { claimAfter: '1s' });
    await eventually(
      () => other.stored.length === 100,
      () => `claimed; ${other.troubles.join('; ')}`,
    );
    expect(other.stored).toEqual(numbered(100));
  });

  test('goes on when the server was killed and comes back', async () => {
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'killed');
    await add('killed', numbered(500));
    await eventually(
      () => intake.stored.length === 500,
      () => `500; ${intake.troubles.join('; ')}`,
    );
    await server.stop('SIGKILL');
    server = await ServiceProcess.start(script ?? '', join(folder, 'data'), server.port);
    await eventually(
      () => client.status === 'ready',
      () => `the test's client, ${client.status}`,
    );
    await add('killed', numbered(500, 500));
    await eventually(
      () => intake.stored.length === 1000,
      () => `1000; ${intake.troubles.join('; ')}`,
    );
    expect(intake.stored).toEqual(numbered(1000));
    expect(intake.counts.refused.get('listener.upstream_failed')).toBeGreaterThan(0);
  });

  test('empty, deleted, refused and huge entries are counted and passed', async () => {
    await add('hostile', ['good 1', '', REJECTED, 'y'.repeat(20_000), '__proto__']);
    await client.xadd('hostile', '*', 'other', 'no such field');
    await client.xadd('hostile', '*', 'event', Buffer.from([0xff, 0x00, 0xfe]));
    await add('hostile', ['good 2']);
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'hostile', { maxRecordBytes: '16KiB' });
    await eventually(
      () => intake.stored.includes('good 2'),
      () => `the last; ${intake.troubles.join('; ')}`,
    );
    const rejected = { 'listener.empty_record': 2, 'decode.bad_line': 1, 'decode.too_large': 1 };
    expect(Object.fromEntries(intake.counts.rejected)).toEqual(rejected);
    expect(intake.stored).toContain('__proto__');
  });

  test('an entry deleted before it was stored is counted and let go', async () => {
    await add('gone', ['one', 'two']);
    const state = stateDir();
    const held = new ContractIntake();
    held.block();
    const first = await open(held, 'gone', { state });
    await eventually(
      () => held.emits > 0,
      () => `a batch under way; ${held.troubles.join('; ')}`,
    );
    await first[Symbol.asyncDispose]();
    await client.xtrim('gone', 'MAXLEN', 1);
    const intake = new ContractIntake();
    await using _second = await open(intake, 'gone', { state });
    await eventually(
      () => intake.stored.length === 1,
      () => `the other; ${intake.troubles.join('; ')}`,
    );
    expect(intake.counts.rejected.get('listener.record_gone')).toBe(1);
    await expect.poll(() => pending('gone'), { timeout: 10_000 }).toBe(0);
  });

  test('without a field the record is all fields; a wrong password is told, without it', async () => {
    await client.xadd('object', '*', 'user', 'root', '__proto__', 'x');
    const intake = new ContractIntake();
    await using _listener = await open(intake, 'object', { field: undefined });
    await eventually(
      () => intake.stored.length === 1,
      () => `one; ${intake.troubles.join('; ')}`,
    );
    expect(intake.stored[0]).toBe('{"user":"root","__proto__":"x"}');
    // The rights that docs/how-to/redis-streams.md names.
    const rights = '+xgroup +xreadgroup +xack +xautoclaim +xinfo +ping +info +select +client'.split(' ');
    await client.call('ACL', 'SETUSER', 'reader', 'on', '>right', '~object', ...rights);
    const wrong = new ContractIntake();
    await using _refused = await open(wrong, 'object', { username: 'reader', password: 'not-this-one', group: 'g2' });
    await eventually(
      () => wrong.troubles.length > 0,
      () => 'a refusal',
    );
    expect(wrong.troubles.join()).toContain('WRONGPASS');
    expect(wrong.troubles.join()).not.toContain('not-this-one');
    const right = new ContractIntake();
    await using _taken = await open(right, 'object', { username: 'reader', password: 'right', group: 'g2', field: undefined });
    await eventually(
      () => right.stored.length === 1,
      () => `one; ${right.troubles.join('; ')}`,
    );
  });
});
