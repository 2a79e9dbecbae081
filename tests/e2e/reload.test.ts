/** Settings and rules read again many times under load (`TOCSIN_RELOADS=100` for the long form): each event is judged once, by one version; what is wrong changes nothing. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type AlertBody, beat, Program, wordRule } from './program.ts';

const missing = notRunnable();
const RELOADS = Number(process.env['TOCSIN_RELOADS'] ?? 20);
/** Every so many reloads find a file that is half written. */
const BROKEN_EVERY = 10;
const EVENTS_PER_POST = 5;
const POST_EVERY_MS = 25;
const PAGE = 200;

type Judged = AlertBody & { readonly rule: { readonly ruleSet: string } };

describe('reload', needs(missing), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-reload-'));
  const rules = join(folder, 'rules');
  let program: Program;
  let token = '';

  const rule = (version: number): string => wordRule('hit', 'hit').replace('Word hit', `Version ${version}`);
  /** As editors and package managers write: beside, then in its place. */
  const write = (text: string): void => {
    writeFileSync(join(rules, 'hit.new'), text);
    renameSync(join(rules, 'hit.new'), join(rules, 'hit.yml'));
  };
  const settings = (more = ''): string =>
    `rules: { shipped: false, folders: [${JSON.stringify(rules)}] }\ndetect: { idleAfter: 5s }\nlog: { level: info }\n${more}`;
  const answers = (text: string): number => program.stderr.split(text).length - 1;
  const TAKEN = 'are in force"';
  const REFUSED = 'not taken; everything stays';
  /** Asks for it and waits for what became of it. */
  const reload = async (): Promise<void> => {
    const before = answers(TAKEN) + answers(REFUSED);
    process.kill(program.pid, 'SIGHUP');
    await waitFor(async () => (answers(TAKEN) + answers(REFUSED) > before ? true : undefined), {
      what: () => 'the reload',
      withinMs: 30_000,
    });
  };

  beforeAll(async () => {
    mkdirSync(rules);
    write(rule(0));
    program = await Program.start({ settings: 'log: { level: info }\n' });
    await program.stop();
    writeFileSync(join(program.dataDir, 'tocsin.yml'), settings());
    await program.restart();
    token = await program.addSource('edr');
  }, 90_000);
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  const allAlerts = async (): Promise<Judged[]> => {
    const found: Judged[] = [];
    for (let after = ''; ; ) {
      const { body } = await program.call<{ alerts: Judged[]; next?: string }>('GET', `/alerts?rule=hit&limit=${PAGE}${after}`);
      found.push(...body.alerts);
      if (body.next === undefined) return found;
      after = `&after=${encodeURIComponent(body.next)}`;
    }
  };

  test('reloads under load: every event has one alert of one version, and half-written files change nothing', async () => {
    let sent = 0;
    let isOver = false;
    const load = (async () => {
      while (!isOver) {
        const events = Array.from({ length: EVENTS_PER_POST }, () => beat('hit', { host: `h${sent++}` }));
        expect((await program.post(token, JSON.stringify(events))).status).toBe(202);
        await delay(POST_EVERY_MS); // the load's pace
      }
    })();
    const versions = new Set(['Version 0']);
    for (let version = 1; version <= RELOADS; version++) {
      const isBroken = version % BROKEN_EVERY === 0;
      if (isBroken) writeFileSync(join(rules, 'hit.yml'), rule(version).slice(0, -25));
      else write(rule(version));
      if (!isBroken) versions.add(`Version ${version}`);
      await reload();
    }
    isOver = true;
    await load;
    await program.settle();
    expect([answers(TAKEN), answers(REFUSED)]).toEqual([RELOADS - RELOADS / BROKEN_EVERY, RELOADS / BROKEN_EVERY]);
    const alerts = await allAlerts();
    expect(alerts).toHaveLength(sent);
    expect(new Set(alerts.map(({ groupBy }) => groupBy['host'])).size).toBe(sent);
    for (const { count, rule: judgedBy } of alerts) {
      expect(count).toBe(1);
      expect(versions).toContain(judgedBy.title);
      expect(judgedBy.ruleSet).toMatch(/^[0-9a-f]{32}$/);
    }
    // One version, one rule set.
    const pairs = new Set(alerts.map(({ rule: judgedBy }) => `${judgedBy.title} ${judgedBy.ruleSet}`));
    expect(pairs.size).toBe(new Set(alerts.map(({ rule: judgedBy }) => judgedBy.ruleSet)).size);
    expect(pairs.size).toBeGreaterThan(RELOADS / 4);
  }, 300_000);

  test('settings that can change while it runs do, others are named, and a file with a mistake changes nothing', async () => {
    const change = (text: string): void => writeFileSync(join(program.dataDir, 'tocsin.yml'), text);
    write(rule(RELOADS + 1));
    change(settings('quotas: { sourceEventsPerSecond: 3, burst: 1s }\nretention: { alertsMaxBytes: 3GiB }\n'));
    await reload();
    expect(program.stderr).toMatch(/"settings":\["retention.alertsMaxBytes"\].*next start/);
    const { body } = await program.call<{ quotas: { source?: string; eventsPerSecond: number }[] }>('GET', '/quotas');
    expect(body.quotas.find(({ source }) => source === 'edr')?.eventsPerSecond).toBe(3);
    change(settings('quotas: { sourceEventsPerSecond: many }\n'));
    await reload();
    expect(program.stderr).toContain('quotas.sourceEventsPerSecond');
    change(settings());
    await reload();
    expect((await program.post(token, JSON.stringify(Array.from({ length: 50 }, () => beat('quiet'))))).status).toBe(202);
    expect(program.isRunning).toBe(true);
  }, 60_000);
});
