import type { EventBus } from '@tocsin/bus';
import { createMemoryBus, MemoryServer } from '@tocsin/bus/memory';
import { type Alert, TocsinError } from '@tocsin/core';
import { SourceActivity } from '@tocsin/ingest';
import { describe, expect, it } from 'vitest';
import { roomy } from '../../test/ground.ts';
import { parseAlert } from '../duties/alert-writer.ts';
import type { SourceRecord } from '../registry/registry.ts';
import { ALERTS_FILTER, alertSubject } from '../subjects.ts';
import { SOURCES_BUCKET, topology } from '../topology.ts';
import { FactsKeeper } from './facts-keeper.ts';
import { SilenceWatch } from './silence-watch.ts';

const MINUTE = 60_000;
const settings = { alerts: true, first: 10 * MINUTE, second: 60 * MINUTE, checkEvery: MINUTE };
const stored = { status: 'stored', id: 'a', at: { position: 'p' as never, index: 0 } } as const;

/** An installation whose clock is moved by hand; `life` is one process of it. */
async function bench(
  records: Readonly<Record<string, Partial<SourceRecord>>> = { web01: {} },
  refuse: (alert: Alert) => void = () => undefined,
) {
  let nowMs = 1_700_000_000_000;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const bus = createMemoryBus({ server: new MemoryServer() });
  await bus.ensure(topology(roomy));
  const bucket = bus.bucket(SOURCES_BUCKET);
  const trouble: unknown[] = [];
  const onTrouble = (error: unknown): void => void trouble.push(error);
  const written: EventBus['commit'] = (messages, how) => {
    for (const { body } of messages) refuse(JSON.parse(Buffer.from(body).toString()) as Alert);
    return bus.commit(messages, how);
  };
  const life = async () => {
    const activity = new SourceActivity(clock);
    // Timers of an hour never fire here: everything is done by hand.
    const facts = await FactsKeeper.open({ bucket, member: 'one', activity, clock, everyMs: 3_600_000, onTrouble });
    const sourceOf = (_: string, name: string): SourceRecord | undefined => {
      const record = records[name];
      return record && { name, format: 'auto', lane: 'live', createdMs: 1, ...record };
    };
    const watch = await SilenceWatch.open({
      bus: { commit: written, last: (subject) => bus.last(subject) },
      bucket,
      known: () => facts.known(),
      sourceOf,
      settings,
      clock,
      onTrouble,
    });
    const speak = (name = 'web01'): void =>
      activity.took({ tenant: 'acme', name, format: 'auto', lane: 'live', shard: '' }, { bytes: 1, results: [stored], events: [] });
    const pass = async (minutes: number, each = () => undefined as void): Promise<void> => {
      for (let i = 0; i < minutes; i++) {
        nowMs += MINUTE;
        each();
        await watch.look();
        await facts.flush();
      }
    };
    return { speak, pass, watch, facts, end: async () => Promise.all([watch[Symbol.asyncDispose](), facts[Symbol.asyncDispose]()]) };
  };
  const alerts = async (): Promise<Alert[]> => {
    const newest = new Map<string, Alert>();
    for await (const message of bus.read(ALERTS_FILTER, 'first')) newest.set(message.subject, parseAlert(message));
    return [...newest.values()];
  };
  return { bus, life, alerts, trouble, sleep: (minutes: number) => void (nowMs += minutes * MINUTE), nowMs: () => nowMs };
}

describe('silent sources', () => {
  it('raises an alert at ten minutes, raises it again at sixty, closes it when the source speaks', async () => {
    const { life, alerts, trouble } = await bench();
    await using one = { ...(await life()), [Symbol.asyncDispose]: async () => undefined };
    one.speak();
    await one.pass(9);
    expect(await alerts()).toEqual([]);
    await one.pass(2);
    expect(await alerts()).toMatchObject([{ severity: 3, status: 'new', groupBy: { source: 'web01' }, foldRevision: 1 }]);
    await one.pass(48);
    expect(await alerts()).toMatchObject([{ severity: 3 }]);
    await one.pass(2);
    expect(await alerts()).toMatchObject([{ severity: 4, status: 'new', foldRevision: 2 }]);
    one.speak();
    await one.pass(1);
    expect(await alerts()).toMatchObject([{ severity: 4, status: 'resolved', lastAct: { actor: 'tocsin/silence', kind: 'resolve' } }]);
    // The next silence is another alert.
    await one.pass(12);
    expect((await alerts()).map(({ status }) => status).sort()).toEqual(['new', 'resolved']);
    expect(trouble).toEqual([]);
    await one.end();
  });

  it('says nothing of a source that never sent, of imports, of one that is exempt, and keeps to own times', async () => {
    const { life, alerts } = await bench({
      never: {},
      history: { lane: 'bulk' },
      exempt: { silence: 'off' },
      quick: { silence: { firstMs: 2 * MINUTE } },
    });
    const one = await life();
    for (const name of ['history', 'exempt', 'quick', 'unregistered']) one.speak(name);
    await one.pass(3);
    expect((await alerts()).map(({ groupBy }) => groupBy['source'])).toEqual(['quick']);
    await one.pass(70);
    expect((await alerts()).map(({ groupBy }) => groupBy['source'])).toEqual(['quick']);
    await one.end();
  });

  it('notices a silence that goes on over a restart, and counts no time in which nobody listened', async () => {
    const { life, alerts, sleep } = await bench();
    const first = await life();
    first.speak();
    await first.pass(6);
    await first.end();
    sleep(600);
    const second = await life();
    await second.pass(3);
    expect(await alerts()).toEqual([]);
    await second.pass(2);
    expect(await alerts()).toHaveLength(1);
    // Known after a further restart too: the same alert goes on.
    await second.end();
    const third = await life();
    await third.pass(60);
    expect(await alerts()).toMatchObject([{ severity: 4, foldRevision: 2 }]);
    third.speak();
    await third.pass(1);
    expect(await alerts()).toMatchObject([{ status: 'resolved' }]);
    await third.end();
  });

  it('leaves what people made of an alert', async () => {
    const { bus, life, alerts, nowMs } = await bench();
    const one = await life();
    one.speak();
    await one.pass(11);
    const [alert] = (await alerts()) as [Alert];
    const acted: Alert = { ...alert, status: 'false_positive', lastAct: { kind: 'false-positive', actor: 'ann', atMs: nowMs() } };
    await bus.commit([{ subject: alertSubject('acme', alert.id), id: 'act', body: Buffer.from(JSON.stringify(acted)) }]);
    await one.pass(60);
    expect(await alerts()).toMatchObject([{ severity: 4, status: 'false_positive', lastAct: { actor: 'ann' } }]);
    one.speak();
    await one.pass(1);
    expect(await alerts()).toMatchObject([{ status: 'false_positive', lastAct: { actor: 'ann' } }]);
    await one.end();
  });

  it('tells all other silences when one cannot be written, and that one as soon as it can', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `web${i}`);
    let isRefused = true;
    const { life, alerts, trouble } = await bench(Object.fromEntries(names.map((name) => [name, {}])), ({ groupBy }) => {
      if (isRefused && groupBy['source'] === 'web7')
        throw new TocsinError('bus.too_large', { subject: 'tocsin.alerts', bytes: 9, maxBytes: 8 });
    });
    const one = await life();
    for (const name of names) one.speak(name);
    await one.pass(13);
    expect(await alerts()).toHaveLength(39);
    // Each was told once, whatever became of its neighbour.
    expect((await alerts()).every(({ foldRevision }) => foldRevision === 1)).toBe(true);
    expect(trouble.length).toBeGreaterThan(0);
    isRefused = false;
    await one.pass(1);
    expect(await alerts()).toHaveLength(40);
    await one.end();
  });

  it('writes the same alert whoever looks', async () => {
    const { life, alerts, trouble } = await bench();
    const one = await life();
    const two = await life();
    one.speak();
    await one.facts.flush();
    await one.pass(11, () => void two.watch.look());
    await two.watch.look();
    expect(await alerts()).toHaveLength(1);
    expect(trouble).toEqual([]);
    await Promise.all([one.end(), two.end()]);
  });
});
