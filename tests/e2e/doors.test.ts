/**
 * The doors of other protocols on the running program: every one of them asks for a credential, nothing of what is refused is kept anywhere, what one
 * tenant sends is his whatever it claims, and slow or large requests at one door do not stop another.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { Program } from './program.ts';

const missing = notRunnable();
/** What anybody may ask. */
const OPEN = ['GET /services/collector/health', 'GET /services/collector/health/1.0', 'GET /loki/api/v1/status/buildinfo'];

type Send = (canary: string, authorization: string) => [path: string, request: { headers: Record<string, string>; body: string }];
const json = (authorization: string): Record<string, string> => ({ authorization, 'content-type': 'application/json' });
const SENDERS: Readonly<Record<string, Send>> = {
  hec: (canary, authorization) => [
    '/services/collector',
    { headers: json(authorization), body: `{"event":{"canary":"${canary}","tenant":"other"}}` },
  ],
  raw: (canary, authorization) => ['/services/collector/raw', { headers: json(authorization), body: `line ${canary}` }],
  bulk: (canary, authorization) => [
    '/other/_bulk',
    { headers: json(authorization), body: `{"create":{}}\n{"canary":"${canary}","tenant":"other"}\n` },
  ],
  otlp: (canary, authorization) => [
    '/v1/logs',
    { headers: json(authorization), body: `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"${canary}"}}]}]}]}` },
  ],
  loki: (canary, authorization) => [
    '/loki/api/v1/push',
    {
      headers: { ...json(authorization), 'x-scope-orgid': 'other' },
      body: `{"streams":[{"stream":{"tenant":"other"},"values":[["1","${canary}"]]}]}`,
    },
  ],
  cloudevent: (canary, authorization) => [
    '/api/v1/events',
    {
      headers: {
        ...json(authorization),
        'ce-specversion': '1.0',
        'ce-id': canary,
        'ce-source': 's',
        'ce-type': 't',
        'ce-tenantid': 'other',
      },
      body: `{"canary":"${canary}"}`,
    },
  ],
  webhook: (canary, authorization) => ['/webhooks/github', { headers: json(authorization), body: `{"canary":"${canary}"}` }],
};
const names = Object.keys(SENDERS);

describe('doors', needs(missing), () => {
  let program: Program;
  let token = '';
  const send = async (name: string, canary: string, authorization: string): Promise<number> => {
    const [path, request] = (SENDERS[name] as Send)(canary, authorization);
    return (await fetch(`${program.url}${path}`, { method: 'POST', ...request })).status;
  };

  beforeAll(async () => {
    program = await Program.start({ settings: 'webhooks: { github: { scheme: github, secret: s, source: edr } }\n' });
    token = await program.addSource('edr', 'auto');
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  test('each asks for a credential, whatever is asked of it', async () => {
    const { body } = await program.call<{ paths: Record<string, Record<string, unknown>> }>('GET', '/openapi.json', { token: '' });
    const asked = Object.entries(body.paths)
      .filter(([path]) => !path.startsWith('/api/v1/'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => [method.toUpperCase(), path] as const))
      .filter((each) => !OPEN.includes(each.join(' ')));
    expect(asked.length).toBeGreaterThan(30);
    for (const [method, path] of asked) {
      for (const authorization of ['', 'Bearer wrong', 'Basic eDp5', 'Splunk x', `Bearer ${program.operator}`]) {
        const answer = await fetch(`${program.url}${path.replace(/\{\w+\}/g, 'github')}`, {
          method,
          headers: { authorization, 'content-type': 'application/json' },
          ...(method === 'GET' || method === 'HEAD' ? {} : { body: '{}' }),
        });
        expect([401, 403, 405], `${method} ${path} with ${authorization.slice(0, 12)}: ${answer.status}`).toContain(answer.status);
      }
    }
  });

  test.each(names)('%s keeps nothing of what it refuses', async (name) => {
    const revoked = await program.addSource(`gone-${name}`, 'auto');
    await program.call('POST', `/sources/gone-${name}/revoke`);
    const canary = `canary-${name}-4be1`;
    for (const authorization of ['', 'Bearer wrong', `Bearer ${revoked}`, `Bearer ${program.operator}`]) {
      expect([401, 403]).toContain(await send(name, canary, authorization));
    }
    expect((await program.everythingStored()).includes(canary)).toBe(false);
    expect(program.stderr.includes(canary)).toBe(false);
  });

  test.each(names.filter((name) => name !== 'webhook'))('%s stores for the tenant of the token, whatever is claimed', async (name) => {
    const canary = `mine-${name}-77aa`;
    expect([200, 202, 204]).toContain(await send(name, canary, `Bearer ${token}`));
    const stored = (await program.everythingStored()).toString('latin1');
    expect(stored).toContain('tocsin.events.live.');
    expect(stored).not.toMatch(/tocsin\.events\.(live|bulk)\.\d+\.other /);
  });

  test('two thousand idle connections, senders that never end their request, and a line of 10 MB leave the others alone', async () => {
    const { hostname, port } = new URL(program.url);
    const slow: Socket[] = [];
    const idle = Array.from({ length: 2000 }, () => connect(Number(port), hostname).on('error', () => undefined));
    await Promise.all(idle.map((socket) => once(socket, 'connect')));
    slow.push(...idle);
    for (let i = 0; i < 200; i++) {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(
        `POST /services/collector HTTP/1.1\r\nHost: x\r\nAuthorization: Splunk ${token}\r\nContent-Length: 1000\r\n\r\n{"event"`,
      );
      slow.push(socket);
    }
    for (const [path, body] of [
      ['/services/collector/raw', 'x'.repeat(10_000_000)],
      ['/_bulk', `{"create":{}}\n"${'x'.repeat(10_000_000)}"\n`],
      ['/loki/api/v1/push', `{"streams":[{"stream":{},"values":[["1","${'x'.repeat(10_000_000)}"]]}]}`],
    ] as const) {
      const answer = await fetch(`${program.url}${path}`, { method: 'POST', body, headers: json(`Bearer ${token}`) });
      const text = await answer.text();
      if (path === '/_bulk') expect(text).toContain('"status":413');
      else expect([400, 413], `${path}: ${text.slice(0, 200)}`).toContain(answer.status);
    }
    for (const name of names.filter((each) => each !== 'webhook'))
      expect([200, 202, 204]).toContain(await send(name, `after-${name}`, `Bearer ${token}`));
    for (const socket of slow) socket.destroy();
    expect(program.isRunning).toBe(true);
  });
});
