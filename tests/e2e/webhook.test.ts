/** Alerts leave the running program by a webhook: signed, at least once over a kill, into a dead letter where refused, and out of it again. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, Program, wordRule } from './program.ts';

const missing = notRunnable();

interface Told {
  readonly key: string;
  readonly host: string;
}

describe('webhooks', needs(missing), () => {
  let program: Program;
  let server: Server;
  let token = '';
  let status = 200;
  const told: Told[] = [];
  const bad: string[] = [];
  beforeAll(async () => {
    server = createServer((request, answer) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString();
        const [, seconds, mac] = /^t=(\d+),v1=(.*)$/.exec(String(request.headers['tocsin-signature'])) ?? [];
        if (mac !== createHmac('sha256', 'hook-secret').update(`${seconds}.${body}`).digest('hex')) bad.push(body);
        const { key, alert } = JSON.parse(body) as { key: string; alert: { groupBy: { host?: string } } };
        if (status === 200) told.push({ key, host: alert.groupBy.host ?? '' });
        answer.writeHead(status).end();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const hook = (more: string): string => `{ url: "${url}", secret: hook-secret, ${more} }`;
    program = await Program.start({
      rules: { 'good.yml': wordRule('good', 'good') },
      settings: `sinks: { webhooks: { pager: ${hook('allowPrivate: true')}, blocked: ${hook('minSeverity: high')}, loud: ${hook('allowPrivate: true, minSeverity: critical')} } }\n`,
    });
    token = await program.addSource('edr');
  });
  afterAll(async () => {
    await program?.[Symbol.asyncDispose]();
    server?.closeAllConnections();
    server?.close();
  });

  const send = (host: string): Promise<unknown> => program.post(token, JSON.stringify(beat('good', { host })));
  const hears = (host: string): Promise<true> =>
    waitFor(async () => (told.some((one) => one.host === host) ? true : undefined), {
      what: () => `the webhook to be told of ${host}; the program said:\n${program.stderr.slice(-3000)}`,
      withinMs: 60_000,
    });
  const letters = async (consumer: string): Promise<{ id: string; reason: string; state: string }[]> =>
    (await program.call<{ deadLetters: { id: string; reason: string; state: string }[] }>('GET', `/dead-letters?consumer=${consumer}`)).body
      .deadLetters;

  test('are told of an alert, signed; those of a private address that may not be are not, and say so', async () => {
    await send('first');
    await hears('first');
    expect(bad).toEqual([]);
    const refused = await waitFor(async () => (await letters('webhook-blocked'))[0], {
      what: () => 'a dead letter of the blocked webhook',
      withinMs: 30_000,
    });
    expect(refused).toMatchObject({ reason: 'refused', state: 'waiting' });
    expect(await letters('webhook-loud')).toEqual([]);
  });

  test('are told of what was raised while the program was killed, once for each change', async () => {
    status = 503;
    await send('killed');
    await program.settle();
    process.kill(program.pid, 'SIGKILL');
    await waitFor(async () => (program.isRunning ? undefined : true), { what: () => 'the program to end', withinMs: 10_000 });
    status = 200;
    await program.restart();
    await hears('killed');
    await send('after');
    await hears('after');
    const keys = told.map(({ key }) => key);
    expect(keys).toEqual([...new Set(keys)]);
  });

  test('what was refused comes when it is redriven', async () => {
    status = 400;
    await send('refused');
    const letter = await waitFor(async () => (await letters('webhook-pager'))[0], { what: () => 'the dead letter', withinMs: 30_000 });
    status = 200;
    expect(JSON.parse(await program.commandLine('dead-letters', 'redrive', letter.id.slice(0, 12), '--json'))).toMatchObject({
      done: [letter.id],
      failed: [],
    });
    await hears('refused');
    expect((await letters('webhook-pager')).map(({ state }) => state)).toEqual(['redriven']);
    expect(await program.commandLine('dead-letters', 'show', letter.id.slice(0, 12))).toContain('webhook-pager');
  });
});
