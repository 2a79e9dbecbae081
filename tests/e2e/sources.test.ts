/**
 * Sources on the running program: credentials that are rotated and revoked, silence that is told, what is stripped before anything is stored,
 * and one attack seen by four log sources, each through its own door. Rules and policies are the blocks of the pages in `docs`.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { type AlertBody, Program } from './program.ts';

const missing = notRunnable();
const docs = join(import.meta.dirname, '..', '..', 'docs');
const block = (page: string, kind: string): string => {
  const found = new RegExp(`^\`\`\`${kind}\\n(.*?)^\`\`\`$`, 'ms').exec(readFileSync(join(docs, page), 'utf8'))?.[1];
  if (found === undefined) throw new Error(`${page} has no block ${kind}`);
  return found;
};
const SETTINGS = `
sources: { silence: { first: 2s, second: 5s, checkEvery: 200ms }, privacyKey: env:TOCSIN_E2E_PRIVACY_KEY }
webhooks: { okta: { scheme: okta, secret: hook-secret } }
listeners: { syslog: { edge: { transport: tcp, host: 127.0.0.1, port: 0, sources: { vpn: { source: vpn, peers: [127.0.0.1] } } } } }
`;

interface Shown {
  readonly source: {
    readonly heard: Record<string, unknown> & { readonly rejected: Record<string, number>; readonly droppedBy: Record<string, number> };
  };
  readonly credentials: readonly { readonly label: string; readonly state: string }[];
}
interface ShownListener {
  readonly kind: string;
  readonly name: string;
  readonly address: string;
  readonly stored: number;
  readonly refused: Record<string, number>;
  readonly rejected: Record<string, number>;
}

describe('sources', needs(missing), () => {
  let program: Program;
  const event = (id: string, more: object = {}): string => JSON.stringify({ id, message: 'hello', ...more });
  const show = async (name: string): Promise<Shown> =>
    (await program.call<Shown & Record<string, unknown>>('GET', `/sources/${name}`)).body;
  const listener = async (kind: string, name: string): Promise<ShownListener> => {
    const { body } = await program.call<{ listeners: ShownListener[] }>('GET', '/status');
    return body.listeners.find((one) => one.kind === kind && one.name === name) as ShownListener;
  };
  const silenceOf = async (source: string): Promise<(AlertBody & { severity: number })[]> =>
    ((await program.alerts()) as (AlertBody & { severity: number })[]).filter(
      ({ rule, groupBy }) => rule.id === 'tocsin.source-silent' && groupBy['source'] === source,
    );

  beforeAll(async () => {
    process.env['TOCSIN_E2E_PRIVACY_KEY'] = 'a key of the end-to-end tests';
    program = await Program.start({ settings: SETTINGS, rules: { 'four-sources.yml': block('rules.md', 'yaml four-sources.yml') } });
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  test('a rotated credential is accepted for its grace, then no more; a revoked one not at all', async () => {
    const old = await program.addSource('web01', 'auto');
    const { body } = await program.call<{ token: string; credentials: Shown['credentials'] }>('POST', '/sources/web01/rotate', {
      body: { graceSeconds: 1 },
    });
    expect(body.credentials.map(({ label, state }) => [label, state])).toEqual([
      ['web01.2', 'active'],
      ['web01.1', 'grace'],
    ]);
    const statuses = async (id: string): Promise<number[]> => [
      (await program.post(old, event(`${id}-old`))).status,
      (await program.post(body.token, event(`${id}-new`))).status,
    ];
    expect(await statuses('a')).toEqual([202, 202]);
    await waitFor(async () => ((await program.post(old, event('b'))).status === 401 ? true : undefined), {
      what: () => 'the grace to end',
      withinMs: 10_000,
    });
    expect(await statuses('c')).toEqual([401, 202]);
    expect((await show('web01')).credentials.map(({ state }) => state)).toEqual(['active', 'expired']);
    await program.call('POST', '/sources/web01/revoke');
    expect(await statuses('d')).toEqual([401, 401]);
    expect((await listener('http', 'events')).refused['auth.refused']).toBeGreaterThan(0);
  });

  test.each(['.', '..', '', 'a\u0007b', 'a\u202eb', 'a\nb', 'x'.repeat(300)])('%j is no name of a source', async (name) => {
    const { status, text } = await program.call('POST', '/sources', { body: { name, format: 'auto' } });
    expect([status, text]).toEqual([400, expect.stringContaining('name')]);
    expect((await program.call<{ sources: { name: string }[] }>('GET', '/sources')).body.sources.map((one) => one.name)).not.toContain(
      name,
    );
  });

  test('what comes twice is heard twice: once stored, once a duplicate', async () => {
    const token = await program.addSource('twice', 'auto');
    for (const status of ['stored', 'duplicate']) {
      const { body } = await program.post(token, event('once'), { 'idempotency-key': 'same' });
      expect(body).toMatchObject({ items: [{ status }] });
    }
    expect((await show('twice')).source.heard).toMatchObject({ duplicates: 1 });
  });

  test('an open connection ends to count with its source', async () => {
    await program.addSource('vpn', 'auto');
    const { address } = await listener('syslog', 'edge');
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.write('<13>1 2026-01-01T00:00:00Z h app - - - one\n');
    await waitFor(async () => ((await listener('syslog', 'edge')).stored === 1 ? true : undefined), {
      what: () => 'the first line',
      withinMs: 10_000,
    });
    await program.call('POST', '/sources/vpn/revoke');
    socket.write('<13>1 2026-01-01T00:00:00Z h app - - - two\n');
    const refused = await waitFor(
      async () => {
        const { refused, rejected } = await listener('syslog', 'edge');
        const [code] = [...Object.keys(refused), ...Object.keys(rejected)];
        return code;
      },
      { what: () => 'the second line to be refused', withinMs: 10_000 },
    );
    expect(['auth.refused', 'listener.source_unknown']).toContain(refused);
    expect((await listener('syslog', 'edge')).stored).toBe(1);
    socket.destroy();
  });

  test('silence is told, told again, noticed over a restart, and over once the source speaks', async () => {
    const token = await program.addSource('quiet', 'auto');
    await program.addSource('never', 'auto');
    await program.post(token, event('s1'));
    const first = await waitFor(async () => (await silenceOf('quiet'))[0], { what: () => 'an alert on silence', withinMs: 15_000 });
    expect(first).toMatchObject({ severity: 3, status: 'new' });
    await program.stop();
    await program.restart();
    const second = await waitFor(async () => (await silenceOf('quiet')).find(({ severity }) => severity === 4), {
      what: () => 'its second level',
      withinMs: 15_000,
    });
    expect(second.id).toBe(first.id);
    expect(await silenceOf('never')).toEqual([]);
    await program.post(token, event('s2'));
    await waitFor(async () => ((await silenceOf('quiet')).find(({ id }) => id === first.id)?.status === 'resolved' ? true : undefined), {
      what: () => 'the silence to end',
      withinMs: 15_000,
    });
    await program.call('PATCH', '/sources/quiet', { body: { silence: 'off' } });
    const silence = { firstMs: 60_000, secondMs: 5_000 };
    expect((await program.call('PATCH', '/sources/quiet', { body: { silence } })).status).toBe(400);
    expect((await program.call('POST', '/sources', { body: { name: 'contrary', silence } })).status).toBe(400);
    const misnamed = await program.call('PATCH', '/sources/quiet', { body: { lane: 'fast' } });
    expect(JSON.stringify(misnamed)).toContain('allowed values: live, bulk');
  });

  test('what a policy names is never stored, and everything else is', async () => {
    const token = await program.addSource('app', 'auto');
    const policy = parse(block('how-to/privacy.md', 'yaml app-privacy.yml')) as object;
    expect((await program.call('PATCH', '/sources/app', { body: { privacy: policy } })).status).toBe(200);
    const canary = 'Tr0ub4dor-canary';
    const records = [
      { id: 'p1', user: 'ann', email: 'ann-canary@example.org', cmd: `net user eve ${canary} /add`, kept: 'kept-text' },
      { id: 'p2', user: 'ann', card: '4111 1111 1111 1111' },
      { id: 'p3', path: '/healthz', method: 'GET' },
    ];
    const answer = await program.post(token, JSON.stringify(records), { 'tocsin-dropped': '5', 'idempotency-key': 'batch-1' });
    expect(answer.body).toMatchObject({ accepted: 2, dropped: 1, rejected: 0 });
    const again = await program.post(token, JSON.stringify(records), { 'idempotency-key': 'batch-1' });
    expect(again.body).toMatchObject({ accepted: 0, duplicates: 2, dropped: 1 });
    const stored = await program.everythingStored();
    for (const secret of [canary, 'ann-canary', '4111 1111']) expect(stored.includes(secret), secret).toBe(false);
    expect(stored.includes('kept-text')).toBe(true);
    expect(stored.toString('latin1').match(/"user":"(tok_[0-9a-f]{32})"/)?.[1]).toBeDefined();
    expect((await show('app')).source.heard).toMatchObject({ dropped: 2, droppedByProducer: 5, secrets: 2 });
  });

  test('what does not fit its schema is flagged, or kept aside and given back', async () => {
    const token = await program.addSource('typed', 'auto');
    const misfit = (id: number): string =>
      JSON.stringify({ Channel: 'Security', EventID: 4625, RecordNumber: id, Hostname: { a: 'canary-quarantine' } });
    await program.call('PATCH', '/sources/typed', { body: { schemas: 'warn' } });
    expect((await program.post(token, misfit(1))).body).toMatchObject({ accepted: 1 });
    expect((await show('typed')).source.heard).toMatchObject({ misfits: 1 });
    await program.call('PATCH', '/sources/typed', { body: { schemas: 'enforce' } });
    const stored = async (): Promise<number> =>
      (await program.call<{ source: { events: number } }>('GET', '/sources/typed')).body.source.events;
    const reaches = (count: number): Promise<true> =>
      waitFor(async () => ((await stored()) === count ? true : undefined), {
        what: () => `${count} events of the source`,
        withinMs: 15_000,
      });
    await reaches(1);
    for (let time = 0; time < 2; time++) {
      const answer = await program.post(token, misfit(2), { 'idempotency-key': 'k' });
      expect(answer.body).toMatchObject({ accepted: 0, quarantined: 1, items: [{ status: 'quarantined' }] });
    }
    await program.settle();
    expect(await stored()).toBe(1);
    const letters = async (): Promise<{ id: string; state: string; errors: { text: string }[] }[]> =>
      (
        await program.call<{ deadLetters: { id: string; state: string; errors: { text: string }[] }[] }>(
          'GET',
          '/dead-letters?consumer=ingest',
        )
      ).body.deadLetters;
    const [letter, another] = await letters();
    expect(another).toBeUndefined();
    expect(letter?.errors[0]?.text).toContain('Hostname is not of a type');
    expect((await program.call('POST', `/dead-letters/redrive`, { body: { all: true, consumer: 'ingest' } })).status).toBe(200);
    await reaches(2);
  });

  test('four log sources, four doors, one user: one alert with the evidence of all', async () => {
    const now = new Date().toISOString();
    const [dc, aws] = [await program.addSource('dc', 'auto'), await program.addSource('aws', 'auto')];
    await program.addSource('okta', 'auto');
    await program.addSource('vpn', 'key-value');
    const logon = {
      Channel: 'Security',
      EventID: 4625,
      Hostname: 'DC1',
      TargetUserName: 'Ann',
      TargetDomainName: 'ACME',
      IpAddress: '198.51.100.7',
      EventTime: now,
    };
    expect((await program.post(dc, `${JSON.stringify(logon)}\n`, { 'content-type': 'application/x-ndjson' })).status).toBe(202);
    const okta = {
      uuid: 'u1',
      published: now,
      eventType: 'user.session.start',
      severity: 'WARN',
      actor: { alternateId: 'ann@acme.example', id: '1' },
      client: { ipAddress: '198.51.100.7' },
      outcome: { result: 'FAILURE', reason: 'INVALID_CREDENTIALS' },
    };
    const hook = await fetch(`${program.url}/webhooks/okta`, {
      method: 'POST',
      headers: { authorization: 'hook-secret', 'content-type': 'application/json' },
      body: JSON.stringify({ eventType: 'com.okta.event_hook', data: { events: [okta] } }),
    });
    expect(hook.status).toBe(200);
    const call = {
      eventVersion: '1.08',
      eventID: 'e1',
      eventTime: now,
      eventSource: 'iam.amazonaws.com',
      eventName: 'CreateAccessKey',
      awsRegion: 'us-east-1',
      sourceIPAddress: '198.51.100.7',
      userIdentity: { type: 'IAMUser', arn: 'arn:aws:iam::123456789012:user/ann', userName: 'ann' },
    };
    const hec = await fetch(`${program.url}/services/collector`, {
      method: 'POST',
      headers: { authorization: `Splunk ${aws}` },
      body: JSON.stringify({ event: call }),
    });
    expect(hec.status).toBe(200);
    const { address, stored } = await listener('syslog', 'edge');
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.end(
      '<185>devname="fgt1" devid="FGT60E" logid="0101039426" type="event" subtype="vpn" action="ssl-login-fail" remip=198.51.100.7 user="ann" status="failure"\n',
    );
    await waitFor(async () => ((await listener('syslog', 'edge')).stored > stored ? true : undefined), {
      what: () => 'the line of the VPN',
      withinMs: 10_000,
    });
    await program.settle();
    const found = await waitFor(
      async () => (await program.alerts()).filter(({ rule }) => rule.title === 'One user refused everywhere').at(0),
      {
        what: () => 'the correlated alert',
        withinMs: 15_000,
      },
    );
    expect(found).toMatchObject({ groupBy: { 'entity.user': 'ann' }, count: 4 });
    const { evidence } = found as unknown as { evidence: { source: string; excerpt?: string }[] };
    expect(evidence.map(({ source }) => source).sort()).toEqual(['aws', 'dc', 'okta', 'vpn']);
    expect((await program.alerts()).filter(({ rule }) => rule.id !== 'tocsin.source-silent')).toHaveLength(1);
    expect(parseAllDocuments(block('rules.md', 'yaml four-sources.yml'))).toHaveLength(5);
  });
});
