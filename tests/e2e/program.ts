/**
 * The built program as the end-to-end tests see it: a child process on a data folder of its own, spoken to over HTTP only. Credentials
 * such as the API makes for nobody (expired ones, producers' without a source) are written to CHANGES with the key of the duty `api`. With
 * TOCSIN_E2E_BUS=external each program is given a nats-server of its own that it does not run itself, to try every test there, too.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openNatsBus } from '@tocsin/bus/nats';
import { type BusProcess, startBusProcess } from '../faults/bus-process.ts';
import { builtProgram, busPid } from '../faults/tocsin-process.ts';
import { waitFor } from '../faults/wait-for.ts';

/** How the program is started. */
export interface ProgramOptions {
  readonly args?: readonly string[];
  /** Text of `tocsin.yml`. */
  readonly settings?: string;
  /** Rule files by name; with any, the shipped rules are left out. */
  readonly rules?: Readonly<Record<string, string>>;
  /** Files of detectors. */
  readonly detectors?: readonly string[];
}

/** An answer of the API. */
export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: T;
}

/** What a call carries. */
export interface Call {
  readonly token?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An event's fate in an answer of the events door. */
export interface Item {
  readonly id: string | null;
  readonly status: 'stored' | 'duplicate' | 'rejected';
  readonly code?: string;
  readonly reason?: string;
}

/** An alert as far as the tests look at it. */
export interface AlertBody {
  readonly id: string;
  readonly tenant: string;
  readonly rule: { readonly id: string; readonly title: string };
  readonly status: string;
  readonly count: number;
  readonly groupBy: Readonly<Record<string, string>>;
}

const READY_MS = 60_000;

/** The program on a temporary folder. Disposing stops it and removes the folder. */
export class Program implements AsyncDisposable {
  /** Whether programs are given a nats-server instead of running one. */
  static readonly busIsExternal = process.env['TOCSIN_E2E_BUS'] === 'external';
  readonly dataDir: string;
  readonly #options: ProgramOptions;
  readonly #folder: string;
  /** All it has written to standard error, over all its starts. */
  stderr = '';
  stdout = '';
  url = '';
  #child: ChildProcess | undefined;
  #external: BusProcess | undefined;
  #exit: Promise<number | string> = Promise.resolve(0);

  private constructor(options: ProgramOptions) {
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), 'tocsin-e2e-'));
    this.dataDir = join(this.#folder, 'data');
    mkdirSync(this.dataDir, { mode: 0o700 });
    const rules = join(this.#folder, 'rules');
    mkdirSync(rules);
    for (const [name, text] of Object.entries(options.rules ?? {})) writeFileSync(join(rules, name), text);
    const ruleLines = options.rules ? `rules: { shipped: false, folders: [${JSON.stringify(rules)}] }\n` : '';
    writeFileSync(
      join(this.dataDir, 'tocsin.yml'),
      `${ruleLines}detect: { idleAfter: 5s, detectors: ${JSON.stringify(options.detectors ?? [])} }\n${options.settings ?? 'log: { level: debug }\n'}`,
    );
  }

  /** Starts it and waits until it takes events. */
  static async start(options: ProgramOptions = {}): Promise<Program> {
    const program = new Program(options);
    try {
      await program.restart();
      return program;
    } catch (error) {
      await program[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts it without waiting; resolves with how it ended. For starts that must be refused. */
  static async refusal(options: ProgramOptions): Promise<{ code: number | string; said: string }> {
    await using program = new Program(options);
    program.#launch();
    const code = await program.#exit;
    return { code, said: program.stdout + program.stderr };
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get operator(): string {
    return readFileSync(join(this.dataDir, 'tokens', 'operator.token'), 'utf8').trim();
  }

  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts it again on the same folder. */
  async restart(): Promise<void> {
    if (Program.busIsExternal) this.#external ??= await startBusProcess(this.#folder);
    this.#launch();
    const path = join(this.dataDir, 'run.json');
    this.url = await waitFor(
      () => {
        if (!this.isRunning) throw new Error(`it ended instead of starting:\n${this.stdout}${this.stderr}`);
        const run = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { url: string; pid: number }) : undefined;
        return run?.pid === this.pid ? run.url : undefined;
      },
      { what: () => `the program to be ready; it said:\n${this.stderr}`, withinMs: READY_MS },
    );
  }

  /** Kills it with what it has started, as a power cut does. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exit;
    await waitFor(() => (busPid(this.dataDir) === undefined ? true : undefined), {
      what: () => 'nats-server to follow its parent',
      withinMs: 20_000,
    });
  }

  /** Asks it to stop; resolves with its exit code or signal. */
  async stop(): Promise<number | string> {
    this.#child?.kill('SIGTERM');
    return this.#exit;
  }

  /** What a command of the command line prints, on the same data folder. @throws when it exits with another code than 0 */
  async commandLine(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [builtProgram, ...args, '--data', this.dataDir]);
    return stdout;
  }

  /** A call to `/api/v1`, as the operator unless another token is given; an empty token sends none. */
  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    { token = this.operator, body, headers }: Call = {},
  ): Promise<Answer<T>> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const authorization = token === '' ? {} : { authorization: `Bearer ${token}` };
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: { ...json, ...authorization, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return read(answer);
  }

  /** Posts events. */
  async post(
    token: string,
    body: Uint8Array | string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<{ items?: Item[]; error?: { code: string; message: string; retry: string } }>> {
    const type = { 'content-type': 'application/json' };
    return read(
      await fetch(`${this.url}/api/v1/events`, {
        method: 'POST',
        headers: { ...type, ...headers, authorization: `Bearer ${token}` },
        body: body as Uint8Array<ArrayBuffer> | string,
      }),
    );
  }

  /** Registers a source; answers its token. */
  async addSource(name: string, format = 'json', token = this.operator): Promise<string> {
    const { status, text, body } = await this.call<{ token: string }>('POST', '/sources', { token, body: { name, format } });
    if (status !== 200) throw new Error(`adding source ${name}: ${status} ${text}`);
    return body.token;
  }

  /** Resolves when every stored event is judged and its alerts are visible. */
  async settle(): Promise<void> {
    const { body, text } = await this.call<{ settled?: boolean }>('POST', '/settle', { body: { waitMs: 30_000 } });
    if (body.settled !== true) throw new Error(`not settled: ${text}`);
  }

  async alerts(query = '', token = this.operator): Promise<AlertBody[]> {
    return (await this.call<{ alerts: AlertBody[] }>('GET', `/alerts${query}`, { token })).body.alerts;
  }

  /** Adds rule files. */
  addRules(
    files: Readonly<Record<string, string>>,
    token = this.operator,
  ): Promise<Answer<{ inForce: boolean; accepted: unknown[]; refused: { path: string; line: number; reason: string }[] }>> {
    return this.call('POST', '/rules', { token, body: { files: Object.entries(files).map(([path, text]) => ({ path, text })) } });
  }

  /** Messages on EVENTS_LIVE. */
  async eventsStored(): Promise<number> {
    return (await this.call<{ events: { stored: number } }>('GET', '/status')).body.events.stored;
  }

  /** Makes a credential of a tenant; answers its token. Takes effect at once, as the registry follows CHANGES. */
  async addCredential(
    tenant: string,
    credential: { readonly roles: readonly string[]; readonly source?: string; readonly expiresMs?: number; readonly revokedMs?: number },
  ): Promise<string> {
    const token = `tocsin_${credential.source === undefined ? 'person' : 'source'}_${randomBytes(32).toString('base64url')}`;
    const id = createHash('sha256').update(token).digest('hex');
    const subject = `tocsin.changes.${tenant}.credential.${id}`;
    await using bus = await this.openBus();
    await bus.commit([{ subject, id, body: Buffer.from(JSON.stringify({ actor: `${tenant}/somebody`, createdMs: 1, ...credential })) }]);
    const works = credential.expiresMs === undefined && credential.revokedMs === undefined;
    if (works) {
      // Known once anything but "refused" is answered.
      await waitFor(async () => ((await this.call('GET', '/status', { token })).status === 401 ? undefined : true), {
        what: () => `the credential of ${tenant}`,
        withinMs: 10_000,
      });
    }
    return token;
  }

  /** Every byte of every message on every stream. */
  async everythingStored(): Promise<Buffer> {
    await using bus = await this.openBus();
    const parts: Buffer[] = [];
    for (const filter of ['events.live.>', 'events.bulk.>', 'matches.>', 'alerts.>', 'audit.>', 'changes.>', 'deadletter.>']) {
      for await (const stored of bus.read(`tocsin.${filter}`, 'first'))
        parts.push(Buffer.from(`${stored.subject} ${JSON.stringify(stored.headers)}\n`), Buffer.from(stored.body));
    }
    return Buffer.concat(parts);
  }

  /** Resident memory of the program itself, bytes. */
  rss(): number {
    const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.#child?.kill('SIGKILL');
    await this.#exit;
    await waitFor(() => (busPid(this.dataDir) === undefined ? true : undefined), {
      what: () => 'nats-server to follow its parent',
      withinMs: 20_000,
    });
    await this.#external?.[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A connection under the key of a duty. The caller closes it. */
  async openBus(duty = 'api'): ReturnType<typeof openNatsBus> {
    if (this.#external !== undefined)
      return openNatsBus({ servers: `nats://127.0.0.1:${this.#external.port}`, site: 'local', name: 'e2e', commitTimeoutMs: 5000 });
    const bus = join(this.dataDir, 'bus');
    const seeds = JSON.parse(readFileSync(join(bus, 'credentials.json'), 'utf8')) as Record<string, string>;
    const port = readFileSync(join(bus, 'port'), 'utf8').trim();
    return openNatsBus({
      servers: `nats://127.0.0.1:${port}`,
      credential: { duty, seed: seeds[duty] ?? '', inboxPrefix: `_INBOX_${duty}` },
      site: 'local',
      name: 'e2e',
      commitTimeoutMs: 5000,
      durability: 'fsync',
    });
  }

  #busArgs(): string[] {
    return this.#external === undefined ? [] : ['--bus', `nats://127.0.0.1:${this.#external.port}`];
  }

  #launch(): void {
    const args = [builtProgram, 'up', '--data', this.dataDir, '--port', '0', ...this.#busArgs(), ...(this.#options.args ?? [])];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    child.stdout.on('data', (chunk: Buffer) => void (this.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (this.stderr += chunk.toString()));
    this.#child = child;
    this.#exit = once(child, 'close').then(([code, signal]: unknown[]) => (signal === null ? (code as number) : (signal as string)));
  }
}

/** A stream of lines that is followed; disposing leaves it. */
export interface Tail extends AsyncDisposable {
  readonly lines: Record<string, unknown>[];
}

/** Follows `/tail/<what>`; resolves once the server has said that it does. */
export async function openTail(program: Program, path: string, token = program.operator): Promise<Tail> {
  const stop = new AbortController();
  const answer = await fetch(`${program.url}/api/v1/tail/${path}`, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal });
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  const reader = (answer.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  const reading = (async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (rest + value).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) if (part !== '') lines.push(JSON.parse(part) as Record<string, unknown>);
    }
  })();
  return {
    lines,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await reading.catch((error: unknown) => {
        if ((error as Error).name !== 'AbortError') throw error;
      });
    },
  };
}

async function read<T>(answer: Response): Promise<Answer<T>> {
  const text = await answer.text();
  const isJson = (answer.headers.get('content-type') ?? '').startsWith('application/json');
  return { status: answer.status, headers: answer.headers, text, body: (isJson ? JSON.parse(text) : {}) as T };
}

/** A rule about heartbeats whose `act` is a word; `beat` makes them. */
export function wordRule(id: string, word: string, more = ''): string {
  return `title: Word ${word}\nid: ${id}\nlogsource: { category: heartbeat }\ndetection: { s: { act: ${word} }, condition: s }\nlevel: high\n${more}`;
}

/** A heartbeat, which the rules of these tests look at. */
export function beat(act: string, more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { event_type: 'heartbeat', host: 'h1', act, ...more };
}
