/** The product as a process of its own, as a user runs it: started, asked over its API, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { program, root } from './clone.ts';

/** A running product; disposing stops it. */
export interface Product extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly operatorToken: string;
  /** From spawn to ready, milliseconds. */
  readonly readyMs: number;
  /** Answer of an API call. */
  call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T>;
  /** The only listener of the settings, as its row in the status says. */
  listener(): Promise<ListenerRow>;
  /** Registers sources and answers their tokens. */
  addSources(count: number): Promise<string[]>;
}

/** What the status says of a listener. */
export interface ListenerRow {
  readonly address: string;
  /** Records that are durable. */
  readonly stored: number;
}

/** How it is started. */
export interface StartOptions {
  readonly dataDir: string;
  readonly natsServer: string | undefined;
  /** `door`: bus server and ingest alone, without detection, store and API, for comparison. */
  readonly only?: 'door' | undefined;
  /** Section `listeners` of the settings: kind, name, settings. */
  readonly listeners?: Readonly<Record<string, Readonly<Record<string, object>>>> | undefined;
}

const READY_WITHIN_MS = 60_000;
const POLL_MS = 5;

/** Starts it and resolves when it takes events. */
export async function startProduct(options: StartOptions): Promise<Product> {
  const { dataDir, natsServer, only, listeners = {} } = options;
  const begunMs = performance.now();
  const nodeOptions = (process.env['TOCSIN_BENCH_NODE_OPTIONS'] ?? '').split(' ').filter((one) => one !== '');
  const script =
    only === 'door'
      ? [join(root, 'bench', 'door.ts'), dataDir, JSON.stringify(listeners)]
      : [program, 'up', '--port', '0', '--data', dataDir];
  if (only === undefined && options.listeners !== undefined) {
    // JSON is YAML.
    const settings = { log: { level: 'error' }, listeners };
    writeFileSync(join(dataDir, 'tocsin.yml'), JSON.stringify(settings), { mode: 0o600 });
  }
  const child = spawn(process.execPath, [...nodeOptions, ...script], {
    cwd: root,
    env: { ...process.env, TOCSIN_NATS_SERVER: natsServer },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  const url = await readyAt(child, { dataDir, begunMs, said: () => said });
  const readyMs = performance.now() - begunMs;
  const operatorToken = readFileSync(join(dataDir, 'tokens', 'operator.token'), 'utf8').trim();
  const call = <T>(method: string, path: string, body?: object): Promise<T> =>
    callApi(`${url}/api/v1${path}`, { method, body, token: operatorToken });
  return {
    url,
    pid: child.pid ?? 0,
    operatorToken,
    readyMs,
    call,
    async listener() {
      const [row] =
        only === 'door'
          ? await call<ListenerRow[]>('GET', '/listeners')
          : (await call<{ listeners: ListenerRow[] }>('GET', '/status')).listeners;
      if (row === undefined) throw new Error('the product runs no listener');
      return row;
    },
    async addSources(count) {
      const tokens: string[] = [];
      for (let i = 0; i < count; i++) tokens.push((await call<{ token: string }>('POST', '/sources', { name: `bench-${i}` })).token);
      return tokens;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function readyAt(child: ChildProcess, start: { dataDir: string; begunMs: number; said: () => string }): Promise<string> {
  const runFile = join(start.dataDir, 'run.json');
  while (performance.now() - start.begunMs < READY_WITHIN_MS) {
    if (child.exitCode !== null) throw new Error(`the product ended while starting:\n${start.said()}`);
    if (existsSync(runFile)) {
      const { url, pid } = JSON.parse(readFileSync(runFile, 'utf8')) as { url: string; pid: number };
      if (pid === child.pid && (await isReady(url))) return url;
    }
    await pause(POLL_MS);
  }
  throw new Error(`the product was not ready within ${READY_WITHIN_MS / 1000} s:\n${start.said()}`);
}

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(`${url}/api/v1/health/ready`);
  await response.arrayBuffer();
  return response.ok;
}

async function callApi<T>(url: string, { method, body, token }: { method: string; body: object | undefined; token: string }): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} was answered ${response.status}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}
