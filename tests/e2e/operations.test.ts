/** What operators see: the log, the end and the start of the program, projections that are lost, and secrets that must be nowhere. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, openTail, Program, wordRule } from './program.ts';

const missing = notRunnable();
const HOSTILE = [
  'x\n{"level":"info","msg":"forged"}',
  'a\r\nb',
  '\u2028\u2029\u0085',
  '\u001b[2J\u001b]0;owned\u0007',
  '\u202etxt',
  '\u0000',
  '__proto__',
  '${jndi:ldap://x}',
  '%s%n',
  '<script>',
  '=1+1',
  '\ud800',
];

describe('operations', needs(missing), () => {
  let program: Program;
  let token = '';
  beforeAll(async () => {
    program = await Program.start({ rules: { 'hit.yml': wordRule('hit', 'hit') } });
    token = await program.addSource('edr');
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  /** Every line of the log so far, parsed. */
  const log = (): Record<string, unknown>[] =>
    program.stderr
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  const figures = async (): Promise<unknown> => {
    const { body } = await program.call<Record<string, unknown>>('GET', '/status');
    const { events, alerts, rules, sources, gaps } = body;
    return { events, alerts, rules, sources, gaps };
  };

  const dump = (file: string, tables: readonly string[]): unknown => {
    const db = new DatabaseSync(join(program.dataDir, 'store', file), { readOnly: true });
    try {
      return tables.map((table) => db.prepare(`SELECT * FROM ${table} ORDER BY 1, 2`).all());
    } finally {
      db.close();
    }
  };
  const tables = (): unknown => [
    dump('alerts.sqlite', ['alerts', 'acts', 'applied']),
    dump('frames.sqlite', ['frames', 'sources', 'ordinals', 'totals', 'applied']),
  ];

  test('hostile text in events, names and paths never breaks a line of the log', async () => {
    for (const text of HOSTILE) {
      await program.post(token, JSON.stringify(beat('hit', { host: text, user: text, [text]: text })));
      await program.post(token, `{"a": ${text}`, { 'idempotency-key': encodeURIComponent(text.toWellFormed()) });
      await program.call('GET', `/alerts/${encodeURIComponent(text.toWellFormed())}`);
      await program.addRules({ [`${text}.yml`]: `title: ${JSON.stringify(text)}\nlogsource: [` });
      await program.call('POST', '/sources', { body: { name: text } });
    }
    await program.settle();
    expect(log().length).toBeGreaterThan(0);
    expect(program.stderr).not.toContain('\u001b');
    for (const line of log()) expect(line).toMatchObject({ level: expect.any(String) as string, time: expect.any(String) as string });
    expect(log().filter((line) => line['msg'] === 'forged')).toEqual([]);
  });

  test('secrets are in no log line, no answer, no message and no file but their own', async (context) => {
    if (Program.busIsExternal) context.skip('it is about the nats-server that Tocsin runs itself');
    const secrets = [program.operator, token];
    const seen: Record<string, string> = {
      stderr: program.stderr,
      stdout: program.stdout,
      streams: (await program.everythingStored()).toString('latin1'),
    };
    for (const path of ['/status', '/config', '/sources', '/audit?limit=1000', '/rules', '/openapi.json'])
      seen[path] = (await program.call('GET', path)).text;
    for (const file of readdirSync(program.dataDir, { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name);
      if (file.isFile() && !path.includes('tokens')) seen[path] = readFileSync(path, 'latin1');
    }
    const bus = Object.values(JSON.parse(readFileSync(join(program.dataDir, 'bus', 'credentials.json'), 'utf8')) as Record<string, string>);
    for (const [where, text] of Object.entries(seen)) {
      for (const secret of secrets) expect(text.includes(secret), where).toBe(false);
      if (!where.endsWith('credentials.json')) for (const seed of bus) expect(text.includes(seed), where).toBe(false);
    }
  });

  test('SIGTERM answers what is under way, ends the tails, removes the address and exits 0', async () => {
    const tail = await openTail(program, 'events');
    const agentless = await new Promise<{ status: Promise<number | undefined>; finish: () => void }>((resolve) => {
      const { promise, resolve: answered } = Promise.withResolvers<number | undefined>();
      const body = JSON.stringify(beat('hit', { host: 'under-way' }));
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      const sent = request(`${program.url}/api/v1/events`, { method: 'POST', headers }, (answer) => {
        answer.resume();
        answered(answer.statusCode);
      });
      sent.on('error', () => answered(undefined));
      sent.write(body.slice(0, 10), () => resolve({ status: promise, finish: () => sent.end(body.slice(10)) }));
    });
    // The request is the server's once something sent after it has been answered.
    await program.call('GET', '/status');
    const stopped = program.stop();
    await waitFor(() => (existsSync(join(program.dataDir, 'run.json')) ? undefined : true), {
      what: () => 'the address to go',
      withinMs: 10_000,
    });
    agentless.finish();
    expect(await agentless.status).toBe(202);
    expect(await stopped).toBe(0);
    await tail[Symbol.asyncDispose]();
    expect(log().filter((line) => line['level'] === 'error')).toEqual([]);
    await program.restart();
    await program.settle();
    expect((await program.alerts()).some((alert) => alert.groupBy['host'] === 'under-way')).toBe(true);
  });

  test('a restart changes no figure', async () => {
    await program.settle();
    const before = await figures();
    await program.stop();
    await program.restart();
    await program.settle();
    expect(await figures()).toEqual(before);
  });

  test('projections that are lost are rebuilt from the log, equal row for row', async () => {
    await program.post(token, JSON.stringify([beat('hit', { host: 'p1' }), beat('hit', { host: 'p2' })]), { 'idempotency-key': 'twice' });
    await program.settle();
    const { id } = (await program.alerts('?rule=hit')).find((alert) => alert.groupBy['host'] === 'p1') ?? { id: '' };
    await program.call('POST', `/alerts/${id}/acknowledge`, { body: { note: 'seen' } });
    await program.stop();
    await program.restart();
    const again = await program.post(token, JSON.stringify([beat('hit', { host: 'p1' }), beat('hit', { host: 'p2' })]), {
      'idempotency-key': 'twice',
    });
    // Recalled from the log: a resend after a restart is not stored again.
    expect(again.body.items?.map(({ status }) => status)).toEqual(['duplicate', 'duplicate']);
    await program.settle();
    const before = await figures();
    await program.stop();
    const rows = tables();
    rmSync(join(program.dataDir, 'store'), { recursive: true });
    await program.restart();
    await program.settle();
    await waitFor(async () => (JSON.stringify(await figures()) === JSON.stringify(before) ? true : undefined), {
      what: () => 'the figures of before',
      withinMs: 15_000,
    });
    await program.stop();
    expect(tables()).toEqual(rows);
    await program.restart();
  });

  test('a lost token file gives a new operator, and the old token no longer works', async () => {
    const old = program.operator;
    await program.stop();
    rmSync(join(program.dataDir, 'tokens', 'operator.token'));
    await program.restart();
    expect(program.operator).not.toBe(old);
    expect((await program.call('GET', '/status')).status).toBe(200);
    expect((await program.call('GET', '/status', { token: old })).status).toBe(401);
  });

  test('projections of a log that was lost are removed and built anew from the one that is there', async (context) => {
    if (Program.busIsExternal) context.skip('it is about the nats-server that Tocsin runs itself');
    await program.stop();
    rmSync(join(program.dataDir, 'bus'), { recursive: true });
    await program.restart();
    const fresh = await program.addSource('fresh');
    await program.post(fresh, JSON.stringify(beat('hit', { host: 'after' })));
    await program.settle();
    const found = await waitFor(
      async () => {
        const alerts = await program.alerts();
        return alerts.length === 1 ? alerts : undefined;
      },
      { what: () => 'the alerts of the new log alone', withinMs: 20_000 },
    );
    expect(found[0]?.groupBy['host']).toBe('after');
  });
});
