/** `tocsin forward` as docs/how-to/forwarder.md says, both programs for real: killed, stopped and filled up, everything is there once. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { needs } from '../../packages/ingest/test/needs.ts';
import type { ForwardStatus } from '../../packages/tocsin/src/forward/forward-status.ts';
import { Program } from '../e2e/program.ts';
import { notRunnable } from '../faults/not-runnable.ts';
import { builtProgram } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/how-to/forwarder.md'), 'utf8');
const [snippet = ''] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text);

/** A forwarder on a folder of its own. Disposing kills it. */
class ForwarderProcess implements AsyncDisposable {
  readonly dataDir: string;
  said = '';
  readonly #args: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #exit: Promise<unknown> = Promise.resolve();

  constructor(dataDir: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    this.dataDir = dataDir;
    this.#args = args;
    this.#environment = environment;
  }

  async start(input?: string): Promise<void> {
    const args = [builtProgram, 'forward', '--data', this.dataDir, ...this.#args];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...this.#environment } });
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => void (this.said += chunk.toString()));
    this.#exit = once(child, 'close');
    this.#child = child;
    if (input !== undefined) {
      child.stdin?.end(input);
      return;
    }
    await waitFor(() => (this.#status()?.pid === child.pid ? true : undefined), {
      what: () => `it to start: ${this.said}`,
      withinMs: 30_000,
    });
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.#exit;
  }

  async exitCode(): Promise<number | null> {
    await this.#exit;
    return this.#child?.exitCode ?? null;
  }

  status(): ForwardStatus {
    const found = this.#status();
    if (found === undefined) throw new Error('it has left no status');
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #status(): ForwardStatus | undefined {
    try {
      return JSON.parse(readFileSync(join(this.dataDir, 'forward', 'status.json'), 'utf8')) as ForwardStatus;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }
}

const lines = (from: number, to: number): string =>
  Array.from(
    { length: to - from },
    (_, i) => `Nov 21 10:00:00 h sshd[1]: Failed password for invalid user u${from + i} from 10.0.0.1 port 1 ssh2\n`,
  ).join('');

interface SourceRow {
  readonly name: string;
  readonly events: number;
  readonly duplicates: number;
}

async function eventsOf(program: Program, name: string): Promise<number> {
  await program.settle();
  const { body } = await program.call<{ sources: SourceRow[] }>('GET', '/sources');
  return body.sources.find((each) => each.name === name)?.events ?? 0;
}

const untilStored = async (program: Program, name: string, count: number, said: () => string): Promise<void> => {
  await waitFor(async () => ((await eventsOf(program, name)) >= count ? true : undefined), {
    what: () => `${count} events of ${name}; it said ${said().slice(-1500)}`,
    withinMs: 60_000,
  });
  expect(await eventsOf(program, name)).toBe(count);
};

describe('docs/how-to/forwarder.md', needs(notRunnable()), () => {
  const folder = mkdtempSync(join(tmpdir(), 'tocsin-forwarder-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The page's settings on files and ports of this test. */
  function settingsFor(program: Program, dataDir: string): string {
    mkdirSync(join(dataDir, 'logs'), { recursive: true });
    mkdirSync(join(dataDir, 'drop'), { recursive: true });
    return snippet
      .replace(/^url: .*$/m, `url: ${program.url}`)
      .replace(/^tls: .*\n/m, '')
      .replace('/var/log/app', join(dataDir, 'logs'))
      .replace('/var/spool/tocsin', join(dataDir, 'drop'))
      .replace('500MB', '2MB')
      .replace(/port: \d+/, 'port: 0, maxInFlightBytes: 1MiB'.replace(', ', '\n      '));
  }

  test('both ends killed while lines flow, the other end away: each line is there once, and datagrams that found no room are counted', async () => {
    await using program = await Program.start({ rules: {}, args: ['--port', String(20_000 + (process.pid % 20_000))] });
    const environment = {
      WEB01_TOKEN: await program.addSource('web01', 'auto'),
      SWITCHES_TOKEN: await program.addSource('switches', 'syslog'),
    };
    const dataDir = join(folder, 'killed');
    const settings = settingsFor(program, dataDir);
    writeFileSync(join(dataDir, 'forward.yml'), settings);
    const log = join(dataDir, 'logs', 'app.log');
    writeFileSync(log, lines(0, 2000));
    await using forwarder = new ForwarderProcess(dataDir, [], environment);
    await forwarder.start();
    await untilStored(program, 'web01', 2000, () => forwarder.said);

    // Nobody there: what comes is on disk, and is sent by the next process.
    await program.kill();
    appendFileSync(log, lines(2000, 6000));
    await waitFor(() => ((forwarder.status().sources[0]?.waiting ?? 0) >= 4000 ? true : undefined), {
      what: () => forwarder.said,
      withinMs: 20_000,
    });
    expect(forwarder.status().sources[0]?.trouble).toContain(program.url);
    await forwarder.kill();
    await forwarder.start();

    // More datagrams than there is room for on disk and in memory.
    const address = forwarder.status().listeners.find(({ kind }) => kind === 'syslog')?.address ?? '';
    const sent = await sendDatagrams(Number(new URL(address).port), 120, 60_000);
    const refused = (): number => {
      const row = forwarder.status().listeners.find(({ kind }) => kind === 'syslog');
      return Object.values(row?.refused ?? {}).reduce((sum, each) => sum + each, 0);
    };
    await waitFor(() => (refused() > 0 ? true : undefined), { what: () => forwarder.said, withinMs: 20_000 });
    await program.restart();
    await untilStored(program, 'web01', 6000, () => forwarder.said);
    await waitFor(async () => ((await eventsOf(program, 'switches')) + refused() === sent ? true : undefined), {
      what: () => `${sent} datagrams stored or counted; ${refused()} refused; ${JSON.stringify(forwarder.status())}`,
      withinMs: 20_000,
    });

    // Killed again and again while it sends.
    for (let i = 0; i < 3; i++) {
      appendFileSync(log, lines(6000 + 2000 * i, 8000 + 2000 * i));
      await waitFor(async () => ((await eventsOf(program, 'web01')) > 6000 + 2000 * i ? true : undefined), {
        what: () => forwarder.said,
        withinMs: 60_000,
      });
      if (i < 2) {
        await forwarder.kill();
        await forwarder.start();
      }
    }
    await untilStored(program, 'web01', 12_000, () => forwarder.said);
    const idle = (): boolean => forwarder.status().sources.every(({ waiting, trouble }) => waiting === 0 && trouble === null);
    await waitFor(() => idle() || undefined, { what: () => JSON.stringify(forwarder.status()), withinMs: 10_000 });
    expect(forwarder.status().sources.map(({ lost, rejected }) => [lost, rejected])).toEqual([
      [0, {}],
      [0, {}],
    ]);
  });

  test('standard input ends when everything is stored there; its status says so', async () => {
    await using program = await Program.start({ rules: {} });
    const token = await program.addSource('piped', 'auto');
    const dataDir = join(folder, 'piped');
    await using forwarder = new ForwarderProcess(dataDir, ['--url', program.url, '-'], { TOCSIN_TOKEN: token });
    await forwarder.start(lines(0, 5000));
    expect([await forwarder.exitCode(), forwarder.said.includes('warn')]).toEqual([0, false]);
    expect(await eventsOf(program, 'piped')).toBe(5000);
    expect(forwarder.status().sources).toMatchObject([{ name: 'default', waiting: 0, stored: 5000, duplicate: 0, trouble: null }]);
  });

  test.each([
    ['nothing to read', ['--url', 'http://127.0.0.1:1'], {}, 78, 'nothing to forward'],
    ['no credential', ['--url', 'http://127.0.0.1:1', '-'], {}, 77, 'credential'],
    ['a clear-text address elsewhere', ['--url', 'http://tocsin.example', '-'], { TOCSIN_TOKEN: 'x' }, 78, 'https'],
  ] as const)('%s: it does not start, and says why', async (name, args, environment, code, why) => {
    const forwarder = new ForwarderProcess(join(folder, name), args, environment);
    await forwarder.start('');
    expect([await forwarder.exitCode(), forwarder.said]).toEqual([code, expect.stringContaining(why)]);
  });
});

/** Sends datagrams; resolves with how many. */
async function sendDatagrams(port: number, count: number, bytes: number): Promise<number> {
  const socket = createSocket('udp4');
  const text = 'x'.repeat(bytes);
  for (let i = 0; i < count; i++) {
    await new Promise<void>((resolve, reject) =>
      socket.send(`<13>Nov 21 10:00:00 h app: ${i} ${text}`, port, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
    );
  }
  socket.close();
  return count;
}
