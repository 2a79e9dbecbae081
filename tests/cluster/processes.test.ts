/** Duties of one installation in several processes over one NATS: the built program, killed, stopped and started, with rules that change meanwhile. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openNatsBus } from '@tocsin/bus/nats';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { beat, Program, wordRule } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { launch, type TocsinRun } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';
import { NatsCluster } from './nats-cluster.ts';

const missing = notRunnable();
const READY_MS = 60_000;
/** What a takeover may take on a machine that does other things as well; on an idle one it is under five seconds. */
const TAKEOVER_MS = 15_000;
const TOKEN = 'a-token-of-the-test';
const SOURCES = 6;

interface Member {
  readonly member: string;
  readonly duties: readonly string[];
  readonly partitions: readonly number[];
  readonly foldShards: readonly number[];
  readonly answers: boolean;
  readonly memoryBytes: number | null;
  readonly states: readonly { readonly state: string }[] | null;
}

interface Status {
  readonly state: string;
  readonly listeners: readonly {
    readonly member: string | null;
    readonly kind: string;
    readonly refused: Readonly<Record<string, number>>;
  }[];
  readonly members: readonly Member[];
  readonly duties: readonly { readonly duty: string; readonly state: string; readonly reason?: string }[];
}

describe('duties in several processes', needs(missing), () => {
  let nats: NatsCluster;
  let front: Program;
  let folder: string;
  const workers = new Map<string, TocsinRun>();
  const tokens: string[] = [];
  const sent = new Map<string, number>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tocsin-processes-'));
    const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
    nats = await NatsCluster.start({ binary, servers: 1, more: `authorization { token: "${TOKEN}" }` });
    const rules = join(folder, 'rules');
    mkdirSync(rules);
    writeFileSync(join(rules, 'hit.yml'), wordRule('hit', 'hit'));
    const external = `bus: { external: { servers: [${JSON.stringify(nats.urls[0])}], token: ${TOKEN} } }`;
    writeFileSync(
      join(folder, 'tocsin.yml'),
      `${external}\ndetect: { idleAfter: 30s, foldShards: 3 }\nrules: { shipped: false, folders: [${JSON.stringify(rules)}] }\n`,
    );
    front = await Program.start({ args: ['--config', join(folder, 'tocsin.yml'), '--duties', 'ingest,api,store'] });
  }, 120_000);

  afterAll(async () => {
    for (const run of workers.values()) run.child.kill('SIGKILL');
    await Promise.all([...workers.values()].map((run) => run.ended));
    await front?.[Symbol.asyncDispose]();
    await nats?.[Symbol.asyncDispose]();
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  const status = async (): Promise<Status> => (await front.call<Status & Record<string, unknown>>('GET', '/status')).body;
  const startWorker = async (name: string, duties = 'match,correlate'): Promise<void> => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir, { mode: 0o700, recursive: true });
    const run = launch({ dataDir, args: ['--config', join(folder, 'tocsin.yml'), '--duties', duties] });
    workers.set(name, run);
    await waitFor(() => (run.said().includes('is ready') ? true : undefined), { what: () => `${name}: ${run.said()}`, withinMs: READY_MS });
  };
  /** Resolves when everything is held by this many members. */
  const shared = (holders: number): Promise<Status> =>
    waitFor(
      async () => {
        const now = await status();
        const holding = now.members.filter((one) => one.partitions.length + one.foldShards.length > 0);
        return now.state === 'ready' && holding.length === holders ? now : undefined;
      },
      { what: () => `${holders} members to share everything`, withinMs: READY_MS },
    );
  const post = async (act: string): Promise<void> => {
    await Promise.all(
      tokens.map(async (token, i) => {
        const host = `h${i}`;
        const id = `${act}-${host}-${(sent.get(host) ?? 0) + 1}`;
        const { status: code } = await front.post(token, JSON.stringify({ ...beat(act, { host }), id }));
        expect(code).toBe(202);
        sent.set(host, (sent.get(host) ?? 0) + 1);
      }),
    );
  };
  const counts = async (): Promise<Map<string, number>> =>
    new Map((await front.alerts('?rule=hit&limit=100')).map((alert) => [alert.groupBy['host'] ?? '', alert.count]));

  test('says which duties nobody has, and divides the work among those who come', async () => {
    const alone = await status();
    expect(alone.state).toBe('degraded');
    expect(alone.duties.filter((one) => one.state === 'failed').map((one) => [one.duty, one.reason])).toEqual([
      ['match', 'no process with this duty is alive'],
      ['correlate', 'no process with this duty is alive'],
    ]);
    expect((await front.call('GET', '/rules')).status).toBe(503);
    await Promise.all([startWorker('w1'), startWorker('w2')]);
    const both = await shared(2);
    const held = both.members.flatMap((one) => one.partitions);
    expect(held.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    for (let i = 0; i < SOURCES; i++) tokens.push(await front.addSource(`s${i}`));
    for (let i = 0; i < 10; i++) await post('hit');
    await front.settle();
    expect(Object.fromEntries(await counts())).toEqual(Object.fromEntries(sent));
  }, 120_000);

  test('takes over from a process that is killed, and loses and repeats nothing', async () => {
    for (let i = 0; i < 5; i++) await post('hit');
    const killedMs = performance.now();
    workers.get('w1')?.child.kill('SIGKILL');
    await post('hit');
    await waitFor(
      async () => {
        const seen = await counts();
        return [...sent].every(([host, count]) => seen.get(host) === count) ? true : undefined;
      },
      { what: () => 'every event after the kill to be counted', withinMs: TAKEOVER_MS },
    );
    process.stdout.write(`takeover after ${Math.round(performance.now() - killedMs)} ms\n`);
    await shared(1);
  }, 120_000);

  test('fences a process that slept through its lease, and goes on with it', async () => {
    await startWorker('w1');
    await shared(2);
    workers.get('w2')?.child.kill('SIGSTOP');
    for (let i = 0; i < 3; i++) await post('hit');
    await waitFor(
      async () => {
        const seen = await counts();
        return [...sent].every(([host, count]) => seen.get(host) === count) ? true : undefined;
      },
      { what: () => 'every event to be counted while its owner sleeps', withinMs: TAKEOVER_MS },
    );
    workers.get('w2')?.child.kill('SIGCONT');
    for (let i = 0; i < 5; i++) await post('hit');
    await shared(2);
    await post('hit');
    await front.settle();
    expect(Object.fromEntries(await counts())).toEqual(Object.fromEntries(sent));
    workers.get('w1')?.child.kill('SIGTERM');
    expect(await workers.get('w1')?.ended).toBe(0);
    await shared(1);
  }, 120_000);

  test('says what every process says of itself, and lets in by a process that has nothing but doors', async () => {
    await startWorker('door', 'ingest');
    const { url } = JSON.parse(readFileSync(join(folder, 'door', 'run.json'), 'utf8')) as { url: string };
    const send = (token: string): Promise<Response> =>
      fetch(`${url}/api/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...beat('quiet', { host: 'door' }), id: 'door-1' }),
      });
    expect((await send('tocsin_source_unknown')).status).toBe(401);
    await waitFor(async () => ((await send(tokens[0] ?? '')).status === 202 ? true : undefined), {
      what: () => 'the door to know the source',
      withinMs: READY_MS,
    });
    const now = await status();
    const door = now.members.find((one) => one.duties.join() === 'ingest');
    expect(door).toMatchObject({ answers: true, states: [] });
    expect(now.members.every((one) => one.answers && (one.memoryBytes ?? 0) > 10_000_000)).toBe(true);
    const refused = now.listeners.find((one) => one.member === door?.member.replace(/-front$/, '') && one.kind === 'http')?.refused;
    expect(refused).toEqual({ 'auth.refused': 1 });
    const owner = workers.get('w1')?.child.exitCode === null ? 'w1' : 'w2';
    workers.get(owner)?.child.kill('SIGSTOP');
    const hung = await status();
    workers.get(owner)?.child.kill('SIGCONT');
    expect(hung.members.filter((one) => !one.answers)).toHaveLength(1);
    expect(hung.state).toBe('degraded');
    workers.get('door')?.child.kill('SIGTERM');
    expect(await workers.get('door')?.ended).toBe(0);
  }, 120_000);

  test('answers what only another process knows', async () => {
    const [alert] = await front.alerts('?rule=hit&limit=1');
    const explained = await front.call<{ ruleSet: string; explanations: unknown[] }>('GET', `/alerts/${alert?.id}/explanation`);
    expect(explained.body.explanations.length).toBeGreaterThan(0);
    expect((await front.call<{ rules: unknown[] }>('GET', '/rules')).body.rules).toHaveLength(1);
    expect((await front.call('GET', '/rules/coverage')).status).toBe(200);
    expect((await front.call('GET', '/rules/cost')).status).toBe(200);
  });

  test('judges each event by one rule set while rules change, whoever joins and leaves', async () => {
    const posting = (async () => {
      for (let i = 0; i < 40; i++) await post('hit');
    })();
    await startWorker('w3');
    for (let i = 0; i < 10; i++) {
      const added = await front.addRules({ [`r${i}.yml`]: wordRule(`r${i}`, `word${i}`) });
      expect(added.body.inForce).toBe(true);
    }
    await shared(2);
    workers.get('w2')?.child.kill('SIGTERM');
    expect(await workers.get('w2')?.ended).toBe(0);
    await posting;
    await post('hit');
    await front.settle();
    expect(Object.fromEntries(await counts())).toEqual(Object.fromEntries(sent));
    await using bus = await openNatsBus({ servers: nats.urls, login: { token: TOKEN }, site: 'local', name: 'test' });
    const orders = new Map<number, number>();
    const judged: string[] = [];
    for await (const { body } of bus.read('tocsin.matches.>', 'first')) {
      const step = JSON.parse(Buffer.from(body).toString()) as {
        partition: number;
        order: number;
        matches: { evidence: { source: string; eventId: string } }[];
      };
      expect(step.order).toBeGreaterThanOrEqual(orders.get(step.partition) ?? 0);
      orders.set(step.partition, step.order);
      judged.push(...step.matches.map(({ evidence }) => `${evidence.source} ${evidence.eventId}`));
    }
    expect(new Set(judged).size).toBe(judged.length);
    expect(judged).toHaveLength([...sent.values()].reduce((a, b) => a + b, 0));
  }, 120_000);
});

describe('all duties in one process over a NATS of others', needs(missing), () => {
  test('looks after the streams: it knows how far each of its own readers is', async () => {
    const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
    await using nats = await NatsCluster.start({ binary, servers: 1 });
    await using program = await Program.start({
      settings: `bus: { external: { servers: [${JSON.stringify(nats.urls[0])}] } }\n`,
      rules: { 'hit.yml': wordRule('hit', 'hit') },
    });
    await program.post(await program.addSource('edr', 'json'), JSON.stringify(beat('hit')));
    await program.settle();
    interface Lag {
      readonly stream: string;
      readonly reader: string;
      readonly isCurrent: boolean;
      readonly messages: number;
    }
    const lag = await waitFor(
      async () => {
        const rows = (await program.call<{ lag: Lag[] | null }>('GET', '/status')).body.lag ?? [];
        return rows.length > 0 && rows.every(({ isCurrent, messages }) => isCurrent && messages === 0) ? rows : undefined;
      },
      { what: () => `every reader to be known and at the end; tocsin said:\n${program.stderr.slice(-3000)}`, withinMs: 30_000 },
    );
    expect(lag.map(({ reader }) => reader)).toEqual(expect.arrayContaining(['match', 'correlate', 'store']));
    expect(program.stderr).not.toContain('looking after the streams');
  }, 90_000);
});
