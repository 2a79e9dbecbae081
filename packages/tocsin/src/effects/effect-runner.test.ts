/** The runner over a memory bus, and webhooks against a real HTTP server that fails, hangs and answers all kinds of statuses. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CompleteBus } from '@tocsin/bus';
import { type Alert, systemClock } from '@tocsin/core';
import { Secret } from '@tocsin/core/setting';
import { openInbox } from '@tocsin/store';
import { afterEach, describe, expect, it } from 'vitest';
import { openGround, running, until } from '../../test/ground.ts';
import { type DeadLetter, readDeadLetter, type StoredDeadLetter } from '../deadletters/dead-letter.ts';
import { createDrop } from '../deadletters/drop.ts';
import { redriveDeadLetter } from '../deadletters/settle-dead-letter.ts';
import { alertSubject, DEADLETTER_FILTER } from '../subjects.ts';
import { type EffectConsumer, runEffects } from './effect-runner.ts';
import { createWebhook, signature, type WebhookOptions } from './webhook.ts';

interface Seen {
  readonly key: string;
  readonly signature: string;
  readonly body: string;
}

/** What the server does with the nth request, from 1. */
type Script = (n: number, seen: Seen, answer: ServerResponse) => void;

let server: Server | undefined;
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function listen(script: Script): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  server = createServer((request: IncomingMessage, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        key: String(request.headers['idempotency-key']),
        signature: String(request.headers['tocsin-signature']),
        body: Buffer.concat(chunks).toString(),
      };
      seen.push(one);
      script(seen.length, one, answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, seen };
}

function status(code: number, headers: Readonly<Record<string, string>> = {}): (answer: ServerResponse) => void {
  return (answer) => void answer.writeHead(code, headers).end();
}

function alertOf(id: string, more: Partial<Alert> = {}): Alert {
  return { id, tenant: 'acme', origin: 'live', severity: 4, foldRevision: 1, ...more } as Alert;
}

let messages = 0;
async function publish(bus: CompleteBus, alert: Alert): Promise<void> {
  messages += 1;
  await bus.commit([{ subject: alertSubject('acme', alert.id), id: `m${messages}`, body: Buffer.from(JSON.stringify(alert)) }]);
}

function start(bus: CompleteBus, consumer: EffectConsumer, pausesMs = [5, 5, 5, 5, 5]): ReturnType<typeof running> {
  const giveUp = new AbortController().signal;
  const onTrouble = (): void => undefined;
  const drop = createDrop({ bus, clock: systemClock, onTrouble, giveUp });
  return running((signal) =>
    runEffects(consumer, { bus, drop, clock: systemClock, random: () => 0.5, onTrouble, signal, giveUp, pausesMs }),
  );
}

function webhook(url: string, more: Partial<WebhookOptions> = {}): EffectConsumer {
  const inbox = openInbox({ path: ':memory:', clock: systemClock });
  const options = {
    name: 'pager',
    url,
    tenant: 'acme',
    minSeverity: 3,
    origins: new Set(['live']),
    // Longer than any pause of a busy machine: a second attempt is then one that was meant.
    timeoutMs: 10_000,
    allowPrivate: true,
    clock: systemClock,
    inbox,
    version: 'test',
  };
  return createWebhook({ ...options, secret: new Secret('s3cret'), ...more } as WebhookOptions);
}

async function letters(bus: CompleteBus): Promise<StoredDeadLetter[]> {
  const found: StoredDeadLetter[] = [];
  for await (const stored of bus.read(DEADLETTER_FILTER, 'first')) found.push(readDeadLetter(stored));
  return found;
}

async function settled(bus: CompleteBus): Promise<boolean> {
  const { consumers } = await bus.info('tocsin.alerts.>');
  return consumers.length > 0 && consumers.every(({ pending, unacknowledged }) => pending + unacknowledged === 0);
}

async function deliver(
  script: Script,
  alerts: readonly Alert[],
  more: Partial<WebhookOptions> = {},
): Promise<{ seen: Seen[]; dead: DeadLetter[] }> {
  const { bus } = await openGround();
  const { url, seen } = await listen(script);
  const sink = start(bus, webhook(url, more));
  await until(async () => (await bus.info('tocsin.alerts.>')).consumers.length === 1);
  for (const alert of alerts) await publish(bus, alert);
  await until(() => settled(bus), 25_000);
  await sink.stop();
  return { seen, dead: (await letters(bus)).map(({ letter }) => letter) };
}

describe('a webhook', () => {
  it('is told of each change of an alert of its severity, signed over the exact bytes, with a key of its own', async () => {
    const { seen, dead } = await deliver(
      (_, __, answer) => status(204)(answer),
      [
        alertOf('a1'),
        alertOf('b2', { severity: 2 }),
        alertOf('a1', { foldRevision: 2 }),
        alertOf('a1', { foldRevision: 2, lastAct: { kind: 'resolve', actor: 'anna', atMs: 7 } }),
      ],
    );
    expect(dead).toEqual([]);
    expect(seen.map(({ key }) => key).sort()).toEqual(['a1.1', 'a1.2', 'a1.2.resolve.7']);
    for (const one of seen) {
      const [, seconds, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(one.signature) ?? [];
      expect(mac).toBe(createHmac('sha256', 's3cret').update(`${seconds}.${one.body}`).digest('hex'));
      expect(JSON.parse(one.body)).toMatchObject({ type: 'tocsin.alert', key: one.key, alert: { tenant: 'acme' } });
    }
  });

  it('is told of nothing that was not found as it happened, unless it asks for it', async () => {
    const alerts = [
      alertOf('a1', { origin: 'catch-up' }),
      alertOf('a2', { changedBy: 'catch-up' }),
      alertOf('a3', { origin: 'redrive' }),
      alertOf('a4'),
    ];
    const keys = async (more: Partial<WebhookOptions>): Promise<string[]> =>
      (await deliver((_, __, answer) => status(204)(answer), alerts, more)).seen.map(({ key }) => key).sort();
    expect(await keys({})).toEqual(['a4.1']);
    expect(await keys({ origins: new Set(['live', 'catch-up']) })).toEqual(['a1.1', 'a2.1', 'a4.1']);
  });

  it.each([
    ['answers 500', status(500)],
    ['answers 429', status(429, { 'retry-after': '0' })],
    ['hangs up', (answer: ServerResponse): void => void answer.socket?.destroy()],
  ])('is tried again while the other side %s, with the same key', async (_, fail) => {
    const { seen, dead } = await deliver((n, __, answer) => (n < 3 ? fail(answer) : status(200)(answer)), [alertOf('a1')]);
    expect(seen.map(({ key }) => key)).toEqual(['a1.1', 'a1.1', 'a1.1']);
    expect(dead).toEqual([]);
  });

  it('is tried again while the other side never answers, with the same key', async () => {
    const script: Script = (n, _, answer) => (n < 3 ? undefined : status(200)(answer));
    const { seen, dead } = await deliver(script, [alertOf('a1')], { timeoutMs: 300 });
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen.map(({ key }) => key))).toEqual(new Set(['a1.1']));
    expect(dead).toEqual([]);
  });

  it('is a dead letter at once where the other side will never take it, and after six attempts where it does not', async () => {
    const refused = await deliver((_, __, answer) => status(400)(answer), [alertOf('a1')]);
    expect(refused.seen).toHaveLength(1);
    expect(refused.dead).toMatchObject([{ consumer: 'webhook-pager', tenant: 'acme', reason: 'refused', attempts: 1, kind: 'message' }]);
    const failing = await deliver((_, __, answer) => status(503)(answer), [alertOf('a1')]);
    expect(failing.seen).toHaveLength(6);
    expect(failing.dead).toMatchObject([{ reason: 'exhausted', attempts: 6 }]);
    expect(failing.dead[0]?.errors.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(failing.dead[0]?.errors.every(({ text }) => text.includes('503'))).toBe(true);
  });

  it('follows no redirect and connects to no private address unless it may', async () => {
    const moved = await deliver((_, __, answer) => status(302, { location: 'http://127.0.0.1:1/' })(answer), [alertOf('a1')]);
    expect(moved.dead).toMatchObject([{ reason: 'refused' }]);
    const forbidden = await deliver((_, __, answer) => status(200)(answer), [alertOf('a1')], { allowPrivate: false });
    expect(forbidden.seen).toEqual([]);
    expect(forbidden.dead).toMatchObject([{ reason: 'refused', attempts: 1 }]);
  });

  it('one that hangs holds up no other message', async () => {
    const { seen } = await deliver(
      (_, { key }, answer) => (key.startsWith('slow') ? undefined : status(200)(answer)),
      [alertOf('slow0'), ...Array.from({ length: 20 }, (_, i) => alertOf(`fast${i}`))],
      { timeoutMs: 300 },
    );
    const firstFast = seen.findIndex(({ key }) => key.startsWith('fast'));
    expect(firstFast).toBeLessThan(2);
    // One that came late under load is sent again.
    expect(new Set(seen.map(({ key }) => key).filter((key) => key.startsWith('fast'))).size).toBe(20);
  });

  it('delivers once what is delivered twice, and what was redriven when the other side is well again', async () => {
    const { bus } = await openGround();
    let isWell = false;
    const { url, seen } = await listen((_, __, answer) => status(isWell ? 200 : 400)(answer));
    const inbox = openInbox({ path: ':memory:', clock: systemClock });
    const sink = start(bus, webhook(url, { inbox }));
    await until(async () => (await bus.info('tocsin.alerts.>')).consumers.length === 1);
    for (let i = 0; i < 5; i++) await publish(bus, alertOf(`a${i}`));
    await until(async () => (await letters(bus)).length === 5);
    isWell = true;
    seen.length = 0;
    let ids = 0;
    const deps = {
      bus,
      clock: systemClock,
      nextId: () => `n${(ids += 1)}`,
      privileged: async <T>(_: unknown, __: unknown, effect: () => Promise<T>) => effect(),
    };
    const who = { tenant: 'acme', actor: 'anna', roles: ['admin'] as const, credentialId: 'c' };
    for (const stored of await letters(bus)) await redriveDeadLetter(deps, who, stored);
    await until(() => seen.length === 5);
    // Everything once more, as after an outage of the bus: the inbox knows it all.
    for (let i = 0; i < 5; i++) await publish(bus, alertOf(`a${i}`));
    await publish(bus, alertOf('last'));
    await until(() => seen.some(({ key }) => key === 'last.1'));
    await sink.stop();
    expect(seen.map(({ key }) => key).sort()).toEqual(['a0.1', 'a1.1', 'a2.1', 'a3.1', 'a4.1', 'last.1']);
    expect((await letters(bus)).every(({ letter }) => letter.state === 'redriven')).toBe(true);
  });
});

describe('the runner', () => {
  it('gives up what is delivered again and again and never settled: it may end the process', async () => {
    const { bus } = await openGround();
    await using subscription = await bus.subscribe('tocsin.alerts.acme.*', { group: 'killer', start: 'new' });
    await publish(bus, alertOf('k'));
    // Nine processes took it and ended.
    let taken = 0;
    for await (const delivery of subscription) {
      taken += 1;
      delivery.retry({ afterMs: 1 });
      if (taken === 9) break;
    }
    await subscription[Symbol.asyncDispose]();
    let handled = 0;
    const consumer: EffectConsumer = {
      name: 'killer',
      filter: 'tocsin.alerts.acme.*',
      tenantOf: () => 'acme',
      async handle() {
        handled += 1;
      },
    };
    const sink = start(bus, consumer);
    await until(async () => (await letters(bus)).length === 1);
    await sink.stop();
    expect(handled).toBe(0);
    expect((await letters(bus)).map(({ letter }) => letter)).toMatchObject([{ reason: 'crashed', attempts: 10 }]);
  });

  it('counts attempts, not deliveries: what was delivered again and again before it was tried is tried as often as any other', async () => {
    const { bus } = await openGround();
    await using subscription = await bus.subscribe('tocsin.alerts.acme.*', { group: 'late', start: 'new' });
    await publish(bus, alertOf('k'));
    let taken = 0;
    for await (const delivery of subscription) {
      taken += 1;
      delivery.retry({ afterMs: 1 });
      if (taken === 8) break;
    }
    await subscription[Symbol.asyncDispose]();
    const attempts: number[] = [];
    const consumer: EffectConsumer = {
      name: 'late',
      filter: 'tocsin.alerts.acme.*',
      tenantOf: () => 'acme',
      async handle({ attempt }) {
        attempts.push(attempt);
        throw new Error('fails');
      },
    };
    const sink = start(bus, consumer);
    await until(async () => (await letters(bus)).length === 1);
    await sink.stop();
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await letters(bus)).map(({ letter }) => letter)).toMatchObject([{ reason: 'threw', attempts: 6 }]);
  });

  it('does not settle a message whose dead letter cannot be stored', async () => {
    const { bus } = await openGround();
    const failing: CompleteBus = Object.create(bus, {
      last: { value: () => Promise.reject(new Error('no')) },
      commit: { value: () => Promise.reject(new Error('the disk is full')) },
    }) as CompleteBus;
    const onTrouble = (): void => undefined;
    const giveUp = new AbortController().signal;
    let handled = 0;
    const consumer: EffectConsumer = {
      name: 'c',
      filter: 'tocsin.alerts.acme.*',
      tenantOf: () => 'acme',
      async handle() {
        handled += 1;
        throw new Error('fails');
      },
    };
    const drop = createDrop({ bus: failing, clock: systemClock, onTrouble, giveUp });
    const sink = running((signal) =>
      runEffects(consumer, { bus, drop, clock: systemClock, random: () => 0.5, onTrouble, signal, giveUp, pausesMs: [1] }),
    );
    await until(async () => (await bus.info('tocsin.alerts.>')).consumers.length === 1);
    await publish(bus, alertOf('a'));
    await until(() => handled >= 4);
    expect((await bus.info('tocsin.alerts.>')).consumers[0]?.unacknowledged).toBe(1);
    await sink.stop();
    expect(await letters(bus)).toEqual([]);
  });
});

it('signs the time with the body', () => {
  const secret = new Secret('k');
  expect(signature(secret, Buffer.from('x'), 1_000_000)).toBe(`t=1000,v1=${createHmac('sha256', 'k').update('1000.x').digest('hex')}`);
});
