/** How the built program ends and starts: no orphan, no second owner, an orderly stop, and no hanging on streams nobody reads. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judge } from './checker.ts';
import { readInstallation } from './independent-reader.ts';
import { type Installation, openInstallation, stopInstallation } from './installation.ts';
import { notRunnable } from './not-runnable.ts';
import { planSources } from './planted-events.ts';
import { nothingSent, postEvents, produce, type Sender } from './producers.ts';
import { busPid, commandLine, killTocsin, launch } from './tocsin-process.ts';
import { waitFor } from './wait-for.ts';

const missing = notRunnable();
const plan = { seed: 5, sources: 1, events: 400, postEvents: 50, startMs: Date.now() };
const STOP_MS = 15_000;
/** Longer than a source may be silent before it counts as idle (10 s). */
const OUTAGE_MS = 12_000;
const BACK_OFF_MS = 4_000;

describe('a running installation', () => {
  let installation: Installation;
  beforeAll(async () => {
    if (missing === undefined) installation = await openInstallation();
  });
  afterAll(() => installation?.[Symbol.asyncDispose]());

  test('refuses a second start on its data folder, by name, and goes on', async (context) => {
    if (missing !== undefined) context.skip(missing);
    const second = launch({ dataDir: installation.dataDir });
    expect(await second.ended).toBeGreaterThan(0);
    expect(second.said()).toContain(installation.dataDir);
    expect(second.said()).toContain(String(installation.run.child.pid));
    expect((await installation.call('GET', '/status')).status).toBe(200);
  });

  test('leaves no nats-server behind when it is killed, and starts again', async (context) => {
    if (missing !== undefined) context.skip(missing);
    const pid = busPid(installation.dataDir) ?? 0;
    expect(commandLine(pid)).toContain('nats-server');
    await killTocsin(installation.run);
    await waitFor(() => (commandLine(pid).includes('nats-server') ? undefined : true), {
      what: () => `nats-server ${pid} to follow its parent`,
      withinMs: 10_000,
    });
    await installation.restart();
    expect((await installation.call('GET', '/status')).status).toBe(200);
  });
});

test('events that could not be sent during an outage are correlated as if they had been on time', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using installation = await openInstallation();
  // Events two minutes old when they arrive: later than folds wait for a source that is there.
  const sources = planSources({ ...plan, events: 2000, startMs: Date.now() - 120_000 });
  const senders: Sender[] = [];
  for (const source of sources) senders.push({ source, token: await installation.addSource(source.name) });
  const sent = nothingSent();
  const send = (from: number, to: number): Promise<void> => {
    const part = senders.map(({ source, token }) => ({ source: { ...source, events: source.events.slice(from, to) }, token }));
    return produce({ senders: part, seed: plan.seed, postEvents: plan.postEvents, url: () => installation.url }, sent);
  };
  await send(0, 1000);
  await installation.settle();
  await killTocsin(installation.run);
  await delay(OUTAGE_MS); // the outage itself
  await installation.restart();
  await delay(BACK_OFF_MS); // shippers try again some time after
  await send(1000, 2000);
  await installation.settle();
  const verdict = judge({ sources, sent, log: await readInstallation(installation.dataDir) });
  expect(verdict.failures, verdict.examples.join('\n')).toMatchObject({ lost: 0, alertsMissing: 0, alertsTwice: 0, alertsUnexpected: 0 });
});

test('SIGTERM drains: what was taken in is stored and answered, exit code 0', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using installation = await openInstallation();
  const token = await installation.addSource('drained');
  const answered = new Set<string>();
  const others = new Set<string>();
  let isOver = false;
  const sending = Array.from({ length: 8 }, async (_, lane) => {
    for (let post = 0; !isOver; post++) {
      const ids = Array.from({ length: 20 }, (_unused, i) => `drain-${lane}-${post}-${i}`);
      const body = ids.map((id) => `${JSON.stringify({ eventID: id, eventSource: 'a', eventName: 'b' })}\n`).join('');
      const answer = await postEvents(installation.url, { token, body }).catch((error: NodeJS.ErrnoException) => error);
      if (answer instanceof Error) others.add(String(answer.code));
      else if (answer.status === 202) for (const id of ids) answered.add(id);
      else others.add(`${answer.status}, Retry-After ${answer.retryAfter}`);
    }
  });
  await waitFor(() => (answered.size >= 400 ? true : undefined), { what: () => 'load', withinMs: 20_000 });
  const began = performance.now();
  const code = await stopInstallation(installation);
  isOver = true;
  await Promise.all(sending);
  expect(code, installation.run.said()).toBe(0);
  const allowed = ['ECONNREFUSED', 'ECONNRESET', '503, Retry-After 1'];
  expect([...others].filter((other) => !allowed.includes(other))).toEqual([]);
  expect(performance.now() - began).toBeLessThan(STOP_MS);
  expect(busPid(installation.dataDir)).toBeUndefined();
  await installation.restart();
  const stored = new Set((await readInstallation(installation.dataDir)).events.map(({ id }) => id));
  expect([...answered].filter((id) => !stored.has(id))).toEqual([]);
});

test('a closed stdout and stderr hang nothing: events are taken and SIGTERM ends it', async (context) => {
  if (missing !== undefined) context.skip(missing);
  await using installation = await openInstallation({ run: { output: 'closed' } });
  const sources = planSources(plan);
  const senders = [];
  for (const source of sources) senders.push({ source, token: await installation.addSource(source.name) });
  const sent = nothingSent();
  await produce({ senders, seed: plan.seed, postEvents: plan.postEvents, url: () => installation.url }, sent);
  await installation.settle();
  expect(sent.acked.size).toBe(plan.events);
  expect(await stopInstallation(installation)).toBe(0);
});
