/**
 * Catch-up of history: days of events of several sources and both lanes, judged late by one of two installations, which is killed in the
 * middle of it and goes on by itself. Its alerts end with the ids, counts and times of the installation that missed nothing.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { createRandom } from '../seeded-random.ts';
import { type AlertBody, beat, Program, wordRule } from './program.ts';

const missing = notRunnable();
const BATCHES = 120;
const BATCH_EVENTS = 500;
/** Share of the batches that come before the rules do. */
const MISSED = 0.7;
/** Longer than sources are waited for, milliseconds. */
const IDLE_MS = 60_000;
const SOURCES = ['s1', 's2', 's3', 's4', 's5'];

const count = (id: string, condition: string, timespan: string): string =>
  `---\ntitle: ${id}\nid: ${id}\ncorrelation:\n  type: event_count\n  rules: [seen]\n  group-by: [host]\n  timespan: ${timespan}\n  generate: true\n  condition: ${condition}\nlevel: high\n`;
const ALWAYS = { 'other.yml': wordRule('other', 'other') };
const LATE = { 'seen.yml': `${wordRule('seen', 'seen')}${count('burst', '{ gte: 12 }', '10m')}${count('exact', '{ eq: 3 }', '1m')}` };

interface Job {
  readonly state: string;
  readonly share: number;
  readonly judged: number;
  readonly gone: number;
  readonly reason?: string;
}

async function addSources(program: Program): Promise<string[]> {
  return await Promise.all(
    SOURCES.map(async (name, i) => {
      const body = { name, format: 'json', lane: i % 2 === 0 ? 'live' : 'bulk' };
      return (await program.call<{ token: string }>('POST', '/sources', { body })).body.token;
    }),
  );
}

/** Every alert of the rules, as far as two installations can be compared. */
async function shownBy(program: Program): Promise<string[]> {
  const shown: string[] = [];
  for (const rule of ['seen', 'burst', 'exact'])
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page: { alerts: (AlertBody & { firstMs: number; lastMs: number })[]; next?: string } = (
        await program.call<{ alerts: (AlertBody & { firstMs: number; lastMs: number })[]; next?: string }>(
          'GET',
          `/alerts?rule=${rule}&limit=1000${after === '' ? '' : `&after=${after}`}`,
        )
      ).body;
      shown.push(...page.alerts.map((one) => `${one.rule.id} ${one.groupBy['host']} ${one.id} ${one.count} ${one.firstMs} ${one.lastMs}`));
      after = page.next;
    }
  return shown.sort();
}

test('a catch-up over days that is killed goes on, and misses nothing', { timeout: 180_000, ...needs(missing) }, async () => {
  await using whole = await Program.start({ rules: ALWAYS });
  await using partly = await Program.start({ rules: ALWAYS });
  const tokens = [await addSources(whole), await addSources(partly)] as const;
  await whole.addRules(LATE);
  const random = createRandom(7);
  const startMs = Date.now() - 26 * 3_600_000;
  const send = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      const lines = Array.from({ length: BATCH_EVENTS }, (_, j) => {
        const timestamp = new Date(startMs + (i * BATCH_EVENTS + j) * 1000).toISOString();
        // Hosts of one source each: which of several partitions' events two installations read first may differ, and with it the anchor.
        const host = `h${i % SOURCES.length}${Math.floor(random() * 2)}`;
        return JSON.stringify(beat(random() < 0.05 ? 'seen' : 'noise', { host, timestamp }));
      });
      const headers = { 'content-type': 'application/x-ndjson', 'idempotency-key': `batch-${i}` };
      const source = i % SOURCES.length;
      await Promise.all([whole, partly].map((one, p) => one.post(tokens[p]?.[source] ?? '', lines.join('\n'), headers)));
    }
    await Promise.all([whole.settle(), partly.settle()]);
  };
  const job = async (): Promise<Job | undefined> => (await partly.call<{ catchUps: Job[] }>('GET', '/catch-up')).body.catchUps[0];
  await send(0, MISSED * BATCHES);
  await partly.addRules(LATE);
  await send(MISSED * BATCHES, BATCHES);
  const before = await shownBy(partly);
  const wanted = await shownBy(whole);
  expect(wanted.length).toBeGreaterThan(100);
  expect(before).not.toEqual(wanted);

  const begun = await partly.call<{ events: number }>('POST', '/catch-up', { body: { rules: ['seen'] } });
  expect(begun.body.events).toBe(MISSED * BATCHES * BATCH_EVENTS);
  const killedAt = await waitFor(
    async () => {
      const now = await job();
      await delay(20);
      return now !== undefined && now.share > 0.3 ? now : undefined;
    },
    { what: () => 'the catch-up to be under way', withinMs: 60_000 },
  );
  process.kill(partly.pid, 'SIGKILL');
  expect(killedAt.state).toBe('running');
  await waitFor(() => (partly.isRunning ? undefined : true), { what: () => 'its end', withinMs: 10_000 });
  await partly.restart();
  const ended = await waitFor(
    async () => {
      const now = await job();
      await delay(50);
      return now?.state === 'done' || now?.state === 'failed' ? now : undefined;
    },
    { what: () => `the catch-up to be done; ${partly.stderr.slice(-2000)}`, withinMs: 90_000 },
  );
  expect(ended, ended.reason).toMatchObject({ state: 'done', judged: MISSED * BATCHES * BATCH_EVENTS, gone: 0 });
  await Promise.all([whole.settle(), partly.settle()]);
  // The last windows end when their sources are held to be idle, which the one that began anew finds out later.
  await expect.poll(() => shownBy(partly), { timeout: IDLE_MS, interval: 250 }).toEqual(await shownBy(whole));
  expect((await partly.call<{ lines: unknown[] }>('GET', '/coverage')).body.lines).toEqual([]);
});
