/** Webhooks on a real fastify: each way of signing, each way of getting it wrong, repeats, and challenges. */
import { createHmac } from 'node:crypto';
import { Secret } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { type DoorAnswer, type OpenDoor, openDoor, sources } from '../../../test/http-fixture.ts';
import type { WebhookSettings } from './webhook-settings.ts';
import type { Webhook } from './webhooks.ts';

const NOW_MS = 1_700_000_000_000;
const now = String(NOW_MS / 1000);
const mac = (key: string | Buffer, text: string, encoding: 'hex' | 'base64' = 'hex', algorithm = 'sha256'): string =>
  createHmac(algorithm, key).update(text).digest(encoding);

const hook = (over: Partial<WebhookSettings> & Pick<WebhookSettings, 'scheme'>, ...secrets: string[]): Webhook => ({
  settings: {
    source: undefined,
    secret: new Secret('s'),
    previousSecret: undefined,
    header: undefined,
    algorithm: 'sha256',
    encoding: 'hex',
    tolerance: 300_000,
    ...over,
  },
  secrets: (secrets.length > 0 ? secrets : ['s']).map((text) => new Secret(text)),
});
const KEY = Buffer.from('0123456789abcdef').toString('base64');

async function open(): Promise<OpenDoor> {
  const webhooks = new Map([
    ['github', hook({ scheme: 'github' }, 'new', 's')],
    ['slack', hook({ scheme: 'slack' })],
    ['stripe', hook({ scheme: 'stripe' })],
    ['standard', hook({ scheme: 'standard' }, `whsec_${KEY}`)],
    ['okta', hook({ scheme: 'okta' })],
    ['hmac', hook({ scheme: 'hmac', header: 'X-Sum', algorithm: 'sha512', encoding: 'base64' })],
  ]);
  const source = sources['Bearer good'];
  if (source === undefined) throw new Error('the fixture has lost its source');
  return openDoor({}, { webhooks: { webhooks, boundSource: () => source, nowMs: () => NOW_MS } });
}

type Signed = readonly [name: string, headers: Record<string, string>];
const signed = (body: string, time = now): Record<string, Signed> => ({
  github: ['github', { 'x-hub-signature-256': `sha256=${mac('s', body)}`, 'x-github-event': 'push' }],
  slack: ['slack', { 'x-slack-signature': `v0=${mac('s', `v0:${time}:${body}`)}`, 'x-slack-request-timestamp': time }],
  stripe: ['stripe', { 'stripe-signature': `t=${time},v1=${'0'.repeat(64)},v1=${mac('s', `${time}.${body}`)}` }],
  standard: [
    'standard',
    {
      'webhook-id': 'm1',
      'webhook-timestamp': time,
      'webhook-signature': `v1,AAAA v1,${mac(Buffer.from(KEY, 'base64'), `m1.${time}.${body}`, 'base64')}`,
    },
  ],
  hmac: ['hmac', { 'x-sum': `sha512=${mac('s', body, 'base64', 'sha512')}` }],
});
const post = (door: OpenDoor, [name, headers]: Signed, body: string): Promise<DoorAnswer> =>
  door.ask(`/webhooks/${name}`, { body, headers: { authorization: '', 'content-type': 'application/json', ...headers } });

const BODY = '{"action":"x","n":1}';
const schemes = Object.keys(signed(BODY));

describe('a webhook', () => {
  it.each(schemes)('signed the way of %s is stored once, however often it is sent', async (scheme) => {
    await using door = await open();
    const request = signed(BODY)[scheme] as Signed;
    const first = await post(door, request, BODY);
    expect([first.status, first.json]).toMatchObject([200, { accepted: 1 }]);
    expect((await post(door, request, BODY)).json).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(door.stored.length).toBe(1);
  });

  it.each(schemes)('signed the way of %s is refused when a bit of its body or its signature is another', async (scheme) => {
    await using door = await open();
    const [name, headers] = signed(BODY)[scheme] as Signed;
    for (let bit = 0; bit < BODY.length * 8; bit += 13) {
      const bytes = Buffer.from(BODY);
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7));
      expect((await door.ask(`/webhooks/${name}`, { body: bytes, headers: { authorization: '', ...headers } })).status).toBe(401);
    }
    const wrong = await door.ask(`/webhooks/${name}`, { body: `${BODY.toString()} `, headers: { authorization: '', ...headers } });
    expect(wrong.json).toMatchObject({ error: { code: 'auth.bad_signature' } });
    for (const key of Object.keys(headers).filter((each) => each !== 'x-github-event')) {
      for (const value of [
        '',
        'x',
        (headers[key] as string).slice(0, -1),
        `${headers[key]}0`,
        'sha256=',
        'v0=',
        't=1,v1=',
        '0'.repeat(5000),
      ]) {
        expect([key, value, (await post(door, [name, { ...headers, [key]: value }], BODY)).status]).toEqual([key, value, 401]);
      }
    }
    expect(door.stored).toEqual([]);
  });

  it.each(['slack', 'stripe', 'standard'])('whose time %s signs is refused when that is outside of the window', async (scheme) => {
    await using door = await open();
    for (const seconds of [-301, 301]) {
      const request = signed(BODY, String(NOW_MS / 1000 + seconds))[scheme] as Signed;
      const answer = await post(door, request, BODY);
      expect([answer.status, answer.text]).toEqual([401, expect.stringContaining('outside of the window')]);
    }
    expect((await post(door, signed(BODY, String(NOW_MS / 1000 - 299))[scheme] as Signed, BODY)).status).toBe(200);
    for (const time of ['', '1e9', '-1', 'NaN', '99999999999999999999'])
      expect((await post(door, signed(BODY, time)[scheme] as Signed, BODY)).status).toBe(401);
  });

  it('of GitHub is not taken for another event by a header that nobody signed', async () => {
    await using door = await open();
    const [name, headers] = signed(BODY)['github'] as Signed;
    await post(door, [name, headers], BODY);
    expect((await post(door, [name, { ...headers, 'x-github-event': 'release' }], BODY)).json).toMatchObject({ duplicates: 1 });
    expect(door.stored).toMatchObject([{ type: 'github.push' }]);
    expect(JSON.parse(Buffer.from(door.stored[0]?.record ?? []).toString())).toEqual({ github_event: 'push', action: 'x', n: 1 });
  });

  it('knows a repeat by the id in its body where its signature is new', async () => {
    await using door = await open();
    const body = '{"id":"evt_1","event_id":"Ev1"}';
    for (const scheme of ['stripe', 'slack']) {
      await post(door, signed(body)[scheme] as Signed, body);
      expect((await post(door, signed(body, String(NOW_MS / 1000 + 9))[scheme] as Signed, body)).json).toMatchObject({ duplicates: 1 });
    }
    expect(door.stored.map(({ id }) => id)).toEqual(['evt_1', 'Ev1']);
  });

  it('of Slack gets its challenge back, and that is no event', async () => {
    await using door = await open();
    const body = '{"type":"url_verification","challenge":"c1"}';
    expect((await post(door, signed(body)['slack'] as Signed, body)).json).toEqual({ challenge: 'c1' });
    expect((await door.ask('/webhooks/slack', { body, headers: { authorization: '' } })).status).toBe(401);
    expect(door.stored).toEqual([]);
  });

  it('of Okta gets its verification back, and gives each of its events by its uuid', async () => {
    await using door = await open();
    const ask = (headers: Record<string, string>): Promise<DoorAnswer> => door.ask('/webhooks/okta', { method: 'GET', headers });
    expect((await ask({ authorization: 's', 'x-okta-verification-challenge': 'v1' })).json).toEqual({ verification: 'v1' });
    expect((await ask({ authorization: 'wrong', 'x-okta-verification-challenge': 'v1' })).status).toBe(401);
    expect((await ask({ authorization: 's' })).status).toBe(405);
    const body = '{"eventId":"e","data":{"events":[{"uuid":"u1","eventType":"a"},{"uuid":"u2"}]}}';
    expect((await post(door, ['okta', { authorization: 's' }], body)).json).toMatchObject({ accepted: 2 });
    expect(door.stored.map(({ id }) => id)).toEqual(['u1', 'u2']);
    for (const bad of ['{}', '{"data":{"events":{}}}', '[]', 'x', ''])
      expect((await post(door, ['okta', { authorization: 's' }], bad)).status).toBe(400);
    expect((await post(door, ['okta', { authorization: 'wrong' }], body)).status).toBe(401);
  });

  it('may be a list or a form', async () => {
    await using door = await open();
    const list = '[{"a":1},{"a":2}]';
    expect((await post(door, signed(list)['hmac'] as Signed, list)).json).toMatchObject({ accepted: 2 });
    const form = `payload=${encodeURIComponent('{"b":1}')}`;
    const [name, headers] = signed(form)['slack'] as Signed;
    expect((await post(door, [name, { ...headers, 'content-type': 'application/x-www-form-urlencoded' }], form)).json).toMatchObject({
      accepted: 1,
    });
    expect(door.stored.map(({ record }) => Buffer.from(record).toString())).toEqual(['{"a":1}', '{"a":2}', '{"b":1}']);
  });

  it('nobody has set up is not found, and too much is refused unread', async () => {
    await using door = await open();
    for (const name of ['nothing', '__proto__', '%2e%2e%2fgithub', 'a'.repeat(90)])
      expect((await door.ask(`/webhooks/${name}`, { body: BODY })).status).toBe(404);
    expect((await post(door, signed(BODY)['github'] as Signed, 'x'.repeat(5_000_000))).status).toBe(413);
  });
});
