import { type DestinationStream, pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../test/ground.ts';
import { SupervisedThread } from './supervised-thread.ts';

type Api = {
  readonly add: (a: number, b: number) => number;
  readonly die: () => never;
  readonly wait: (why: string | null) => void;
  readonly trouble: () => void;
  readonly stop: () => Promise<void>;
};

/** A thread that answers as `thread-call` wants it, without our modules: it must load from a text. */
const THREAD = `
  import { parentPort } from 'node:worker_threads';
  const api = {
    add: (a, b) => a + b,
    die: () => process.exit(3),
    wait: (why) => parentPort.postMessage({ waitingFor: why }),
    trouble: () => parentPort.postMessage({ trouble: 'oops', what: 'testing', about: { event_id: 'e1' } }),
    stop: () => undefined,
  };
  parentPort.on('message', ({ ask, name, args }) => parentPort.postMessage({ answer: ask, value: api[name](...args) }));
  parentPort.postMessage({ ready: true });
`;

const lines: Record<string, unknown>[] = [];
const log: DestinationStream = { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
const open: AsyncDisposable[] = [];
afterEach(async () => {
  lines.length = 0;
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function start(text = THREAD): Promise<SupervisedThread<Api>> {
  const script = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
  const thread = await SupervisedThread.start<Api>({ name: 'adding', script, data: {}, logger: pino({}, log), heapMiB: 64, youngMiB: 4 });
  open.push(thread);
  return thread;
}

describe('supervised thread', () => {
  it('is started anew when it ends; what is asked meanwhile is refused as a passing trouble', async () => {
    const thread = await start();
    const { client } = thread;
    expect(await client.add(1, 2)).toBe(3);
    await expect(client.die()).rejects.toMatchObject({
      code: 'api.duty_down',
      retry: 'later',
      message: expect.stringContaining('adding') as string,
    });
    expect(thread.status()).toMatchObject({ state: 'failed', restarts: 0 });
    await expect(client.add(1, 2)).rejects.toMatchObject({ code: 'api.duty_down' });
    await until(() => thread.status().state === 'running');
    expect(await client.add(1, 2)).toBe(3);
    expect(thread.status()).toMatchObject({ duty: 'adding', restarts: 1 });
  });

  it('says what it waits for, and no more once it goes on', async () => {
    const thread = await start();
    await thread.client.wait('a rule set');
    expect(thread.status()).toMatchObject({ state: 'waiting', reason: 'a rule set' });
    await thread.client.wait(null);
    expect(thread.status()).toEqual({ duty: 'adding', state: 'running', restarts: 0 });
  });

  it('is healed also when it ends while it waits', async () => {
    const thread = await start();
    await thread.client.wait('a rule set');
    await expect(thread.client.die()).rejects.toMatchObject({ code: 'api.duty_down' });
    await until(() => thread.status().state === 'running');
    expect(thread.status().restarts).toBe(1);
  });

  it('logs its troubles with the facts of the event they are about', async () => {
    const thread = await start();
    await thread.client.trouble();
    expect(lines).toMatchObject([{ duty: 'adding', what: 'testing', event_id: 'e1', msg: 'oops' }]);
  });

  it('does not wait for a thread that it ends: the next one runs, and what the former still says is not heard', async () => {
    const suspects: unknown[] = [];
    const watch = { deadlineMs: 250, maxGrowthBytes: 2 ** 40, onSuspect: (one: unknown) => void suspects.push(one) };
    // Says in its black box that it is at something, and never ends it; a second life does not.
    const text = THREAD.replace(
      'parentPort.postMessage({ ready: true });',
      `import { workerData } from 'node:worker_threads';
      parentPort.postMessage({ keep: (workerData.kept ?? 0) + 1 });
      parentPort.postMessage({ ready: true });
      parentPort.postMessage({ waitingFor: workerData.kept === undefined ? null : 'life ' + workerData.kept });
      const box = new Int32Array(workerData.blackBox, 0, 4);
      if (workerData.kept === undefined) for (box.set([1, JUDGING, -1, -1]); ; );`.replace('JUDGING', '2'),
    );
    const script = new URL(`data:text/javascript,${encodeURIComponent(text)}`);
    const thread = await SupervisedThread.start<Api>({
      name: 'adding',
      script,
      data: {},
      logger: pino({}, log),
      heapMiB: 64,
      youngMiB: 4,
      watch,
    });
    open.push(thread);
    await until(() => thread.status().restarts === 1 && thread.status().state === 'waiting');
    expect(thread.status().reason).toBe('life 1');
    expect(suspects).toMatchObject([{ reason: 'deadline' }]);
    expect(await thread.client.add(1, 2)).toBe(3);
  });

  it('that cannot start tells whoever starts it', async () => {
    await expect(start('process.exit(4)')).rejects.toThrow('ended with code 4');
    await expect(start('throw new Error("broken")')).rejects.toThrow('broken');
  });
});
