/** Events planned for later: the page about them as it stands, and plans that come true through a kill of the whole program. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, Program, wordRule } from './program.ts';
import { runPage } from './run-page.ts';

const missing = notRunnable();
const WITHIN_MS = 20_000;

interface Planned {
  readonly planned: readonly { readonly id: string; readonly source: string; readonly at: string }[];
}

describe('planned events', needs(missing), () => {
  let program: Program;

  beforeAll(async () => {
    program = await Program.start({ rules: { 'hit.yml': wordRule('hit', 'hit') } });
  }, 60_000);
  afterAll(() => program?.[Symbol.asyncDispose]());

  const plan = (body: object) => program.call<{ id: string }>('POST', '/planned-events', { body });
  const planned = async (): Promise<Planned['planned']> =>
    (await program.call<Planned & Record<string, unknown>>('GET', '/planned-events')).body.planned;
  const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
  const record = (host: string): string => JSON.stringify(beat('hit', { host }));
  const alertHosts = async (): Promise<string[]> => (await program.alerts('?limit=100')).map(({ groupBy }) => groupBy['host'] ?? '').sort();

  test('the page prints what it says', () => runPage('planned-events', program), 60_000);

  test('what was due while everything was down comes true after the start, and what is to come at its time; each once', async () => {
    await program.addSource('late', 'auto');
    const toComeMs = Date.now() + 12_000;
    expect((await plan({ source: 'late', at: soon(1500), record: record('missed'), id: 'missed' })).status).toBe(200);
    await plan({ source: 'late', at: new Date(toComeMs).toISOString(), record: record('to-come'), id: 'to-come' });
    await plan({ source: 'late', at: soon(3000), record: record('cancelled'), id: 'cancelled' });
    expect((await program.call('POST', '/planned-events/cancelled/cancel')).status).toBe(200);
    expect((await planned()).map(({ id }) => id)).toEqual(['missed', 'to-come']);
    await program.kill();
    await program.restart();
    await waitFor(async () => ((await alertHosts()).includes('missed') ? true : undefined), {
      what: () => 'the missed one',
      withinMs: WITHIN_MS,
    });
    await waitFor(async () => ((await alertHosts()).includes('to-come') ? true : undefined), {
      what: () => 'the one to come',
      withinMs: WITHIN_MS,
    });
    expect(Date.now()).toBeGreaterThanOrEqual(toComeMs);
    await program.settle();
    const alerts = await program.alerts('?limit=100');
    expect(alerts).toHaveLength(2);
    expect(Object.fromEntries(alerts.map(({ groupBy, count }) => [groupBy['host'], count]))).toEqual({ missed: 1, 'to-come': 1 });
    expect(await planned()).toEqual([]);
  }, 90_000);

  test('refuses what it cannot keep, and says why', async () => {
    const at = soon(60_000);
    expect((await plan({ source: 'nobody', at, record: 'x' })).status).toBe(404);
    expect((await plan({ source: 'late', at: 'tomorrow', record: 'x' })).status).toBe(400);
    expect((await plan({ source: 'late', at, record: '' })).status).toBe(400);
    expect((await plan({ source: 'late', at, record: 'ü'.repeat(40_000) })).status).toBe(400);
    expect((await plan({ source: 'late', at, record: 'x', id: 'a b' })).status).toBe(400);
    expect((await plan({ source: 'late', at, record: 'x', id: '%ü>*.' })).status).toBe(400);
    expect((await plan({ source: 'late', at, record: '{"action":"hit","host":"__proto__"}', id: '%25>*.__proto__' })).status).toBe(200);
    expect((await plan({ source: 'late', at, record: 'y', id: '%25>*.__proto__' })).status).toBe(409);
    expect((await program.call('POST', `/planned-events/${encodeURIComponent('%25>*.__proto__')}/cancel`)).status).toBe(200);
    expect((await program.call('POST', '/planned-events/none/cancel')).status).toBe(404);
    const producer = await program.addSource('producer', 'auto');
    expect((await program.call('POST', '/planned-events', { token: producer, body: { source: 'producer', at, record: 'x' } })).status).toBe(
      403,
    );
  }, 30_000);
});
