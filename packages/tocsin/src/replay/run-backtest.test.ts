/** What a backtest says of drafts of rules and correlations, beside what is in force, on a log of several days. */
import { type Clock, systemClock } from '@tocsin/core';
import type { MappingSet } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { logSources, openGround, ruleText, storeEvents } from '../../test/ground.ts';
import { RuleBook } from '../rules/rule-book.ts';
import { RuleControl } from '../rules/rule-control.ts';
import { CONTROL_BUCKET, RULE_SETS_BUCKET } from '../topology.ts';
import type { ReplaySpec } from './replay-order.ts';
import { runBacktest } from './run-backtest.ts';

const T0 = Date.UTC(2026, 0, 2, 10);
const DAY = 86_400_000;
const ALL: ReplaySpec = { tenant: 'acme', time: 'received', lanes: [], sources: [], where: [], speed: 0, rules: 'given' };
const mappings = { logSources: () => logSources, formatOf: () => 'json' } as unknown as MappingSet;
const many = (least: number): string =>
  `title: Many\nid: many\ncorrelation: { type: event_count, rules: [bad], group-by: [host], timespan: 1h, condition: { gte: ${least} } }\nlevel: high\n`;

/** A log of three days: on each, two events of one host and one of another; and one of another tenant. */
async function history() {
  let nowMs = T0;
  const clock: Clock = { ...systemClock, nowMs: () => nowMs };
  const { bus } = await openGround({ clock });
  const rules = [
    { path: 'bad.yml', text: ruleText('bad', 'bad') },
    { path: 'many.yml', text: many(2) },
  ];
  const book = RuleBook.compile(rules, logSources);
  await book.save(bus.bucket(RULE_SETS_BUCKET));
  await new RuleControl(bus.bucket(CONTROL_BUCKET), () => true).announce(book.hash, undefined);
  for (let day = 0; day < 3; day++) {
    nowMs = T0 + day * DAY;
    const event = (host: string, act: string, id: string) => ({
      id: `${id}${day}`,
      fields: { act, host },
      receivedMs: nowMs,
      timeMs: nowMs,
    });
    await storeEvents(bus, [event('h1', 'bad', 'a'), event('h1', 'bad', 'b'), event('h2', 'bad', 'c'), event('h2', 'worse', 'd')]);
    await storeEvents(bus, [event('h1', 'bad', 'a')]);
    await storeEvents(bus, [event('h1', 'bad', 'x')], { tenant: 'globex' });
  }
  nowMs = T0 + 4 * DAY;
  return (files: Readonly<Record<string, string>>, more: Partial<ReplaySpec> = {}) =>
    runBacktest({
      bus,
      spec: { ...ALL, ...more },
      files: Object.entries(files).map(([path, text]) => ({ path, text })),
      mappings,
      idleAfterMs: 300_000,
      latenessMs: 60_000,
      clock,
      onTrouble: () => undefined,
      onProgress: () => undefined,
      signal: new AbortController().signal,
    });
}

describe('runBacktest', () => {
  it('counts hits and alerts of a wider rule by day, and what only it finds', async () => {
    const report = await (await history())({ 'bad.yml': ruleText('bad', '"*"') });
    expect(report).toMatchObject({ events: 12, duplicates: 3, refused: [], broken: [] });
    const [rule] = report.rules;
    expect(rule).toMatchObject({ id: 'bad', kind: 'detection', live: 'other', found: { draft: { hits: 12 }, live: { hits: 9 } } });
    expect(rule?.days.map(({ day, draft, live }) => [day, draft.hits, live.hits])).toEqual([
      ['2026-01-02', 4, 3],
      ['2026-01-03', 4, 3],
      ['2026-01-04', 4, 3],
    ]);
    expect(rule?.hits).toMatchObject({ both: 9, onlyDraft: 3, onlyLive: 0, isClipped: false });
    expect(rule?.hits.examples.map(({ eventId }) => eventId)).toEqual(['d0', 'd1', 'd2']);
  });

  it('raises the alerts of a correlation that refers to rules in force, and compares them with those of the version in force', async () => {
    const report = await (await history())({ 'many.yml': many(1) });
    expect(report.rules).toHaveLength(1);
    expect(report.rules[0]).toMatchObject({
      kind: 'correlation',
      live: 'other',
      found: { draft: { hits: 9, alerts: 6 }, live: { hits: 9, alerts: 3 } },
      alerts: { both: 3, onlyDraft: 3, onlyLive: 0 },
    });
    expect(report.rules[0]?.alerts.examples.map(({ groupBy }) => groupBy)).toEqual([{ host: 'h2' }, { host: 'h2' }, { host: 'h2' }]);
  });

  it('says what is the same, new, out of range, or refused', async () => {
    const backtest = await history();
    expect((await backtest({ 'bad.yml': ruleText('bad', 'bad') })).rules[0]).toMatchObject({
      live: 'same',
      hits: { both: 9, onlyDraft: 0 },
    });
    const some = await backtest({ 'new.yml': ruleText('new', 'worse'), 'broken.yml': 'title: x' }, { fromMs: T0 + DAY });
    expect(some).toMatchObject({ events: 8, rules: [{ live: 'none', found: { draft: { hits: 2 }, live: { hits: 0 } } }] });
    expect(some.refused).toMatchObject([{ path: 'broken.yml', line: 1 }]);
    await expect(backtest({ 'broken.yml': 'title: x' })).rejects.toMatchObject({ code: 'replay.no_rules' });
    expect(await backtest({ 'bad.yml': ruleText('bad', 'bad') }, { toMs: 1 })).toMatchObject({ events: 0, rules: [{ days: [] }] });
  });
});
