/** Sending on, against a real HTTP server that answers as a case wants: order, once each, patience, and what is wrong alone is given up. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { systemClock } from '@tocsin/core';
import { readProducerBatch } from '@tocsin/ingest';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Outbox } from './outbox.ts';
import { RemoteDoor } from './remote-door.ts';
import { Sender } from './sender.ts';

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
}

let folder = '';
let server: Server;
let url = '';
/** What was taken, by id. */
let taken: string[] = [];
let asked: number[] = [];
/** Says how a request is answered; undefined: all of it is stored. */
let answerTo: (texts: readonly string[]) => Answer | undefined = () => undefined;

function answerOne(request: IncomingMessage, response: ServerResponse, sent: Buffer): void {
  const body = request.headers['content-encoding'] === 'zstd' ? zstdDecompressSync(sent) : sent;
  const texts = readProducerBatch(body, { maxRecords: 1e6 }).map(({ bytes }) => Buffer.from(bytes).toString());
  asked.push(texts.length);
  const answer = answerTo(texts);
  if (answer === undefined) taken.push(...texts);
  const items = texts.map((_, index) => ({ index, status: 'stored' }));
  response.writeHead(answer?.status ?? 202, answer?.headers ?? {});
  response.end(JSON.stringify(answer === undefined ? { items } : (answer.body ?? {})));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tocsin-sender-'));
  [taken, asked, answerTo] = [[], [], () => undefined];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answerOne(request, response, Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

interface Ground extends AsyncDisposable {
  readonly outbox: Outbox;
  readonly sender: Sender;
  readonly troubles: string[];
}

async function open(): Promise<Ground> {
  const outbox = await Outbox.open(join(folder, 'spool'), () => 1);
  const door = new RemoteDoor(url, {});
  const troubles: string[] = [];
  const onTrouble = (error: unknown): void => void troubles.push((error as Error).message);
  const sender = new Sender({ url, source: 's', token: 't', outbox, door, clock: systemClock, random: () => 0, onTrouble });
  return {
    outbox,
    sender,
    troubles,
    async [Symbol.asyncDispose]() {
      await sender[Symbol.asyncDispose]();
      await outbox[Symbol.asyncDispose]();
      door[Symbol.dispose]();
    },
  };
}

const records = (...texts: string[]): { bytes: Buffer }[] => texts.map((text) => ({ bytes: Buffer.from(text) }));
const numbers = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `n${from + i}`);
const never = new AbortController().signal;

test('what was put goes in order, many puts in few requests', async () => {
  await using ground = await open();
  await Promise.all(numbers(0, 500).map((text) => ground.outbox.put(records(text))));
  await ground.sender.idle(never);
  expect(taken).toEqual(numbers(0, 500));
  expect(asked.length).toBeLessThan(50);
  expect(ground.sender.counts).toMatchObject({ stored: 500, trouble: undefined });
});

test('a refusal that passes is waited out as long as it asks, and nothing is passed over', async () => {
  const refusals: Answer[] = [{ status: 429, headers: { 'retry-after': '1' } }, { status: 503 }, { status: 401 }, { status: 502 }];
  answerTo = () => refusals.shift();
  const beganMs = performance.now();
  await using ground = await open();
  await ground.outbox.put(records('a', 'b'));
  await ground.sender.idle(never);
  expect(taken).toEqual(['a', 'b']);
  expect(performance.now() - beganMs).toBeGreaterThan(1000);
  expect(ground.troubles).toHaveLength(4);
  expect(ground.sender.counts.rejected.size).toBe(0);
});

test('what is wrong with a request is found alone, counted and told; its neighbours are stored', async () => {
  answerTo = (texts) => (texts.includes('bad') ? { status: 413 } : undefined);
  await using ground = await open();
  await ground.outbox.put(records('a', 'b', 'bad', 'c', 'd'));
  await ground.sender.idle(never);
  expect(taken).toEqual(['a', 'b', 'c', 'd']);
  expect(Object.fromEntries(ground.sender.counts.rejected)).toEqual({ 'http 413': 1 });
  expect(ground.troubles).toEqual([expect.stringContaining('rejected 1 records')]);
});

test('records rejected one by one are counted by their reason', async () => {
  const items = [{ status: 'stored' }, { status: 'rejected', code: 'decode.bad_json', reason: 'no JSON' }, { status: 'duplicate' }];
  answerTo = () => ({ status: 202, body: { items } });
  await using ground = await open();
  await ground.outbox.put(records('a', 'b', 'c'));
  await ground.sender.idle(never);
  expect(ground.sender.counts).toMatchObject({ stored: 1, duplicate: 1, rejected: new Map([['decode.bad_json', 1]]) });
});

test('what was not sent is sent by the next process, in order, before what is new', async () => {
  answerTo = () => ({ status: 503 });
  {
    await using before = await open();
    await before.outbox.put(records(...numbers(0, 100)));
    await vi.waitFor(() => expect(before.troubles.length).toBeGreaterThan(0));
  }
  answerTo = () => undefined;
  await using after = await open();
  await after.outbox.put(records(...numbers(100, 200)));
  await after.sender.idle(never);
  expect(taken).toEqual(numbers(0, 200));
});

test('closing does not wait for a server that says nothing', async () => {
  server.removeAllListeners('request');
  const ground = await open();
  await ground.outbox.put(records('a'));
  const beganMs = performance.now();
  await ground[Symbol.asyncDispose]();
  expect(performance.now() - beganMs).toBeLessThan(5000);
});
