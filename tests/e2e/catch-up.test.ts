/**
 * Catch-up, by comparison: one installation has every rule all the time; the other misses some for a part of it, has others in a wrong
 * version, and catches up. Both are sent the same events. Afterwards their alerts have the same ids, counts and times.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type AlertBody, beat, Program, wordRule } from './program.ts';

const missing = notRunnable();
const correlation = (id: string, type: string, rules: string, condition: string): string =>
  `---\ntitle: ${id}\nid: ${id}\ncorrelation:\n  type: ${type}\n  rules: [${rules}]\n  group-by: [host]\n  timespan: 10m\n  generate: true\n  condition: ${condition}\nlevel: high\n`;

/** Rules that are there all the time. */
const ALWAYS = { 'first.yml': wordRule('first', 'first') };
/** Rules that one installation gets late. */
const LATE = {
  'seen.yml': wordRule('seen', 'seen'),
  'login.yml': `${wordRule('login', 'login')}${correlation('many', 'event_count', 'login', '{ gte: 5 }')}`,
  'second.yml': `${wordRule('second', 'second')}${correlation('pair', 'temporal', 'first, second', '{ gte: 2 }')}`,
};
const RIGHT = { 'mended.yml': wordRule('mended', 'mended') };
/** The same rule before it was mended. */
const WRONG = { 'mended.yml': wordRule('mended', 'mended').replace('act: mended', 'act: mendet') };

interface Coverage {
  readonly lines: readonly {
    readonly rule: string;
    readonly source: string;
    readonly events: number;
    readonly evaluated: number;
    readonly caughtUp: number;
    readonly notLoaded: number;
    readonly otherVersion: number;
  }[];
}

interface CatchUp {
  readonly id: string;
  readonly state: string;
  readonly judged: number;
  readonly alerts: { readonly raised: number; readonly changed: number; readonly confirmed: number; readonly superseded: number };
  readonly reason?: string;
}

type Shown = Pick<AlertBody, 'id' | 'count'> & {
  readonly rule: string;
  readonly host: string | undefined;
  readonly firstMs: number;
  readonly lastMs: number;
};

async function shownBy(program: Program): Promise<Shown[]> {
  const alerts = (await program.alerts('?limit=1000')) as (AlertBody & { firstMs: number; lastMs: number })[];
  return alerts
    .map(({ id, rule, count, groupBy, firstMs, lastMs }) => ({ id, rule: rule.id, count, host: groupBy['host'], firstMs, lastMs }))
    .sort((a, b) => (`${a.rule} ${a.host} ${a.id}` < `${b.rule} ${b.host} ${b.id}` ? -1 : 1));
}

describe('catch-up', needs(missing), () => {
  let whole: Program;
  let partly: Program;
  let tokens: readonly [string, string];
  const startMs = Date.now() - 20_000;
  let sent = 0;

  beforeAll(async () => {
    [whole, partly] = await Promise.all([Program.start({ rules: ALWAYS }), Program.start({ rules: ALWAYS })]);
    tokens = [await whole.addSource('edr'), await partly.addSource('edr')];
    await whole.addRules({ ...LATE, ...RIGHT });
    await partly.addRules(WRONG);
  });
  afterAll(() => Promise.all([whole?.[Symbol.asyncDispose](), partly?.[Symbol.asyncDispose]()]));

  /** Sends one event to both, under the same id and with the same time. */
  async function send(act: string, host: string): Promise<void> {
    sent += 1;
    const body = JSON.stringify(beat(act, { host, timestamp: new Date(startMs + sent * 100).toISOString() }));
    const headers = { 'idempotency-key': `event-${sent}` };
    await Promise.all([whole.post(tokens[0], body, headers), partly.post(tokens[1], body, headers)]);
  }

  async function sendAll(events: readonly (readonly [act: string, host: string])[]): Promise<void> {
    for (const [act, host] of events) await send(act, host);
  }

  async function coverageOf(rule: string): Promise<Coverage['lines'][number] | undefined> {
    return (await partly.call<Coverage>('GET', `/coverage?rule=${rule}`)).body.lines[0];
  }

  async function catchUp(rules: readonly string[], more: object = {}): Promise<CatchUp | undefined> {
    const begun = await partly.call<{ events: number; catchUp?: CatchUp }>('POST', '/catch-up', { body: { rules, ...more } });
    expect(begun.status, begun.text).toBe(200);
    const id = begun.body.catchUp?.id;
    if (id === undefined) return undefined;
    return await waitFor(
      async () => {
        const { body } = await partly.call<{ catchUps: CatchUp[] }>('GET', '/catch-up');
        const job = body.catchUps.find((one) => one.id === id);
        return job?.state === 'done' || job?.state === 'failed' ? job : undefined;
      },
      { what: () => `catch-up ${id}; ${partly.stderr.slice(-4000)}`, withinMs: 60_000 },
    );
  }

  test('what a rule has missed is known, and counts by source', async () => {
    await sendAll([
      ['seen', 'plain'],
      ['seen', 'plain'],
      ['seen', 'closed'],
      ['login', 'few-then-few'],
      ['login', 'few-then-few'],
      ['login', 'few-then-few'],
      ['login', 'one-then-many'],
      ['first', 'first-missed-second-missed'],
      ['second', 'first-missed-second-missed'],
      ['first', 'first-missed-second-live'],
      ['second', 'second-missed-first-live'],
      ['mended', 'wrong-then-right'],
      ['first', 'alone'],
    ]);
    await Promise.all([whole.settle(), partly.settle()]);
    expect((await partly.addRules({ ...LATE, ...RIGHT })).body.inForce).toBe(true);
    await sendAll([
      ['seen', 'plain'],
      ['login', 'few-then-few'],
      ['login', 'few-then-few'],
      ['login', 'few-then-few'],
      ...Array.from({ length: 6 }, () => ['login', 'one-then-many'] as const),
      ['second', 'first-missed-second-live'],
      ['first', 'second-missed-first-live'],
      ['mended', 'wrong-then-right'],
      ['seen', 'live-only'],
    ]);
    await Promise.all([whole.settle(), partly.settle()]);
    expect(await coverageOf('seen')).toMatchObject({ source: 'edr', events: sent, notLoaded: 13, evaluated: sent - 13, caughtUp: 0 });
    expect(await coverageOf('many')).toMatchObject({ notLoaded: 13 });
    expect(await coverageOf('mended')).toMatchObject({ otherVersion: 13, evaluated: sent - 13 });
    expect(await coverageOf('first')).toMatchObject({ events: sent, evaluated: sent });
    const gaps = (await partly.call<Coverage>('GET', '/coverage')).body.lines.map(({ rule }) => rule);
    expect(gaps.sort()).toEqual(['login', 'many', 'mended', 'pair', 'second', 'seen']);
    expect(await shownBy(partly)).not.toEqual(await shownBy(whole));
  });

  test('a trial run says what was missed and changes nothing', async () => {
    const before = await shownBy(partly);
    const { body } = await partly.call<{ missed: { rule: string; why: string; events: number }[]; events: number; catchUp?: unknown }>(
      'POST',
      '/catch-up',
      { body: { rules: ['seen'], dryRun: true } },
    );
    expect(body).toMatchObject({ events: 13, missed: [{ rule: 'seen', why: 'notLoaded', events: 13 }] });
    expect(body.catchUp).toBeUndefined();
    expect(await shownBy(partly)).toEqual(before);
  });

  test('after a catch-up, with events coming in meanwhile, ids and counts are those of an installation that missed nothing', async () => {
    let isDone = false;
    const going = (async () => {
      for (let i = 0; !isDone; i++) await send(i % 2 === 0 ? 'seen' : 'login', i % 3 === 0 ? 'plain' : 'busy');
    })();
    const jobs = [await catchUp(['seen', 'login', 'second']), await catchUp(['mended'], { otherVersions: true })];
    isDone = true;
    await going;
    for (const job of jobs) expect(job, job?.reason).toMatchObject({ state: 'done' });
    await sendAll([
      ['seen', 'plain'],
      ['login', 'one-then-many'],
      ['login', 'few-then-few'],
      ['mended', 'wrong-then-right'],
    ]);
    await Promise.all([whole.settle(), partly.settle()]);
    expect(await shownBy(partly)).toEqual(await shownBy(whole));
    expect(jobs[0]?.alerts.raised).toBeGreaterThan(3);
    expect(jobs[0]?.alerts.superseded).toBeGreaterThan(0);
  });

  test('afterwards nothing is missing, and to ask again changes nothing', async () => {
    expect(await coverageOf('seen')).toMatchObject({ notLoaded: 0, caughtUp: 13, evaluated: sent - 13 });
    expect(await coverageOf('mended')).toMatchObject({ otherVersion: 0, caughtUp: 13 });
    const before = await shownBy(partly);
    expect(await catchUp(['seen', 'login', 'second'])).toBeUndefined();
    expect(await catchUp(['mended'], { otherVersions: true })).toBeUndefined();
    expect(await shownBy(partly)).toEqual(before);
    expect((await partly.call<Coverage>('GET', '/coverage')).body.lines).toEqual([]);
  });

  test('after a kill the folds know what was caught up', async () => {
    process.kill(partly.pid, 'SIGKILL');
    await waitFor(() => (partly.isRunning ? undefined : true), { what: () => 'the end', withinMs: 10_000 });
    await partly.restart();
    await sendAll([
      ['seen', 'plain'],
      ['login', 'one-then-many'],
    ]);
    await Promise.all([whole.settle(), partly.settle()]);
    expect(await shownBy(partly)).toEqual(await shownBy(whole));
  });

  test('who may not write rules may not catch up, and tenants see their own only', async () => {
    const viewer = await partly.addCredential('default', { roles: ['viewer'] });
    const other = await partly.addCredential('globex', { roles: ['admin'] });
    expect((await partly.call('POST', '/catch-up', { token: viewer, body: { rules: ['seen'] } })).status).toBe(403);
    expect((await partly.call('POST', '/catch-up', { token: other, body: { rules: ['seen'] } })).status).toBe(404);
    expect((await partly.call<{ catchUps: unknown[] }>('GET', '/catch-up', { token: other })).body.catchUps).toEqual([]);
    expect((await partly.call<Coverage>('GET', '/coverage', { token: other })).body.lines).toEqual([]);
  });
});
