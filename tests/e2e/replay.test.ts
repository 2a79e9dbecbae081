/**
 * Replays of the running program: they find what live detection found, touch nothing that is live, keep their pace, go on after a kill, and
 * are nobody else's.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type AlertBody, beat, openTail, Program, wordRule } from './program.ts';

const missing = notRunnable();

const RULES = {
  'fail.yml': wordRule('fail', 'fail'),
  'noise.yml': wordRule('noise', 'noise'),
  'many.yml': `title: Many
id: many
correlation: { type: event_count, rules: [fail], group-by: [host], timespan: 10m, condition: { gte: 3 } }
level: high
`,
  'silence.yml': `title: Silence
id: silence
correlation: { type: absence, rules: [beating], group-by: [host], timespan: 2s }
level: medium
---
title: Beating
id: beating
logsource: { category: heartbeat }
detection: { s: { act: beat }, condition: s }
level: low
`,
};

interface Replay {
  readonly id: string;
  readonly phase: string;
  readonly reason?: string;
  readonly events: number;
  readonly duplicates: number;
  readonly matches: number;
  readonly alerts: number;
  readonly bytes: number;
  readonly clockMs?: number;
  readonly attempt: number;
  readonly position: Readonly<Record<string, string>>;
}

/** What is the same of an alert, live and replayed. */
const factsOf = (alerts: readonly AlertBody[]): string[] =>
  alerts
    .map((alert) => {
      const { id, tenant, rule, count, groupBy, firstMs, lastMs, entities } = alert as AlertBody & Record<string, unknown>;
      return JSON.stringify({ id, tenant, rule: rule.id, count, groupBy, firstMs, lastMs, entities });
    })
    .sort();

describe('replay', needs(missing), () => {
  let program: Program;
  let sink: Server;
  let token = '';
  let acme = '';
  let acmeSource = '';
  let posts = 0;
  let live: AlertBody[] = [];
  /** When each event was received, in order. */
  const received: number[] = [];

  const start = async (body: object, as?: string): Promise<Replay> => {
    const answer = await program.call<{ replay: Replay }>('POST', '/replays', { body, token: as });
    expect(answer.status, answer.text).toBe(200);
    return answer.body.replay;
  };
  const show = async (id: string, as?: string): Promise<Replay> =>
    (await program.call<{ replay: Replay }>('GET', `/replays/${id}`, { token: as })).body.replay;
  const ended = (id: string, as?: string): Promise<Replay> =>
    waitFor(
      async () => {
        const replay = await show(id, as);
        return replay.phase === 'running' || replay.phase === 'waiting' ? undefined : replay;
      },
      { what: () => `replay ${id} to end`, withinMs: 60_000 },
    );
  const done = async (body: object, as?: string): Promise<Replay> => {
    const replay = await ended((await start(body, as)).id, as);
    expect(replay.phase, replay.reason).toBe('done');
    return replay;
  };
  const alertsOf = async (id: string, as?: string): Promise<AlertBody[]> =>
    (await program.call<{ alerts: AlertBody[] }>('GET', `/replays/${id}/alerts?limit=1000`, { token: as })).body.alerts;
  const messages = async (): Promise<Record<string, number>> => {
    await using bus = await program.openBus();
    const counts: Record<string, number> = {};
    for (const what of ['events.live', 'events.bulk', 'alerts', 'deadletter', 'retry', 'changes']) {
      let count = 0;
      for await (const _ of bus.read(`tocsin.${what}.>`, 'first')) count += 1;
      counts[what] = count;
    }
    let matches = 0;
    for await (const { body } of bus.read('tocsin.matches.>', 'first'))
      matches += (JSON.parse(Buffer.from(body).toString()) as { matches: unknown[] }).matches.length;
    return { ...counts, matches };
  };

  beforeAll(async () => {
    sink = createServer((request, reply) => {
      posts += 1;
      request.resume().on('end', () => reply.end());
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`;
    program = await Program.start({
      rules: RULES,
      settings: `sinks: { webhooks: { pager: { url: "${url}", allowPrivate: true, minSeverity: informational } } }\nreplays: { maxKept: 12, maxRunning: 4, runMaxBytes: 32MiB }\n`,
    });
    token = await program.addSource('edr');
    acme = await program.addCredential('acme', { roles: ['analyst'] });
    acmeSource = await program.addCredential('acme', { roles: ['producer'], source: 'edr' });
    const acmeAdmin = await program.addCredential('acme', { roles: ['admin'] });
    acmeSource = await program.addSource('acme-edr', 'json', acmeAdmin);
    const post = async (events: object[], as = token): Promise<void> => {
      const answer = await program.post(as, JSON.stringify(events));
      expect(answer.status, answer.text).toBe(202);
      if (as === token) received.push(...events.map(() => Date.now()));
    };
    await post([beat('beat', { host: 'quiet' })]);
    for (let round = 0; round < 8; round++) {
      await post([beat('fail', { host: `h${round % 2}`, round }), beat('noise', { host: 'h3', round })]);
      await post([beat('fail', { host: 'acme1', round })], acmeSource);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    await program.settle();
    live = await waitFor(
      async () => {
        const alerts = await program.alerts('?limit=1000');
        return alerts.some(({ rule }) => rule.id === 'silence') ? alerts : undefined;
      },
      { what: () => 'the alert about silence', withinMs: 60_000 },
    );
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    sink?.closeAllConnections();
    sink?.close();
  });

  test('finds what live detection found, and leaves everything live as it was', async () => {
    await waitFor(() => (posts >= live.length ? true : undefined), {
      what: () => `the sink to hear of ${live.length} alerts`,
      withinMs: 10_000,
    });
    const before = { ...(await messages()), posts };
    expect(new Set(live.map(({ rule }) => rule.id))).toEqual(new Set(['many', 'noise', 'silence']));
    const [replay, twice] = await Promise.all([done({}), done({})]);
    for (const { id } of [replay, twice]) expect(factsOf(await alertsOf(id))).toEqual(factsOf(live));
    const mine = [...(await tailMatches(program))].filter(({ tenant }) => tenant === 'default');
    expect(replay.matches).toBe(mine.length);
    expect(replay).toMatchObject({ alerts: live.length, events: 17, duplicates: 0 });
    expect({ ...(await messages()), posts }).toEqual(before);
  });

  test('takes part of the log: by source, field, time and position, and by other rules', async () => {
    const [byField, early, byEvent, whole] = await Promise.all([
      done({ sources: ['edr'], where: ['act=noise', 'host|startswith=h'] }),
      done({ to: '2020-01-01T00:00:00Z' }),
      done({ from: '2020-01-01T00:00:00Z', time: 'event' }),
      done({ files: [{ path: 'mine.yml', text: wordRule('mine', 'noise') }] }),
    ]);
    expect(byField).toMatchObject({ events: 8, duplicates: 0, matches: 8, alerts: 1 });
    expect(early).toMatchObject({ events: 0, alerts: 0, bytes: 0 });
    expect(byEvent).toMatchObject({ events: 17 });
    expect((await alertsOf(whole.id)).map(({ rule }) => rule.id)).toEqual(['mine']);
    const position = whole.position['live'] ?? '';
    const stream = position.slice(0, position.lastIndexOf('.'));
    const [upTo, from] = await Promise.all([done({ toPosition: `${stream}.3` }), done({ fromPosition: `${stream}.4` })]);
    expect(upTo.events).toBeGreaterThan(0);
    expect(from.events + upTo.events).toBe(17);
    for (const { id } of (await program.call<{ replays: Replay[] }>('GET', '/replays')).body.replays)
      expect((await program.call('DELETE', `/replays/${id}`)).status).toBe(200);
    await using bus = await program.openBus();
    let left = 0;
    for await (const _ of bus.read('tocsin-replay.default.>', 'first')) left += 1;
    expect(left).toBe(0);
  });

  test('keeps its pace, and after a kill goes on by itself to the same end', async () => {
    const { id } = await start({ speed: 0.5 });
    const seen: Replay[] = [];
    await waitFor(
      async () => {
        const replay = await show(id);
        seen.push(replay);
        return replay.events >= 6 ? true : undefined;
      },
      { what: () => 'some of the events to be judged', withinMs: 60_000 },
    );
    for (const replay of seen) {
      // What is judged had been received by the time that its clock shows; the clock of the door and of the bus differ a little.
      const due = received.filter((atMs) => atMs <= (replay.clockMs ?? 0) + 250).length;
      expect(replay.events + replay.duplicates).toBeLessThanOrEqual(due);
    }
    expect(seen.some(({ phase, events }) => phase === 'running' && events > 0 && events < 17)).toBe(true);
    await program.kill();
    await program.restart();
    const replay = await ended(id);
    expect(replay).toMatchObject({ phase: 'done', attempt: 1, events: 17, duplicates: 0, alerts: live.length });
    expect(factsOf(await alertsOf(id))).toEqual(factsOf(live));
  });

  test('is stopped, resumed and removed; every act is on the audit trail', async () => {
    const { id } = await start({ speed: 0.1 });
    await waitFor(async () => ((await show(id)).events > 0 ? true : undefined), { what: () => 'it to begin', withinMs: 60_000 });
    expect((await program.call('DELETE', `/replays/${id}`)).body).toMatchObject({ error: { code: 'replay.running' } });
    const stopped = await program.call<{ replay: Replay }>('POST', `/replays/${id}/stop`);
    expect(stopped.body.replay.phase).toBe('stopped');
    expect((await program.call('POST', `/replays/${id}/stop`)).body).toMatchObject({ error: { code: 'replay.not_running' } });
    expect((await program.call<{ replay: Replay }>('POST', `/replays/${id}/resume`)).body.replay).toMatchObject({ attempt: 2 });
    await program.call('POST', `/replays/${id}/stop`);
    expect((await program.call('DELETE', `/replays/${id}`)).status).toBe(200);
    expect((await program.call('GET', `/replays/${id}`)).status).toBe(404);
    const { records } = (
      await program.call<{ records: { resource: string; action: string; after?: unknown }[] }>('GET', '/audit?limit=200')
    ).body;
    const acts = records.filter(({ resource }) => resource === `replay/${id}`);
    expect(acts.filter(({ action }) => action === 'replays.write').length).toBe(acts.length);
    expect(acts.length).toBe(2 * 7);
  });

  test('is of its tenant alone, and its key cannot write what is live', async (context) => {
    if (Program.busIsExternal) context.skip('it is about the nats-server that Tocsin runs itself');
    // The operator may order one of another tenant.
    const [own, other, ordered] = await Promise.all([done({}, acme), done({}), start({ tenant: 'acme' })]);
    expect(await ended(ordered.id, acme)).toMatchObject({ events: 8 });
    expect(own).toMatchObject({ events: 8, tenant: 'acme' });
    expect((await alertsOf(own.id, acme)).every(({ tenant }) => tenant === 'acme')).toBe(true);
    for (const [method, path, body] of [
      ['POST', '/replays', { tenant: 'default' }],
      ['GET', '/replays?tenant=default', undefined],
      ['POST', `/replays/${other.id}/stop?tenant=default`, {}],
      ['DELETE', `/replays/${other.id}?tenant=default`, undefined],
      ['GET', `/replays/${other.id}/alerts?tenant=default`, undefined],
    ] as const)
      expect((await program.call(method, path, { token: acme, body })).status, path).toBe(403);
    for (const path of ['', '/alerts'])
      expect((await program.call('GET', `/replays/${other.id}${path}`, { token: acme })).status).toBe(404);
    const viewer = await program.addCredential('acme', { roles: ['viewer'] });
    expect((await program.call('POST', '/replays', { token: viewer, body: {} })).status).toBe(403);
    await using bus = await program.openBus('replay');
    for (const subject of [
      'tocsin.alerts.default.x',
      'tocsin.matches.0',
      'tocsin.events.live.0.default',
      'tocsin.audit.default',
      'tocsin.deadletter.default.match.x',
    ])
      await expect(bus.commit([{ subject, id: subject, body: Buffer.from('{}') }])).rejects.toMatchObject({ code: 'bus.forbidden' });
    await expect(bus.bucket('rule-sets').put('x', Buffer.from('x'), 0)).rejects.toMatchObject({ code: 'bus.forbidden' });
  });

  test('refuses what cannot be', async () => {
    for (const [body, code] of [
      [{ from: 'yesterday' }, 'replay.bad_range'],
      [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 'replay.bad_range'],
      [{ where: ['a|bogus=1'] }, 'replay.bad_filter'],
      [{ where: ['=1'] }, 'replay.bad_filter'],
      [{ where: ['__proto__=1', 'constructor|re=('] }, 'replay.bad_filter'],
      [{ sources: ['nobody'] }, 'api.not_found'],
      [{ subject: 'a..b' }, 'bus.bad_subject'],
      [{ fromPosition: 'x' }, 'bus.bad_position'],
      [{ speed: -1 }, 'api.bad_request'],
      [{ files: [{ path: 'a.yml', text: 'no rule' }] }, 'replay.no_rules'],
      [{ unknown: 1 }, 'api.bad_request'],
    ] as const)
      expect((await program.call('POST', '/replays', { body })).body, JSON.stringify(body)).toMatchObject({ error: { code } });
  });
});

async function tailMatches(program: Program): Promise<{ tenant: string }[]> {
  await using tail = await openTail(program, 'matches?from=first');
  let before = -1;
  await waitFor(
    () => {
      const isQuiet = tail.lines.length > 0 && tail.lines.length === before;
      before = tail.lines.length;
      return isQuiet ? true : undefined;
    },
    { what: () => 'the matches that are kept', withinMs: 60_000 },
  );
  return tail.lines as { tenant: string }[];
}
