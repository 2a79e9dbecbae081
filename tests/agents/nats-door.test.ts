/**
 * Foreign producers on NATS, set up as docs/how-to/nats.md says, against the running program and its own nats-server: each publishes its own
 * subject and nothing else, every event is there once, also when the program or the server is killed, and what is refused is kept.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection, headers as natsHeaders, nkeyAuthenticator as officialAuthenticator } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { busPid } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';

interface Key {
  readonly subject: string;
  readonly url: string;
  readonly inboxPrefix: string;
  readonly seed: string;
}

interface Status {
  readonly listeners: readonly {
    readonly kind: string;
    readonly stored: number;
    readonly duplicate: number;
    readonly rejected: Record<string, number>;
  }[];
  readonly events: { readonly stored: number; readonly duplicates: number };
}

const CLOUD_EVENT = { specversion: '1.0', source: '/x', type: 'test.beat' };
const structured = natsHeaders();
structured.set('content-type', 'application/cloudevents+json');

describe('the door on the bus', needs(notRunnable()), () => {
  let program: Program;
  beforeAll(async () => {
    program = await Program.start();
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  async function producer(name: string): Promise<{ key: Key; nc: NatsConnection }> {
    const key = JSON.parse(await program.commandLine('sources', 'add', name, '--nats', '--json')) as Key;
    return { key, nc: await open(key) };
  }

  function open(key: Key): Promise<NatsConnection> {
    const authenticator = officialAuthenticator(new TextEncoder().encode(key.seed));
    return connect({
      servers: key.url,
      authenticator,
      inboxPrefix: key.inboxPrefix,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
      ignoreAuthErrorAbort: true,
    });
  }

  const publish = (nc: NatsConnection, subject: string, id: string, timeout = 5000): Promise<unknown> =>
    nc.request(subject, JSON.stringify({ ...CLOUD_EVENT, id, data: { id } }), { headers: structured, timeout }).then((answer) => {
      const ack = answer.json<{ seq?: number; error?: unknown }>();
      if (ack.seq === undefined) throw new Error(JSON.stringify(ack.error));
    });

  async function stored(): Promise<number> {
    const { events } = (await program.call<Status>('GET', '/status')).body;
    return events.stored - events.duplicates;
  }

  async function untilStored(count: number): Promise<void> {
    await waitFor(async () => ((await stored()) >= count ? true : undefined), {
      what: () => `${count} events; it said ${program.stderr.slice(-1500)}`,
      withinMs: 40_000,
    });
    expect(await stored()).toBe(count);
  }

  test('the page: its command answers what it says, its program publishes', async () => {
    const before = await stored();
    const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/nats.md'), 'utf8');
    const block = (language: string): string => new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(page)?.[1] ?? '';
    const answer = await program.commandLine(...block('sh').trim().split(' ').slice(1));
    expect(JSON.parse(answer)).toMatchObject(JSON.parse(block('json')) as object);
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-nats-'));
    const script = join(folder, 'publish.mjs');
    const client = JSON.stringify(import.meta.resolve('@nats-io/transport-node'));
    writeFileSync(script, block('js').replace("'@nats-io/transport-node'", client));
    const said = execFileSync(process.execPath, [script], { timeout: 30_000, env: { ...process.env, TOCSIN_NATS: answer } }).toString();
    rmSync(folder, { recursive: true });
    expect(said).toBe('stored\n');
    await untilStored(before + 2);
  });

  test('each mode arrives, a resend is one event, and what breaks the rules is a dead letter that can be redriven', async () => {
    const before = await stored();
    const { key, nc } = await producer('modes');
    await publish(nc, key.subject, 'a');
    await publish(nc, key.subject, 'a');
    const binary = natsHeaders();
    for (const [name, value] of Object.entries({ ...CLOUD_EVENT, id: 'b' })) binary.set(`ce-${name}`, value);
    await nc.request(key.subject, '{"binary":true}', { headers: binary, timeout: 5000 });
    const batch = natsHeaders();
    batch.set('content-type', 'application/cloudevents-batch+json');
    await nc.request(key.subject, JSON.stringify(['c', 'd'].map((id) => ({ ...CLOUD_EVENT, id, data: { id } }))), {
      headers: batch,
      timeout: 5000,
    });
    // Without headers, as the binding allows: structured.
    await nc.request(key.subject, JSON.stringify({ ...CLOUD_EVENT, id: 'e', data: {} }));
    await nc.request(key.subject, JSON.stringify({ ...CLOUD_EVENT, data: {} }));
    await nc.request(key.subject, 'no json at all');
    await untilStored(before + 5);
    const listed = await waitFor(
      async () => {
        const { body } = await program.call<{ deadLetters: { id: string; errors: { text: string }[] }[] }>(
          'GET',
          '/dead-letters?consumer=in',
        );
        return body.deadLetters?.length === 2 ? body.deadLetters : undefined;
      },
      { what: () => 'two dead letters', withinMs: 10_000 },
    );
    expect(
      listed
        .map(({ errors }) => errors.at(-1)?.text)
        .sort()
        .join(),
    ).toMatch(/no JSON object.*id is missing/s);
    const [broken] = listed.filter(({ errors }) => errors.at(-1)?.text.includes('id is missing'));
    const content = JSON.stringify({ ...CLOUD_EVENT, id: 'f', data: { redriven: true } });
    const edited = await program.call('POST', `/dead-letters/${broken?.id}/edit`, { body: { content } });
    expect(edited.status, edited.text).toBe(200);
    const redriven = await program.call('POST', '/dead-letters/redrive', { body: { ids: [broken?.id] } });
    expect(redriven.status, redriven.text).toBe(200);
    await untilStored(before + 6);
    const door = (await program.call<Status>('GET', '/status')).body.listeners.find(({ kind }) => kind === 'nats');
    expect(door?.rejected).toEqual({ 'ingest.bad_record': 2 });
    await nc.close();
  });

  test('a key writes its own subject: nothing else, by no way', async () => {
    const { key, nc } = await producer('mallory');
    const victim = await producer('victim');
    const before = await stored();
    const refused: string[] = [];
    const watching = (async () => {
      for await (const status of nc.status()) if (status.type === 'error') refused.push(String(status.error.message));
    })();
    const events = 'tocsin.events.live.0.default';
    const others = [
      victim.key.subject,
      events,
      'tocsin.alerts.default.x',
      'tocsin.in.other.mallory',
      '$JS.API.STREAM.DELETE.IN',
      '$JS.API.STREAM.NAMES',
    ];
    for (const subject of others) nc.publish(subject, '{}', { reply: `${key.inboxPrefix}.x` });
    for (const subject of ['tocsin.>', '_INBOX.>', `${victim.key.inboxPrefix}.>`, '$JS.>', '$SYS.>'])
      nc.subscribe(subject, { callback: (error) => void (error === null && refused.push(`heard ${subject}`)) });
    await nc.flush();
    await waitFor(() => (refused.length >= others.length + 5 ? true : undefined), { what: () => refused.join(), withinMs: 5000 });
    expect(refused.filter((text) => !/Permissions Violation/i.test(text))).toEqual([]);
    // Nobody may be answered on a subject that he may not write: the acknowledgement would be written there in his name.
    const own = JSON.stringify({ ...CLOUD_EVENT, id: 'reply', data: {} });
    for (const reply of [events, victim.key.subject, 'tocsin.alerts.default.x', '$JS.API.STREAM.DELETE.IN'])
      nc.publish(key.subject, own, { reply });
    await nc.flush();
    await publish(victim.nc, victim.key.subject, 'v1');
    await publish(nc, key.subject, 'm1');
    await untilStored(before + 3);
    const { body } = await program.call<{ deadLetters: { source: string }[] }>('GET', '/dead-letters?consumer=in');
    expect(body.deadLetters.filter(({ source }) => source !== 'modes')).toEqual([]);
    await nc.close();
    await watching;
    await victim.nc.close();
  });

  test('a revoked source is cut off at once, and no other', async () => {
    const before = await stored();
    const one = await producer('one');
    const two = await producer('two');
    await publish(one.nc, one.key.subject, 'x');
    await untilStored(before + 1);
    await program.commandLine('sources', 'revoke', 'one');
    await expect(publish(one.nc, one.key.subject, 'y', 500)).rejects.toThrow();
    await publish(two.nc, two.key.subject, 'x');
    await untilStored(before + 2);
    await Promise.all([one.nc.close(), two.nc.close()]);
  });

  test('acknowledged while the program is killed, its server with it, and ingest alone: each is there once', async () => {
    const before = await stored();
    const { key, nc } = await producer('steady');
    const acked = new Set<string>();
    let next = 0;
    let isOver = false;
    const sending = Array.from({ length: 8 }, async () => {
      while (!isOver || next < 2000) {
        const id = String(next++);
        while (!acked.has(id))
          await publish(nc, key.subject, id).then(
            () => acked.add(id),
            () => new Promise((resolve) => setTimeout(resolve, 20)),
          );
      }
    });
    const acks = (count: number): Promise<unknown> =>
      waitFor(() => (acked.size >= count ? true : undefined), {
        what: () => `${count} acks, now ${acked.size}; ${program.stderr.slice(-500)}`,
        withinMs: 30_000,
      });
    await acks(300);
    process.kill(program.pid, 'SIGKILL');
    await waitFor(() => (program.isRunning || busPid(program.dataDir) !== undefined ? undefined : true), {
      what: () => 'both to end',
      withinMs: 20_000,
    });
    await program.restart();
    await acks(800);
    process.kill(busPid(program.dataDir) ?? 0, 'SIGKILL');
    await acks(1500);
    isOver = true;
    await Promise.all(sending);
    await untilStored(before + acked.size);
    await nc.close();
  });
});
