import { MessageChannel, Worker } from 'node:worker_threads';
import { isTocsinError, TocsinError } from '@tocsin/core';
import { afterEach, describe, expect, it } from 'vitest';
import { answerCalls, callThread } from './thread-call.ts';

type Api = {
  readonly add: (a: number, b: number) => number;
  readonly refuse: () => Promise<never>;
  readonly break: () => never;
  readonly hang: () => Promise<never>;
};
const ports: { close(): void }[] = [];
afterEach(() => {
  for (const port of ports.splice(0)) port.close();
});

function connect(): ReturnType<typeof callThread<Api>> {
  const { port1, port2 } = new MessageChannel();
  ports.push(port1);
  answerCalls(port2, {
    add: (a: number, b: number) => a + b,
    refuse: () => Promise.reject(new TocsinError('api.conflict', { what: 'alert', id: '7' })),
    break: () => {
      throw new TypeError('oops');
    },
    hang: () => new Promise(() => undefined),
  });
  // A port stands for the thread behind it: both have `on` and `postMessage`.
  return callThread<Api>(port1 as unknown as Worker, 'adding');
}

describe('thread call', () => {
  it('answers each question with its own answer', async () => {
    const client = connect();
    expect(await Promise.all([client.add(1, 2), client.add(3, 4)])).toEqual([3, 7]);
  });

  it('carries an error across with its code and details', async () => {
    const error = await connect()
      .refuse()
      .catch((caught: unknown) => caught);
    expect(isTocsinError(error, 'api.conflict') && error.message).toContain('alert 7');
    await expect(connect().break()).rejects.toMatchObject({ code: 'api.internal', message: expect.stringContaining('oops') as string });
  });

  it('refuses a name that is not in the api, inherited ones included', async () => {
    const client = connect() as unknown as Record<string, () => Promise<unknown>>;
    for (const name of ['gone', 'constructor', 'toString', '__proto__'])
      await expect(client[name]?.()).rejects.toMatchObject({ code: 'api.internal' });
  });

  it('fails every open question when the thread ends, and every later one at once', async () => {
    const worker = new Worker('require("node:worker_threads").parentPort.once("message", () => process.exit(3))', { eval: true });
    const client = callThread<Api>(worker, 'adding');
    await expect(client.hang()).rejects.toMatchObject({ code: 'api.duty_down', retry: 'later' });
    await expect(client.add(1, 2)).rejects.toMatchObject({ code: 'api.duty_down', message: expect.stringContaining('adding') as string });
  });
});
