/** Malformed and hostile input against the running program: a clear refusal each, nothing stored that was refused, alive and within its memory. */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { badBodies } from '../../packages/ingest/test/bad-bodies.ts';
import { needs } from '../../packages/ingest/test/needs.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { waitFor } from '../faults/wait-for.ts';
import { beat, Program, wordRule } from './program.ts';

const missing = notRunnable();
const MIB = 1024 * 1024;
/** Growth allowed: twice what bodies in flight may take inflated. */
const MAX_GROWTH = 2 * (128 + 64) * MIB;

/** Sends bytes as they are; resolves with what came back until the other side closed, or after `withinMs`. */
function raw(url: string, parts: readonly (string | Uint8Array)[], withinMs = 5000): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => {
      for (const part of parts) socket.write(part);
    });
    const timer = setTimeout(() => socket.destroy(), withinMs);
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    // A reset is one way of being refused.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}

describe('bad input', needs(missing), () => {
  let program: Program;
  let token = '';
  beforeAll(async () => {
    program = await Program.start({ rules: { 'hit.yml': wordRule('hit', 'hit') } });
    token = await program.addSource('edr');
    await program.post(token, JSON.stringify(beat('warm')));
  });
  afterAll(() => program?.[Symbol.asyncDispose]());

  const stored = async (): Promise<number> => {
    await program.settle();
    return program.eventsStored();
  };

  /** Waits until the catalogue has counted what is on the log. */
  const storedReaches = (wanted: number): Promise<true> =>
    waitFor(async () => ((await program.eventsStored()) === wanted ? true : undefined), {
      what: () => `${wanted} events`,
      withinMs: 10_000,
    });

  test('more than 300 bad bodies: the right status each, nothing stored but what was good, memory bounded', async () => {
    const bodies = badBodies();
    expect(bodies.length).toBeGreaterThan(300);
    const before = await stored();
    const rssBefore = program.rss();
    let peak = rssBefore;
    let good = 0;
    const wrong: string[] = [];
    for (const bad of bodies) {
      const headers = { 'content-type': bad.contentType, ...(bad.encoding === undefined ? {} : { 'content-encoding': bad.encoding }) };
      const { status, body, text } = await program.post(token, bad.body, headers);
      peak = Math.max(peak, program.rss());
      const accepted = (body.items ?? []).filter((item) => item.status === 'stored').length;
      good += bad.stored;
      const hasCode = status === 202 || /^[a-z]+\.[a-z0-9_]+$/.test(body.error?.code ?? '');
      if (!bad.statuses.includes(status) || accepted !== bad.stored || !hasCode)
        wrong.push(`${bad.name}: ${status}, ${accepted} stored: ${text.slice(0, 200)}`);
    }
    expect(wrong).toEqual([]);
    await storedReaches(before + good);
    expect(peak - rssBefore).toBeLessThan(MAX_GROWTH);
    expect(program.isRunning).toBe(true);
    expect((await program.post(token, JSON.stringify(beat('fine')))).status).toBe(202);
  });

  test('requests that two readers could take for different ones are closed, and the bytes behind them are no request', async () => {
    const before = await stored();
    const head = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    const smuggled = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 19\r\n\r\n{"canary":"smug-1"}`;
    const cases: readonly (readonly [string, string])[] = [
      ['length and chunks', `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`],
      ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}${smuggled}`],
      ['odd encoding', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`],
      ['encoding twice', `${head}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`],
      ['negative length', `${head}Content-Length: -5\r\n\r\n${smuggled}`],
      ['bare LF', `${head.replaceAll('\r\n', '\n')}Content-Length: 2\n\n{}`],
      ['folded header', `${head}X: a\r\n b\r\nContent-Length: 19\r\n\r\n{"canary":"smug-1"}`],
      ['NUL in a header', `${head}X: a\0b\r\nContent-Length: 19\r\n\r\n{"canary":"smug-1"}`],
      ['space before the colon', `${head}Content-Length : 19\r\n\r\n{"canary":"smug-1"}`],
      ['bad chunk size', `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`],
      ['a megabyte of chunk extension', `${head}Transfer-Encoding: chunked\r\n\r\n2;${'a'.repeat(MIB)}\r\n{}\r\n0\r\n\r\n`],
      ['header of 100 KB', `${head}X: ${'a'.repeat(100_000)}\r\nContent-Length: 2\r\n\r\n{}`],
      ['5,000 headers', `${head}${Array.from({ length: 5000 }, (_, i) => `X${i}: 1\r\n`).join('')}Content-Length: 2\r\n\r\n{}`],
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['TLS to a clear port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ];
    for (const [name, text] of cases) {
      const answer = await raw(program.url, [text]);
      expect(answer, name).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
      expect(answer.match(/HTTP\/1\.1 /g)?.length ?? 0, name).toBeLessThan(2);
    }
    expect(await stored()).toBe(before);
    expect((await program.everythingStored()).includes('smug-1')).toBe(false);
  });

  test('two hundred slow clients keep nobody waiting', async () => {
    const { hostname, port } = new URL(program.url);
    const head = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n`;
    const slow = Array.from({ length: 200 }, (_, i) => {
      const socket = connect(
        Number(port),
        hostname,
        () => void socket.write(i % 2 === 0 ? head : `${head}Content-Length: 1000000\r\n\r\n{`),
      );
      socket.on('error', () => undefined);
      return socket;
    });
    try {
      const times: number[] = [];
      for (let i = 0; i < 30; i++) {
        const startedMs = performance.now();
        expect((await program.post(token, JSON.stringify(beat('fine')))).status).toBe(202);
        times.push(performance.now() - startedMs);
      }
      expect(Math.max(...times)).toBeLessThan(1000);
    } finally {
      for (const socket of slow) socket.destroy();
    }
  });

  test('a producer that hangs up in the middle of a body stores nothing', async () => {
    const before = await stored();
    const { hostname, port } = new URL(program.url);
    const head = `POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/x-ndjson\r\nContent-Length: 5000\r\n\r\n`;
    await Promise.all(
      Array.from(
        { length: 20 },
        () =>
          new Promise<void>((resolve) => {
            const socket = connect(Number(port), hostname, () => socket.write(`${head}{"canary":"half-1"}\n`, () => socket.destroy()));
            socket.on('close', () => resolve());
          }),
      ),
    );
    expect((await program.post(token, JSON.stringify(beat('fine')))).status).toBe(202);
    await storedReaches(before + 1);
    expect((await program.everythingStored()).includes('half-1')).toBe(false);
  });

  test('hostile bodies to the API are refused and change nothing', async () => {
    const bodies = [
      '{"name":"a","__proto__":{"x":1}}',
      '{"name":"a","constructor":{"prototype":{"x":1}}}',
      '['.repeat(100_000),
      '{"name":',
      '\ufeff{"name":"bom"',
      '"',
      '{"name":"a"}{"name":"b"}',
    ];
    for (const body of bodies) {
      const answer = await fetch(`${program.url}/api/v1/sources`, {
        method: 'POST',
        headers: { authorization: `Bearer ${program.operator}`, 'content-type': 'application/json' },
        body,
      });
      expect(answer.status, body.slice(0, 60)).toBe(400);
      expect(await answer.json()).toMatchObject({ error: { code: 'api.bad_request' } });
    }
    const typed = await fetch(`${program.url}/api/v1/sources`, {
      method: 'POST',
      headers: { authorization: `Bearer ${program.operator}`, 'content-type': 'text/xml' },
      body: '<a/>',
    });
    expect(typed.status).toBe(415);
    const huge = await fetch(`${program.url}/api/v1/sources`, {
      method: 'POST',
      headers: { authorization: `Bearer ${program.operator}`, 'content-type': 'application/json' },
      body: Buffer.alloc(33 * MIB, 32),
    }).catch((error: Error) => error);
    if (!(huge instanceof Error)) expect(huge.status).toBe(413);
    expect((await program.call<{ sources: unknown[] }>('GET', '/sources')).body.sources).toHaveLength(1);
  });
});
