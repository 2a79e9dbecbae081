/** What the figures are computed and shown with: a bench whose arithmetic is wrong would be believed. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { CountMismatch, quantile, reaches, requireEqual } from './figure.ts';
import { type Answer, HttpSender } from './http-sender.ts';
import { atTime } from './lanes.ts';
import { usageOf } from './processes.ts';
import { tableOf } from './table.ts';

it('takes quantiles by nearest rank', () => {
  const samples = Array.from({ length: 100 }, (_, i) => 100 - i);
  expect([quantile(samples, 0.5), quantile(samples, 0.99), quantile(samples, 1), quantile([7], 0.5)]).toEqual([50, 99, 100, 7]);
  expect(quantile([], 0.5)).toBeNaN();
});

it('compares with goals in their direction, and refuses counts that differ', () => {
  const figure = { figure: 'f', unit: 'ms', conditions: {} };
  expect([
    reaches({ ...figure, value: 8, goal: { atMost: 8 } }),
    reaches({ ...figure, value: 9, goal: { atLeast: 10 } }),
    reaches({ ...figure, value: 1 }),
  ]).toEqual([true, false, undefined]);
  expect(() => requireEqual('events', 2, 1)).toThrow(CountMismatch);
});

it('shows values with their goals and conditions', () => {
  const text = tableOf({ cores: 2 }, [
    { figure: 'ingest', value: 51_234.4, unit: 'events/s', goal: { atLeast: 50_000 }, conditions: { batch: 500 } },
  ]);
  expect(text).toMatch(/ingest +51,234 +events\/s +≥ 50,000 +reached\n +batch 500\n/);
  expect(text).toContain('cores: 2');
});

it('moves the times of records and nothing else', () => {
  const now = new Date('2026-11-05T01:02:03.456Z');
  const lines = [
    '{"t":"2023-07-10T11:42:18Z","id":5}',
    '{"ts":1588205199.8,"x":1}',
    '{"message":"Mar 27 13:06:56 host sshd[1]: x"}',
    '{"plain":"2023"}',
  ];
  expect(atTime(lines, now)).toEqual([
    '{"t":"2026-11-05T01:02:03Z","id":5}',
    '{"ts":1793840523.456000,"x":1}',
    '{"message":"Nov  5 01:02:03 host sshd[1]: x"}',
    '{"plain":"2023"}',
  ]);
});

it('reads answers that come in one piece or many, one after the other', async () => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      const body = `{"accepted":1,"path":"${request.url}","fill":"${'x'.repeat(200_000)}"}`;
      response.writeHead(202, { 'content-length': body.length });
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sender = new HttpSender('127.0.0.1', (server.address() as AddressInfo).port);
  const ask = (path: string): Promise<Answer> =>
    new Promise((resolve) =>
      sender.send({ path, contentType: 'application/json', token: 't', key: 'k', body: Buffer.from('{}') }, resolve),
    );
  for (const path of ['/a', '/b', '/c'])
    expect(await ask(path)).toMatchObject({ status: 202, text: expect.stringContaining(`{"accepted":1,"path":"${path}"`) });
  const broken = ask('/d');
  sender.close();
  expect((await broken).status).toBe(0);
  await new Promise((resolve) => server.close(resolve));
});

it('sees the memory of this process', () => {
  expect(usageOf(process.pid).rssMiB).toBeGreaterThan(20);
});
