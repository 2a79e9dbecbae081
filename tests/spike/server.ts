/**
 * Starts a real nats-server as a child on loopback, and can kill and restart it on the same port and data.
 * Not here: streams, accounts, clients. The spike runs one server in one directory and owns both.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

/** Where a server lives and how it is run. */
export type ServerOptions = {
  /** Directory for config, ports file and JetStream data; must exist. */
  readonly directory: string;
  /** Words put in front of the command line, e.g. `strace -f -c`. */
  readonly prefix?: readonly string[];
  /** Extra lines of configuration. */
  readonly extraConfig?: string;
  /** JetStream's `sync_interval`; the product uses `always`. */
  readonly syncInterval?: string;
};

/** A running nats-server child. */
export interface Server extends AsyncDisposable {
  /** `nats://127.0.0.1:<port>`, the same after a restart. */
  readonly url: string;
  readonly child: ChildProcess;
  /** SIGKILL to the server; resolves once it is gone. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data; resolves once it accepts connections. */
  restart(): Promise<void>;
}

/** Starts the nats-server that TOCSIN_NATS_SERVER names, else the one on PATH. Resolves once it accepts connections. The caller disposes it. */
export async function openServer(options: ServerOptions): Promise<Server> {
  let port = -1;
  let child = await launch(options, port);
  port = await readPort(options.directory, child);
  return {
    get url() {
      return `nats://127.0.0.1:${port}`;
    },
    get child() {
      return child;
    },
    kill: () => stop(child, options.directory, 'SIGKILL'),
    async restart() {
      child = await launch(options, port);
      await readPort(options.directory, child);
    },
    [Symbol.asyncDispose]: () => stop(child, options.directory, 'SIGTERM'),
  };
}

async function launch(options: ServerOptions, port: number): Promise<ChildProcess> {
  const { directory, prefix = [] } = options;
  const runDirectory = join(directory, 'run');
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(runDirectory, { recursive: true });
  const config = join(directory, 'server.conf');
  writeFileSync(config, configText(options, port, runDirectory), { mode: 0o600 });
  const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
  const line = [...prefix, binary, '-c', config];
  const env = { ...process.env, GOMEMLIMIT: '512MiB', GOMAXPROCS: '2' };
  const child = spawn(line[0] ?? binary, line.slice(1), { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await once(child, 'spawn');
  return child;
}

function configText(options: ServerOptions, port: number, runDirectory: string): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `ports_file_dir: "${runDirectory}"`,
    `log_file: "${join(options.directory, 'server.log')}"`,
    `server_name: "spike"`,
    'max_payload: 2MB',
    'max_pending: 64MB',
    `jetstream { store_dir: "${join(options.directory, 'data')}", max_mem: 64MB, max_file: 20GB, sync_interval: ${options.syncInterval ?? 'always'} }`,
    options.extraConfig ?? '',
    '',
  ].join('\n');
}

/** The ports file is written once the listener is open; JetStream is recovered before that. */
async function readPort(directory: string, child: ChildProcess): Promise<number> {
  const runDirectory = join(directory, 'run');
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`nats-server ended with code ${child.exitCode}; see ${directory}/server.log`);
    const file = existsSync(runDirectory) ? readdirSync(runDirectory).find((name) => name.endsWith('.ports')) : undefined;
    const port = file === undefined ? undefined : parsePort(readFileSync(join(runDirectory, file), 'utf8'));
    if (port !== undefined && (await accepts(port))) return port;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`nats-server opened no port within 20 s; see ${directory}/server.log`);
}

/** The file may be seen half written; then there is no port yet. */
function parsePort(text: string): number | undefined {
  const match = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(text);
  return match === null || !text.trimEnd().endsWith('}') ? undefined : Number(match[1]);
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Signals the server itself, whose pid the ports file's name carries: with a prefix the child is the tracer, which doesn't pass signals on. */
async function stop(child: ChildProcess, directory: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  const file = readdirSync(join(directory, 'run')).find((name) => name.endsWith('.ports'));
  const pid = Number(/_(\d+)\.ports$/.exec(file ?? '')?.[1] ?? child.pid);
  process.kill(pid, signal);
  await exited;
}
