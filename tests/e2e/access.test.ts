/** Who may do what, on every route of the running program; the API document; TLS; what is refused at the door. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { type Answer, beat, Program, wordRule } from './program.ts';

const missing = notRunnable();

interface Route {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Statuses for an administrator of the same tenant, an administrator of another, a viewer. */
  readonly admin: number;
  readonly other: number;
  readonly viewer: number;
}

describe('access', needs(missing), () => {
  let program: Program;
  let alert = '';
  const tokens: Record<string, string> = {};

  beforeAll(async () => {
    program = await Program.start({ rules: { 'hit.yml': wordRule('hit', 'hit') } });
    tokens['producer'] = await program.addSource('edr');
    tokens['revoked'] = await program.addSource('old');
    await program.call('POST', '/sources/old/revoke');
    tokens['other'] = await program.addCredential('globex', { roles: ['admin'] });
    tokens['viewer'] = await program.addCredential('default', { roles: ['viewer'] });
    tokens['expired'] = await program.addCredential('default', { roles: ['admin'], expiresMs: 1 });
    tokens['unknown'] = `tocsin_person_${'A'.repeat(43)}`;
    await program.post(tokens['producer'], JSON.stringify(beat('hit')));
    await program.settle();
    alert = (await program.alerts())[0]?.id ?? '';
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  const routes = (): Route[] => [
    { method: 'GET', path: '/status', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/alerts', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: `/alerts/${alert}`, admin: 200, other: 404, viewer: 200 },
    { method: 'GET', path: `/alerts/${alert}/evidence`, admin: 200, other: 404, viewer: 200 },
    { method: 'GET', path: `/alerts/${alert}/explanation`, admin: 200, other: 404, viewer: 200 },
    { method: 'POST', path: `/alerts/${alert}/acknowledge`, body: {}, admin: 200, other: 404, viewer: 403 },
    { method: 'GET', path: '/rules', admin: 200, other: 200, viewer: 200 },
    {
      method: 'POST',
      path: '/rules',
      body: { files: [{ path: 'x.yml', text: 'title: x' }], dryRun: true },
      admin: 200,
      other: 200,
      viewer: 403,
    },
    { method: 'GET', path: '/rules/cost', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/rules/coverage', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/rules/fields', body: { fields: ['a', '__proto__'] }, admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/rules/quarantine', body: { rule: 'nobody', quarantined: true }, admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/coverage', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/catch-up', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/catch-up', body: { rules: ['nobody'] }, admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/sources', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/sources', body: { name: 'edr' }, admin: 409, other: 200, viewer: 403 },
    { method: 'GET', path: '/sources/gone', admin: 404, other: 404, viewer: 404 },
    { method: 'PATCH', path: '/sources/gone', body: { format: 'json' }, admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/sources/gone/rotate', body: {}, admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/sources/gone/nats-key', body: {}, admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/sources/gone/revoke', admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/people', admin: 200, other: 200, viewer: 403 },
    { method: 'POST', path: '/people', body: { name: 'x', tenant: 'initech', roles: ['viewer'] }, admin: 200, other: 403, viewer: 403 },
    { method: 'POST', path: '/people/gone/revoke', body: {}, admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/planned-events', admin: 200, other: 200, viewer: 200 },
    {
      method: 'POST',
      path: '/planned-events',
      body: { source: 'gone', at: '2099-01-01T00:00:00Z', record: 'x' },
      admin: 404,
      other: 404,
      viewer: 403,
    },
    { method: 'POST', path: '/planned-events/none/cancel', admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/schemas', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/schemas/gone', admin: 404, other: 404, viewer: 404 },
    {
      method: 'POST',
      path: '/rules/backtest',
      body: { files: [{ path: 'x.yml', text: 'title: x' }] },
      admin: 200,
      other: 200,
      viewer: 403,
    },
    { method: 'GET', path: '/coverage', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/catch-up', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/catch-up', body: { rules: ['hit'], dryRun: true }, admin: 200, other: 200, viewer: 403 },
    { method: 'GET', path: '/replays', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/replays', body: { speed: 0.001 }, admin: 422, other: 422, viewer: 403 },
    { method: 'GET', path: '/replays/gone', admin: 404, other: 404, viewer: 404 },
    { method: 'DELETE', path: '/replays/gone', admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/replays/gone/stop', admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/replays/gone/resume', admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/replays/gone/alerts', admin: 404, other: 404, viewer: 404 },
    { method: 'GET', path: '/replays/gone/alerts/gone', admin: 404, other: 404, viewer: 404 },
    { method: 'POST', path: '/projections/rebuild', body: { waitMs: 10_000 }, admin: 200, other: 403, viewer: 403 },
    { method: 'GET', path: '/quotas', admin: 200, other: 200, viewer: 200 },
    { method: 'POST', path: '/quotas', body: { source: 'nobody' }, admin: 404, other: 404, viewer: 403 },
    { method: 'GET', path: '/dead-letters', admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/dead-letters/gone', admin: 404, other: 404, viewer: 404 },
    { method: 'POST', path: '/dead-letters/gone/edit', body: { content: 'x' }, admin: 404, other: 404, viewer: 403 },
    { method: 'POST', path: '/dead-letters/redrive', body: { ids: ['gone'] }, admin: 200, other: 200, viewer: 403 },
    { method: 'POST', path: '/dead-letters/discard', body: { ids: ['gone'], because: 'a test' }, admin: 200, other: 200, viewer: 403 },
    { method: 'GET', path: '/tail/nothing', admin: 404, other: 404, viewer: 404 },
    { method: 'GET', path: '/tail/constructor', admin: 404, other: 404, viewer: 404 },
    { method: 'GET', path: '/tail/__proto__', admin: 404, other: 404, viewer: 404 },
    { method: 'POST', path: '/settle', body: { waitMs: 1000 }, admin: 200, other: 200, viewer: 200 },
    { method: 'GET', path: '/audit', admin: 200, other: 200, viewer: 403 },
    { method: 'GET', path: '/config', admin: 200, other: 200, viewer: 200 },
  ];

  const ask = (route: Route, token: string): Promise<Answer> =>
    program.call(route.method, route.path, { token, ...(route.body === undefined ? {} : { body: route.body }) });

  test('every route asks for a credential first, and gives each exactly what its roles grant', async () => {
    for (const route of routes()) {
      const name = `${route.method} ${route.path}`;
      const statuses: Record<string, number> = {};
      for (const who of ['', 'unknown', 'revoked', 'expired', 'producer', 'viewer', 'other', 'admin']) {
        const answer = await ask(route, who === 'admin' ? program.operator : (tokens[who] ?? ''));
        statuses[who] = answer.status;
        if (answer.status < 400) continue;
        expect(answer.body, name).toEqual({
          error: {
            code: expect.stringMatching(/^[a-z]+\.[a-z_]+$/) as string,
            message: expect.stringMatching(/.{20}/) as string,
            retry: expect.stringMatching(/^(never|later|reconnect)$/) as string,
          },
        });
        if (answer.status === 401) expect(answer.headers.get('www-authenticate')).toBe('Bearer');
      }
      expect({ name, ...statuses }).toEqual({
        name,
        '': 401,
        unknown: 401,
        revoked: 401,
        expired: 401,
        producer: 403,
        viewer: route.viewer,
        other: route.other,
        admin: route.admin,
      });
    }
  });

  test('the document names every route, is OpenAPI 3.1, and the list above leaves none out', async () => {
    const { body, status } = await program.call<{
      openapi: string;
      paths: Record<string, Record<string, { responses: object; summary?: string }>>;
    }>('GET', '/openapi.json', { token: '' });
    expect(status).toBe(200);
    expect(body.openapi).toMatch(/^3\.1\./);
    const documented = Object.entries(body.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    // Doors of other protocols are judged in `doors.test.ts`; the door of events and health in tests of their own below.
    const own = documented.filter((each) => each.includes(' /api/v1/') && !/ \/api\/v1\/(?:events|health\/\w+)$/.test(each));
    const judged = (each: string): boolean => {
      const [method = '', template = ''] = each.split(' /api/v1');
      const path = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
      return routes().some((route) => route.method === method && path.test(route.path));
    };
    expect(own.length).toBeGreaterThan(40);
    expect(own.filter((each) => !judged(each))).toEqual([]);
    for (const methods of Object.values(body.paths))
      for (const route of Object.values(methods)) expect(Object.keys(route.responses).length).toBeGreaterThan(0);
  });

  test("events are taken from the credential's source only, and refusals name no reason to guess by", async () => {
    const before = await program.eventsStored();
    const canary = 'canary-7f3a9c';
    const body = JSON.stringify(beat('hit', { canary }));
    for (const [who, status] of [
      ['unknown', 401],
      ['revoked', 401],
      ['expired', 401],
      ['viewer', 403],
      ['other', 403],
    ] as const) {
      expect((await program.post(tokens[who] ?? '', body)).status, who).toBe(status);
    }
    expect((await program.post(program.operator, body)).status).toBe(403);
    expect(await program.eventsStored()).toBe(before);
    expect((await program.everythingStored()).includes(canary)).toBe(false);
  });

  test('what a body or header says about the tenant is data', async () => {
    const headers = { 'x-tenant': 'globex', 'x-tenant-id': 'globex' };
    const { body } = await program.post(
      tokens['producer'] ?? '',
      JSON.stringify(beat('claim', { tenant: 'globex', tenant_id: 'globex' })),
      headers,
    );
    expect(body.items?.[0]?.status).toBe('stored');
    await program.settle();
    const stored = (await program.everythingStored()).toString('latin1');
    expect(stored).toMatch(/tocsin\.events\.live\.\d\.default /);
    expect(stored).not.toMatch(/tocsin\.(events|alerts)\.[^ ]*globex/);
  });

  test('a refused act is on the audit trail, ahead of nothing', async () => {
    await ask({ method: 'POST', path: '/sources', body: { name: 'sneaky' }, admin: 0, other: 0, viewer: 403 }, tokens['viewer'] ?? '');
    const { body } = await program.call<{ records: { phase: string; action: string; actor: string }[] }>('GET', '/audit?limit=5');
    expect(body.records.at(-1)).toMatchObject({ phase: 'refused', action: 'sources.write', actor: 'default/somebody' });
    expect((await program.call('GET', '/sources')).text).not.toContain('sneaky');
  });

  test("another tenant's answers hold nothing of this one's", async () => {
    for (const path of ['/alerts', '/sources', '/rules', '/audit', '/config', '/status']) {
      const { text } = await program.call('GET', path, { token: tokens['other'] });
      expect(text).not.toContain(alert);
      expect(text, path).not.toContain(tokens['producer'] ?? 'x');
    }
    expect(await program.alerts('', tokens['other'])).toEqual([]);
  });

  test('a foreign id is answered like one that is not there', async () => {
    const none = 'f'.repeat(32);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/evidence'],
      ['POST', '/resolve'],
    ] as const) {
      const body = method === 'POST' ? { body: {} } : {};
      const foreign = await program.call(method, `/alerts/${alert}${path}`, { token: tokens['other'], ...body });
      const random = await program.call(method, `/alerts/${none}${path}`, { token: tokens['other'], ...body });
      expect([foreign.status, foreign.text.replace(alert, 'ID')]).toEqual([random.status, random.text.replace(none, 'ID')]);
    }
  });

  test.each([
    ['POST', '/sources', { name: 5 }],
    ['POST', '/sources', { name: '' }],
    ['POST', '/sources', { name: null }],
    ['POST', '/sources', { name: ['a'] }],
    ['POST', '/sources', { name: 'x'.repeat(129) }],
    ['POST', '/sources', { name: '\ud800' }],
    ['POST', '/sources', { name: 'ä'.repeat(100) }],
    ['POST', '/sources', { name: 'a', format: 'none' }],
    ['POST', '/sources', { name: 'a', lane: 'fast' }],
    ['POST', '/sources', { name: 'a', more: 1 }],
    ['POST', '/sources', []],
    ['POST', '/sources', 'x'],
    ['POST', '/sources', null],
    ['PATCH', '/sources/edr', {}],
    ['PATCH', '/sources/edr', { name: 'other' }],
    ['PATCH', '/sources/edr', { format: null }],
    ['PATCH', '/sources/edr', { silence: { firstMs: 1 } }],
    ['PATCH', '/sources/edr', { labels: { 'no name': 'a' } }],
    ['PATCH', '/sources/edr', { schemas: 'maybe' }],
    ['PATCH', '/sources/edr', { privacy: { fields: [{ field: '', act: 'mask' }] } }],
    ['PATCH', '/sources/edr', { privacy: { fields: [{ field: 'a', act: 'hash' }] } }],
    ['POST', '/sources/edr/rotate', { graceSeconds: -1 }],
    ['POST', '/settle', { waitMs: '1' }],
    ['POST', '/settle', { waitMs: -1 }],
    ['POST', '/settle', { waitMs: 1e9 }],
    ['POST', '/settle', { waitMs: null }],
    ['POST', '/rules', { files: [] }],
    ['POST', '/rules', { files: [{ path: 'x' }] }],
    ['POST', '/rules', { files: [{ path: 'x', text: 5 }] }],
    ['POST', '/rules', { files: [{ path: 'x', text: 'a' }], dryRun: 'true' }],
    ['POST', '/rules', {}],
    ['GET', '/alerts?limit=0', undefined],
    ['GET', '/alerts?limit=x', undefined],
    ['GET', '/alerts?limit=1&limit=2', undefined],
    ['GET', '/alerts?status=odd', undefined],
    ['GET', '/alerts?severity=1e1', undefined],
    ['GET', '/alerts?a[__proto__][x]=1', undefined],
    ['GET', '/audit?limit=99999', undefined],
    ['GET', '/tail/events?from=nowhere', undefined],
  ])('%s %s with %j is answered 400', async (method, path, body) => {
    const answer = await program.call(method, path, body === undefined ? {} : { body });
    expect(answer.status, answer.text).toBe(400);
    expect((answer.body as { error: { message: string } }).error.message).toMatch(/.{20}/);
  });

  test('two who register one name at once get one source', async () => {
    const answers = await Promise.all(Array.from({ length: 4 }, () => program.call('POST', '/sources', { body: { name: 'raced' } })));
    expect(answers.map((each) => String(each.status)).sort()).toEqual(['200', '409', '409', '409']);
  });

  test('health is told to anybody, and nothing else is', async () => {
    expect((await program.call('GET', '/health/live', { token: '' })).body).toEqual({ live: true });
    expect((await program.call('GET', '/health/ready', { token: '' })).body).toEqual({ state: 'ready' });
    for (const [method, path, wanted] of [
      ['HEAD', '/tail/events', 405],
      ['PUT', '/alerts', 405],
      ['DELETE', '/sources/edr', 405],
      ['GET', '/nope', 404],
      ['GET', '/alerts/%2e%2e/x', 404],
    ] as const) {
      const { status } = await fetch(`${program.url}/api/v1${path}`, { method, headers: { authorization: `Bearer ${program.operator}` } });
      expect(status).toBe(wanted);
    }
  });
});

describe('listening', needs(missing), () => {
  test('beyond loopback without TLS is refused by name, before anything is opened', async () => {
    const { code, said } = await Program.refusal({ args: ['--host', '0.0.0.0'] });
    expect(code).toBe(78);
    expect(said).toContain('--insecure');
  });

  test("a certificate that is not there is an operator's mistake, told by its path", async () => {
    const { code, said } = await Program.refusal({ args: ['--tls-cert', '/nowhere/a.crt', '--tls-key', '/nowhere/a.key'] });
    expect(code).not.toBe(0);
    expect(said).toContain('/nowhere/a.crt');
    expect(said).not.toMatch(/^\s+at /m);
  });

  test('HTTPS with a self-signed certificate; clear text on its port gets nothing', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-tls-'));
    try {
      const [cert, key] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
      try {
        execFileSync(
          'openssl',
          [
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-days',
            '2',
            '-subj',
            '/CN=tocsin.example',
            '-addext',
            'subjectAltName=DNS:tocsin.example',
            '-keyout',
            key,
            '-out',
            cert,
          ],
          { stdio: 'ignore' },
        );
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return context.skip('needs openssl to make a certificate');
        throw error;
      }
      await using program = await Program.start({ args: ['--tls-cert', cert, '--tls-key', key] });
      expect(program.url).toMatch(/^https:/);
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request(
          `${program.url}/api/v1/status`,
          { ca: readFileSync(cert), servername: 'tocsin.example', headers: { authorization: `Bearer ${program.operator}` } },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        )
          .on('error', reject)
          .end();
      });
      expect(status).toBe(200);
      // The command line on the same data folder needs no word about the certificate, nor that it names this address.
      expect(await program.commandLine('status')).toContain('ready');
      await expect(fetch(program.url.replace('https', 'http'))).rejects.toThrow();
      await expect(fetch(program.url)).rejects.toThrow();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
