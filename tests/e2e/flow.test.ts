/** Flow control of the running program: quotas to the event, streams that never refuse while everything is read, ids over a restart. */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, Program } from './program.ts';

const missing = notRunnable();
const RULES = { rules: {} as Record<string, string> };

interface Status {
  readonly scope: string;
  readonly events: { readonly stored: number };
  readonly streams: readonly { readonly stream: string; readonly messages: number; readonly bytes: number }[] | null;
  readonly lag: readonly { readonly reader: string; readonly stream: string; readonly messages: number; readonly level: string }[] | null;
  readonly refused: readonly { readonly reason: string; readonly requests: number; readonly events: number }[];
  readonly gaps: number | null;
}

const statusOf = async (program: Program, token?: string): Promise<Status> =>
  (await program.call<Status>('GET', '/status', { token })).body;

const lines = (from: number, count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, i) => beat('x', { eventID: `e${from + i}` })));

test('ten times a quota: accepted and refused make what was sent, others pass, and a change is in force at once', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start(RULES);
  const [noisy, quiet] = [await program.addSource('noisy'), await program.addSource('quiet')];
  const set = await program.call('POST', '/quotas', { body: { source: 'noisy', eventsPerSecond: 100, burstSeconds: 1 } });
  expect(set.status, set.text).toBe(200);
  let [sent, accepted, refused] = [0, 0, 0];
  const begunMs = performance.now();
  for (let i = 0; i < 100; i++) {
    const answer = await program.post(noisy, lines(sent, 20));
    sent += 20;
    if (answer.status === 202) accepted += 20;
    else {
      expect(answer.status, answer.text).toBe(429);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      refused += 20;
    }
    if (i % 10 === 0) expect((await program.post(quiet, lines(i, 1))).status).toBe(202);
  }
  const seconds = (performance.now() - begunMs) / 1000;
  expect(accepted + refused).toBe(sent);
  expect(accepted).toBeGreaterThanOrEqual(100);
  expect(accepted).toBeLessThanOrEqual(100 + 100 * seconds + 20);
  await program.settle();
  expect(await program.eventsStored()).toBe(accepted + 10);
  const { refused: counted } = await statusOf(program);
  expect(counted.find(({ reason }) => reason === 'flow.over_quota')).toMatchObject({ requests: refused / 20 });
  const { body } = await program.call<{ sources: { name: string; refused: { requests: number }[] }[] }>('GET', '/sources');
  expect(body.sources.find(({ name }) => name === 'noisy')?.refused[0]?.requests).toBe(refused / 20);
  expect(body.sources.find(({ name }) => name === 'quiet')?.refused).toEqual([]);

  await program.call('POST', '/quotas', { body: { source: 'noisy', eventsPerSecond: 0 } });
  expect((await program.post(noisy, lines(sent, 500))).status).toBe(202);
});

test('a stream at its limit with everything read never refuses; what was read makes room', async (context) => {
  if (missing !== undefined) context.skip(missing);
  const settings = 'bus: { eventsMaxBytes: 4MiB }\nretention: { checkEvery: 200ms }\nlog: { level: info }\n';
  await using program = await Program.start({ ...RULES, settings });
  const token = await program.addSource('flood');
  for (let i = 0; i < 60; i++) {
    const records = Array.from({ length: 8 }, (_, k) =>
      beat('x', { eventID: `${i}-${k}`, noise: randomBytes(24 * 1024).toString('base64') }),
    );
    const answer = await program.post(token, JSON.stringify(records));
    expect(answer.status, answer.text).toBe(202);
  }
  await program.settle();
  expect(await program.eventsStored()).toBe(480);
  const status = await statusOf(program);
  expect(status.streams?.find(({ stream }) => stream === 'EVENTS_LIVE')?.bytes).toBeLessThan(4 * 1024 * 1024);
  expect(program.stderr).toContain('Removed the oldest of a stream');
  // Rebuilt from a log whose head is gone: what is missing there was removed, not refused.
  expect(status.gaps).toBe(0);
  await waitFor(async () => ((await statusOf(program)).lag?.every(({ messages }) => messages === 0) ? true : undefined), {
    what: () => 'every reader to have read all',
    withinMs: 20_000,
  });
});

test('a tenant is held to his bytes: refused or made room for, and the others do not notice', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start({ ...RULES, settings: 'retention: { checkEvery: 200ms }\nlog: { level: info }\n' });
  const token = await program.addSource('big');
  await program.call('POST', '/quotas', { body: { storedBytes: 1024 * 1024 } });
  const answers = new Map<number, number>();
  for (let i = 0; i < 30; i++) {
    const { status } = await program.post(
      token,
      JSON.stringify(beat('x', { eventID: `${i}`, noise: randomBytes(96 * 1024).toString('base64') })),
    );
    answers.set(status, (answers.get(status) ?? 0) + 1);
  }
  expect([...answers.keys()].every((status) => status === 202 || status === 429)).toBe(true);
  await waitFor(async () => ((await program.post(token, JSON.stringify(beat('x')))).status === 202 ? true : undefined), {
    what: () => 'room for the tenant again',
    withinMs: 20_000,
  });
  // How far he gets beyond his bytes between two looks is a matter of his speed; the next look brings him back.
  const keptBytes = async (): Promise<number> =>
    (await statusOf(program)).streams?.find(({ stream }) => stream === 'EVENTS_LIVE')?.bytes ?? Number.POSITIVE_INFINITY;
  await waitFor(async () => ((await keptBytes()) <= 1024 * 1024 ? true : undefined), {
    what: () => 'what is kept to be within the quota',
    withinMs: 20_000,
  });
  expect(program.stderr).toContain('quota of tenant');
});

test('a resend after a restart is answered duplicate with the position of the first', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start(RULES);
  const token = await program.addSource('edr');
  const send = () => program.post(token, lines(0, 50), { 'idempotency-key': 'batch-1' });
  const first = await send();
  expect(first.body.items?.every(({ status }) => status === 'stored')).toBe(true);
  const positionsOf = async (): Promise<(string | undefined)[]> => {
    const items = (await send()).body.items as unknown as { status: string; position?: string }[];
    return items.map(({ status, position }) => (status === 'duplicate' ? position : undefined));
  };
  const positions = await positionsOf();
  expect(new Set(positions).size).toBe(1);
  await program.settle();
  await program.stop();
  await program.restart();
  expect(await positionsOf()).toEqual(positions);
  await program.settle();
  const { body } = await program.call<{ sources: { name: string; events: number }[] }>('GET', '/sources');
  expect(body.sources[0]?.events).toBe(50);
});

test('a tenant sees his own numbers only, cannot widen his own quota, and refused attempts are on his trail', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using program = await Program.start(RULES);
  const own = await program.addSource('mine');
  await program.post(own, lines(0, 7));
  await program.settle();
  const admin = await program.addCredential('acme', { roles: ['admin'] });
  const theirs = await program.addSource('theirs', 'json', admin);
  await program.post(theirs, lines(0, 3));
  await program.settle();
  expect(await statusOf(program)).toMatchObject({ scope: 'installation', events: { stored: 10 } });
  expect(await statusOf(program, admin)).toMatchObject({ scope: 'tenant', events: { stored: 3 }, streams: null, lag: null, gaps: null });

  expect((await program.call('POST', '/quotas', { token: admin, body: { eventsPerSecond: 0 } })).status).toBe(403);
  expect((await program.call('POST', '/quotas', { token: admin, body: { tenant: 'default', source: 'mine' } })).status).toBe(403);
  expect((await program.call('POST', '/quotas', { token: admin, body: { source: 'theirs', eventsPerSecond: 5 } })).status).toBe(200);
  expect((await program.call('POST', '/quotas', { body: { tenant: 'acme', eventsPerSecond: 9 } })).status).toBe(200);
  expect((await program.call('POST', '/quotas', { body: { tenant: 'acme', source: 'nobody', eventsPerSecond: 9 } })).status).toBe(404);
  expect((await program.call('POST', '/quotas', { body: { tenant: 'nobody', eventsPerSecond: 9 } })).status).toBe(404);

  for (let i = 0; i < 3; i++) expect((await program.post(admin, lines(0, 1))).status).toBe(403);
  interface Trail {
    readonly records: { readonly id: string; readonly phase: string; readonly action: string; readonly atMs: number }[];
    readonly next?: string;
  }
  const page = (query: string): Promise<Trail> => program.call<Trail>('GET', `/audit?${query}`, { token: admin }).then(({ body }) => body);
  const whole = await waitFor(
    async () => {
      const trail = await page('limit=100');
      return trail.records.some(({ action }) => action === 'events.write') ? trail : undefined;
    },
    { what: () => 'the refused attempt on AUDIT', withinMs: 10_000 },
  );
  expect(whole.records.filter(({ phase, action }) => phase === 'refused' && action === 'events.write')).toHaveLength(1);
  expect(whole.next).toBeUndefined();
  const paged: Trail['records'] = [];
  for (let next: string | undefined = ''; next !== undefined; ) {
    const trail: Trail = await page(`limit=2${next === '' ? '' : `&before=${next}`}`);
    paged.unshift(...trail.records);
    next = trail.next;
  }
  expect(paged).toEqual(whole.records);
});
