/** The way of an event through the running program: every form it may come in, resends, evidence, and who may follow it. */
import { createHash } from 'node:crypto';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type Answer, beat, type Item, openTail, Program, wordRule } from './program.ts';

const missing = notRunnable();

describe('events', needs(missing), () => {
  let program: Program;
  let token = '';
  let linux = '';
  beforeAll(async () => {
    program = await Program.start({
      rules: { 'hit.yml': wordRule('hit', 'hit'), 'many.yml': wordRule('many', 'many'), 'text.yml': wordRule('text', 'text') },
    });
    [token, linux] = [await program.addSource('edr'), await program.addSource('syslog', 'linux-auth')];
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  const cloudEvent = (id: string): object => ({
    specversion: '1.0',
    id,
    source: 'x',
    type: 'beat',
    datacontenttype: 'application/json',
    data: beat('none', { n: id }),
  });
  const lines = (n: number): string => Array.from({ length: n }, (_, i) => `${JSON.stringify(beat('none', { i }))}\n`).join('');
  const LINE = 'Jan  5 10:00:01 web1 sshd[77]: Failed password for root from 10.0.0.9 port 4242 ssh2';

  test.each<[string, () => [string, Uint8Array | string, Record<string, string>], number]>([
    ['a JSON object', () => [token, JSON.stringify(beat('none')), {}], 1],
    ['a JSON array', () => [token, JSON.stringify([beat('none'), beat('none'), beat('none')]), {}], 3],
    ['NDJSON', () => [token, lines(1000), { 'content-type': 'application/x-ndjson' }], 1000],
    ['a structured CloudEvent', () => [token, JSON.stringify(cloudEvent('ce-1')), { 'content-type': 'application/cloudevents+json' }], 1],
    [
      'a batch of CloudEvents',
      () => [token, JSON.stringify([cloudEvent('ce-2'), cloudEvent('ce-3')]), { 'content-type': 'application/cloudevents-batch+json' }],
      2,
    ],
    ['lines of auth.log', () => [linux, `${LINE}\n${LINE.replace('77', '78')}\n`, { 'content-type': 'text/plain' }], 2],
    ['gzip', () => [token, gzipSync(lines(50)), { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' }], 50],
    ['zstd', () => [token, zstdCompressSync(lines(50)), { 'content-type': 'application/x-ndjson', 'content-encoding': 'zstd' }], 50],
    ['brotli', () => [token, brotliCompressSync(lines(50)), { 'content-type': 'application/x-ndjson', 'content-encoding': 'br' }], 50],
  ])('are taken as %s', async (_, make, count) => {
    await program.settle();
    const [who, body, headers] = make();
    const answer = await program.post(who, body, headers);
    expect(answer.status, answer.text).toBe(202);
    const counts = answer.body as { accepted?: number; rejected?: number };
    expect([counts.accepted, counts.rejected ?? 0]).toEqual([count, 0]);
  });

  test('are stored once under one Idempotency-Key, and answered as duplicates with their first ids', async () => {
    const post = (): Promise<Answer<{ items?: Item[] }>> =>
      program.post(token, JSON.stringify([beat('many'), beat('many')]), { 'idempotency-key': 'batch-7' });
    const [first, second] = [await post(), await post()];
    expect(first.body.items?.map((item) => item.status)).toEqual(['stored', 'stored']);
    expect(second.body.items?.map((item) => item.status)).toEqual(['duplicate', 'duplicate']);
    expect(second.body.items?.map((item) => item.id)).toEqual(first.body.items?.map((item) => item.id));
    await program.settle();
    expect((await program.alerts('?rule=many')).map((alert) => alert.count)).toEqual([2]);
  });

  test('lead to an alert whose evidence is the original bytes, hash and all', async () => {
    const record = `{ "event_type":"heartbeat",  "host":"ev1", "act" : "hit", "text":"ä\\u0000\u2028<script>\\u001b[2J" }`;
    await program.post(token, record);
    await program.settle();
    const alert = (await program.alerts('?rule=hit')).find((each) => each.groupBy['host'] === 'ev1');
    const { body } = await program.call<{ evidence: { record: string; sha256: string; from: string; verified: boolean }[] }>(
      'GET',
      `/alerts/${alert?.id}/evidence`,
    );
    expect(body.evidence).toMatchObject([
      { record, from: 'log', verified: true, sha256: createHash('sha256').update(record).digest('hex') },
    ]);
  });

  test('a thousand alike make one alert with their exact number', async () => {
    const all = Array.from({ length: 1000 }, (_, i) => beat('hit', { host: 'crowd', i }));
    await program.post(token, JSON.stringify(all.slice(0, 600)));
    await program.post(token, JSON.stringify(all.slice(600)));
    await program.settle();
    expect((await program.alerts('?rule=hit')).filter((alert) => alert.groupBy['host'] === 'crowd').map((alert) => alert.count)).toEqual([
      1000,
    ]);
  });

  test('are followed by their own tenant only, as events, matches and alerts', async () => {
    const other = await program.addCredential('globex', { roles: ['viewer'] });
    await using events = await openTail(program, 'events');
    await using matches = await openTail(program, 'matches');
    await using alerts = await openTail(program, 'alerts');
    const foreign = await Promise.all(['events', 'matches', 'alerts'].map((what) => openTail(program, `${what}?from=first`, other)));
    await program.post(token, JSON.stringify(beat('text', { host: 'tailed', text: 'line\nbreak \u2028 \u001b[31m' })));
    await waitFor(() => (events.lines.length > 0 && matches.lines.length > 0 && alerts.lines.length > 0 ? true : undefined), {
      what: () => 'the tails',
      withinMs: 10_000,
    });
    expect(events.lines).toHaveLength(1);
    expect(JSON.parse(String(events.lines[0]?.['record']))).toMatchObject({ host: 'tailed' });
    expect(matches.lines).toMatchObject([{ ruleId: 'text', tenant: 'default' }]);
    expect(alerts.lines).toMatchObject([{ rule: { id: 'text' }, groupBy: { host: 'tailed' } }]);
    for (const tail of foreign) {
      expect(tail.lines).toEqual([]);
      await tail[Symbol.asyncDispose]();
    }
  });

  test('are refused with 429 or 503 and Retry-After rather than held without bound', async () => {
    await using small = await Program.start({
      settings: 'ingest: { maxInFlightBytesPerSource: 64KiB, maxInFlightBytes: 96KiB }\nlog: { level: warn }\n',
    });
    const [one, two] = [await small.addSource('one'), await small.addSource('two')];
    const body = JSON.stringify([{ a: 'x'.repeat(60_000) }]);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => small.post(i % 2 === 0 ? one : two, body)));
    const refused = answers.filter((answer) => answer.status !== 202);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) {
      expect([429, 503]).toContain(answer.status);
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(answer.body.error?.retry).toBe('later');
    }
    const stored = answers.filter((answer) => answer.status === 202).length;
    await small.settle();
    await waitFor(async () => ((await small.eventsStored()) === stored ? true : undefined), { what: () => 'the count', withinMs: 5000 });
    expect((await small.post(one, '{"a":1}')).status).toBe(202);
  });
});
