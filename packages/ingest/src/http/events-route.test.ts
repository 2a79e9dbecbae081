/** The events route on a real fastify: who may, what is stored, what is answered, what is refused before it is read. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { TocsinError } from '@tocsin/core';
import { describe, expect, it } from 'vitest';
import { openDoor } from '../../test/http-fixture.ts';

const ndjson = { 'content-type': 'application/x-ndjson' };

describe('the events route', () => {
  it('asks for a credential before it reads', async () => {
    await using door = await openDoor();
    const missing = await fetch(door.url, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
    expect([missing.status, missing.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    expect(await door.post('{}', { authorization: 'Bearer bad' })).toMatchObject({
      status: 401,
      body: { error: { code: 'auth.refused' } },
    });
    expect(await door.post('{}', { authorization: 'Bearer reader' })).toMatchObject({
      status: 403,
      body: { error: { code: 'auth.forbidden' } },
    });
    expect(door.stored).toEqual([]);
  });

  it.each([
    ['object', '{"a":1}', 'application/json', ['{"a":1}']],
    ['array', ' [{"a": 1} , {"b":2}]\n', 'application/json; charset=utf-8', ['{"a": 1}', '{"b":2}']],
    ['lines', '{"a":1}\r\n\n{"b":"ü"}', 'application/x-ndjson', ['{"a":1}', '{"b":"ü"}']],
    ['jsonl', '{"a":1}\n', 'application/jsonl', ['{"a":1}']],
    ['byte order mark', '\u{feff}{"a":1}', 'application/json', ['{"a":1}']],
    [
      'awkward numbers and texts',
      '{"a":1e400,"b":12345678901234567890,"c":"\\ud800","a":2,"__proto__":{"x":1}}',
      'application/json',
      ['{"a":1e400,"b":12345678901234567890,"c":"\\ud800","a":2,"__proto__":{"x":1}}'],
    ],
    ['CloudEvent', '{"specversion":"1.0","id":"1","source":"s","type":"t","data": {"a" :1}}', 'application/cloudevents+json', ['{"a" :1}']],
    [
      'CloudEvent with text',
      '{"specversion":"1.0","id":"1","source":"s","type":"t","data":"{\\"a\\":1}"}',
      'application/cloudevents+json',
      ['{"a":1}'],
    ],
    [
      'CloudEvent in base64',
      '{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"eyJhIjoxfQ=="}',
      'application/cloudevents+json',
      ['{"a":1}'],
    ],
  ])('stores the bytes of each record of an %s', async (_name, body, contentType, records) => {
    await using door = await openDoor();
    const answer = await door.post(body, { 'content-type': contentType });
    expect(answer).toMatchObject({ status: 202, body: { accepted: records.length, duplicates: 0, rejected: 0 } });
    expect(door.stored.map((event) => Buffer.from(event.record).toString())).toEqual(records);
    expect(answer.body.items?.map((item) => [item.index, item.id, item.status])).toEqual(
      door.stored.map((event, i) => [i, event.id, 'stored']),
    );
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it('reads envelopes and lines by the format of the source', async () => {
    await using door = await openDoor();
    const trail =
      '{"eventVersion":"1.08","eventTime":"2024-01-01T00:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"e-1"}';
    const envelope = await door.post(`{"Records":[${trail},{"eventSource":1},${trail.replace('e-1', 'e-2')}]}`, {
      authorization: 'Bearer trail',
    });
    expect(envelope.status).toBe(202);
    expect(door.stored.slice(0, 1).map((event) => Buffer.from(event.record).toString())).toEqual([trail]);
    const line = 'Jan  2 03:04:05 host sshd[1]: Failed password for root from 192.0.2.1 port 22 ssh2';
    expect(await door.post(`${line}\nnot a line\n`, { authorization: 'Bearer linux', 'content-type': 'text/plain' })).toMatchObject({
      body: { accepted: 1, rejected: 1 },
    });
    expect(String(Buffer.from(door.stored.at(-1)?.record ?? []))).toBe(line);
  });

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
  ] as const)('reads %s', async (encoding, pack) => {
    await using door = await openDoor();
    const lines = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ i, text: `event ${i * 7919}` }));
    const answer = await door.post(pack(Buffer.from(lines.join('\n'))), { ...ndjson, 'content-encoding': encoding });
    expect(answer).toMatchObject({ status: 202, body: { accepted: 5000 } });
    expect(door.stored.map((event) => Buffer.from(event.record).toString())).toEqual(lines);
  });

  it('takes tenant and source from the credential and flags another claim', async () => {
    await using door = await openDoor();
    const claims = ['{"tenant":"globex"}', '{"tenant_id":"globex"}', '{"tenantid":7}', '{"tenant":"acme"}', '{"tenant":{"a":1}}'];
    await door.post(claims.join('\n'), { ...ndjson, 'x-tenant': 'globex', tenantid: 'globex' });
    expect(door.stored.map((event) => [event.tenant, event.source, event.flags.includes('tenant_claim')])).toEqual(
      [true, true, true, false, false].map((flag) => ['acme', 'app', flag]),
    );
    await door.post('{"specversion":"1.0","id":"1","source":"evil","type":"t","tenantid":"globex","data":{}}', {
      'content-type': 'application/cloudevents+json',
    });
    expect(door.stored.at(-1)).toMatchObject({
      tenant: 'acme',
      source: 'app',
      id: '1',
      type: 't',
      producerId: true,
      flags: expect.arrayContaining(['tenant_claim']) as unknown,
    });
  });

  it('takes CloudEvents in binary mode: attributes from headers, the record from the body', async () => {
    await using door = await openDoor();
    const attributes = {
      'ce-specversion': '1.0',
      'ce-id': 'b1',
      'ce-source': '/s',
      'ce-type': 'a%20%C3%BC',
      'ce-time': '2024-01-02T03:04:05Z',
    };
    const event = { ...attributes, 'ce-tenantid': 'globex', traceparent: '00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01' };
    expect(await door.post('{"a": 1}', event)).toMatchObject({ status: 202, body: { items: [{ id: 'b1', status: 'stored' }] } });
    expect(await door.post('{"a": 1}', event)).toMatchObject({ status: 202, body: { duplicates: 1 } });
    expect(await door.post('', { ...attributes, 'ce-id': 'b2' })).toMatchObject({ status: 202 });
    const [first, second] = door.stored;
    expect(first).toMatchObject({
      id: 'b1',
      type: 'a ü',
      tenant: 'acme',
      timeMs: Date.parse('2024-01-02T03:04:05Z'),
      traceparent: event.traceparent,
    });
    expect([first?.flags, Buffer.from(first?.record ?? []).toString()]).toEqual([['tenant_claim'], '{"a": 1}']);
    expect(JSON.parse(Buffer.from(second?.record ?? []).toString())).toMatchObject({ id: 'b2', type: 'a ü' });
    const bad: Record<string, string>[] = [
      { 'ce-specversion': '0.3' },
      { 'ce-id': '' },
      { 'ce-type': '' },
      { 'ce-source': '' },
      { 'ce-time': 'now' },
    ];
    for (const over of bad) {
      expect(await door.post('{"canary":1}', { ...attributes, ...over })).toMatchObject({
        status: 400,
        body: { items: [{ code: 'ingest.bad_record' }] },
      });
    }
    expect(door.stored.length).toBe(2);
  });

  it('answers a resend with the same key as duplicates, and keeps other content under the same id', async () => {
    await using door = await openDoor();
    const post = (body: string): ReturnType<typeof door.post> => door.post(body, { ...ndjson, 'idempotency-key': 'k1' });
    expect(await post('{"a":1}\n{"a":2}')).toMatchObject({ status: 202, body: { accepted: 2, duplicates: 0 } });
    expect(await post('{"a":1}\n{"a":2}')).toMatchObject({
      status: 202,
      body: { accepted: 0, duplicates: 2, items: [{ id: 'k1-0', status: 'duplicate' }, { id: 'k1-1' }] },
    });
    expect(await post('{"a":3}\n{"a":2}')).toMatchObject({ status: 202, body: { accepted: 1, duplicates: 1 } });
    expect(door.stored.map((event) => [event.id, event.flags.includes('id_conflict')])).toEqual([
      ['k1-0', false],
      ['k1-1', false],
      ['k1-0', true],
    ]);
    expect(await door.post('{"a":1}', { authorization: 'Bearer other', 'idempotency-key': 'k1' })).toMatchObject({ body: { accepted: 1 } });
    for (const key of ['', 'a b', 'x'.repeat(201)])
      expect(await door.post('{}', { 'idempotency-key': key })).toMatchObject({
        status: 400,
        body: { error: { code: 'ingest.bad_header' } },
      });
  });

  it('answers nothing before the commit and 503 with Retry-After when it fails; then the resend is stored', async () => {
    await using door = await openDoor();
    door.hold(new TocsinError('bus.unknown', { subject: 'x', waitedMs: 5 }));
    const failed = await door.post('{"a":1}', { 'idempotency-key': 'k' });
    expect([failed.status, failed.headers.get('retry-after'), failed.body.error]).toEqual([
      503,
      '1',
      expect.objectContaining({ code: 'bus.unknown', retry: 'later' }),
    ]);
    door.hold(true);
    let isAnswered = false;
    const waiting = door.post('{"a":1}', { 'idempotency-key': 'k' }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    const joined = door.post('{"a":1}', { 'idempotency-key': 'k' });
    expect(await door.post('', {})).toMatchObject({ status: 400 });
    expect(isAnswered).toBe(false);
    door.hold(false);
    const statuses = (await Promise.all([waiting, joined])).map((answer) => answer.body.items?.[0]?.status);
    expect(statuses).toEqual(expect.arrayContaining(['duplicate', 'stored']));
    expect(door.stored.length).toBe(1);
  });

  it('refuses what exceeds the bytes in flight: 429 for one source, 503 for all', async () => {
    await using door = await openDoor({ maxInFlightBytes: 3000, maxInFlightBytesPerSource: 2000 });
    const body = `{"a":"${'x'.repeat(1400)}"}`;
    door.hold(true);
    const first = door.post(body);
    await expect.poll(async () => (await door.post(body)).status).toBe(429);
    const refused = await door.post(body);
    expect([refused.status, refused.headers.get('retry-after'), refused.body.error?.code]).toEqual([429, '1', 'ingest.source_overloaded']);
    const second = door.post(body, { authorization: 'Bearer other' });
    await expect.poll(async () => (await door.post(body, { authorization: 'Bearer trail' })).status).toBe(503);
    door.hold(false);
    expect((await Promise.all([first, second])).map((answer) => answer.status)).toEqual([202, 202]);
    expect((await door.post(body)).status).toBe(202);
  });

  it('stops reading at the cap and cuts a sender that goes on', async () => {
    await using door = await openDoor({ maxBodyBytes: 100_000 });
    const { status, sentBytes } = await sendForEver(door.url, 200_000_000);
    expect(status).toContain(' 413 ');
    expect(sentBytes).toBeLessThan(50_000_000);
  });

  it('gives up on a body that does not arrive', async () => {
    await using door = await openDoor({ bodyTimeoutMs: 50 });
    const socket = connect(Number(new URL(door.url).port), '127.0.0.1');
    socket.write(head(10));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(String(answer)).toMatch(/^HTTP\/1\.1 408 [^]*ingest\.slow_body/);
    socket.destroy();
  });
});

function head(length: number): string {
  return `POST /api/v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
}

/** Announces little, as chunks, and sends without end until it is cut off. */
async function sendForEver(url: string, maxBytes: number): Promise<{ status: string; sentBytes: number }> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  let sentBytes = 0;
  let isOpen = true;
  socket.on('data', (data: Buffer) => (answer += String(data)));
  // Being cut off is what the test is about.
  socket.on('error', () => (isOpen = false));
  socket.on('close', () => (isOpen = false));
  socket.write(head(0).replace('content-length: 0', 'transfer-encoding: chunked'));
  const chunk = Buffer.concat([Buffer.from('10000\r\n'), new Uint8Array(65_536).fill(0x20), Buffer.from('\r\n')]);
  while (isOpen && sentBytes < maxBytes) {
    sentBytes += chunk.length;
    if (!socket.write(chunk)) await Promise.allSettled([Promise.race([once(socket, 'drain'), once(socket, 'close')])]);
  }
  socket.destroy();
  return { status: answer.split('\r\n')[0] ?? '', sentBytes };
}
