/** One or three nats-servers of a test: real programs on free ports of loopback, killed, paused and started again one by one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasStopped } from '../../packages/bus/src/nats/has-stopped.ts';
import { waitFor } from '../faults/wait-for.ts';

/** How servers are started. */
export interface NatsClusterOptions {
  readonly binary: string;
  /** 1, or 3 for a cluster. */
  readonly servers: number;
  /** More lines of each server's configuration. */
  readonly more?: string | undefined;
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly monitor: number;
  readonly config: string;
  child: ChildProcess | undefined;
}

const READY_MS = 20_000;

/** Servers of a test. Disposing ends them and removes what they kept. */
export class NatsCluster implements AsyncDisposable {
  readonly #binary: string;
  readonly #folder: string;
  readonly #servers: readonly Server[];

  private constructor(binary: string, folder: string, servers: readonly Server[]) {
    this.#binary = binary;
    this.#folder = folder;
    this.#servers = servers;
  }

  /** Starts them; resolves when each can store. */
  static async start({ binary, servers, more = '' }: NatsClusterOptions): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'tocsin-cluster-'));
    const ports = await freePorts(servers * 3);
    const routes = Array.from({ length: servers }, (_, i) => `nats://127.0.0.1:${ports[i * 3 + 1]}`);
    const made = Array.from({ length: servers }, (_, i): Server => {
      const name = `n${i + 1}`;
      const [port = 0, route = 0, monitor = 0] = ports.slice(i * 3);
      const store = join(folder, name);
      mkdirSync(store);
      const config = join(folder, `${name}.conf`);
      const cluster = servers === 1 ? '' : `cluster { name: test, listen: "127.0.0.1:${route}", routes: ${JSON.stringify(routes)} }\n`;
      writeFileSync(
        config,
        `server_name: ${name}\nlisten: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitor}"\n${more.includes('max_payload') ? '' : 'max_payload: 2097152\n'}jetstream { store_dir: ${JSON.stringify(store)}, max_file: 60GB }\n${cluster}${more}\n`,
      );
      return { name, port, monitor, config, child: undefined };
    });
    const cluster = new NatsCluster(binary, folder, made);
    for (const { name } of made) cluster.revive(name);
    await cluster.ready();
    return cluster;
  }

  get urls(): string[] {
    return this.#servers.map(({ port }) => `nats://127.0.0.1:${port}`);
  }

  get names(): string[] {
    return this.#servers.map(({ name }) => name);
  }

  /** Resolves when every server that runs takes connections, its streams perhaps still catching up; with `streams`, when these have. */
  async ready(what: 'server' | 'streams' = 'server'): Promise<void> {
    for (const { child, monitor, name } of this.#servers) {
      if (!child) continue;
      const look = async (): Promise<true | undefined> => ((await isHealthy(monitor, what)) ? true : undefined);
      await waitFor(look, { what: () => `server ${name} to be ready`, withinMs: READY_MS });
    }
  }

  /** Name of the server that leads a stream. */
  async leaderOf(stream: string): Promise<string> {
    for (const { child, monitor } of this.#servers) {
      if (!child) continue;
      const answer = await fetch(`http://127.0.0.1:${monitor}/jsz?streams=true`);
      const found = (await answer.json()) as {
        account_details?: readonly { stream_detail?: readonly { name: string; cluster?: { leader?: string } }[] }[];
      };
      const details = (found.account_details ?? []).flatMap((account) => account.stream_detail ?? []);
      const leader = details.find((detail) => detail.name === stream)?.cluster?.leader;
      if (leader !== undefined) return leader;
    }
    throw new Error(`nobody leads ${stream}`);
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#of(name).child?.kill(signal);
  }

  /** Has each server run that stands still or was ended. */
  wake(): void {
    for (const { name, child } of this.#servers) {
      if (child) this.signal(name, 'SIGCONT');
      else this.revive(name);
    }
  }

  /** Has servers stand still; resolves when they do. `wake` ends it. */
  async pause(...names: readonly string[]): Promise<void> {
    for (const name of names) this.signal(name, 'SIGSTOP');
    for (const name of names) {
      const { pid } = this.#of(name).child ?? {};
      if (pid === undefined) throw new RangeError(`server ${name} does not run`);
      await waitFor(() => hasStopped(pid) || undefined, { what: () => `server ${name} to stand still`, withinMs: READY_MS });
    }
  }

  /** Kills a server and waits for its end. */
  async kill(name: string): Promise<void> {
    await this.#end(name, 'SIGKILL');
  }

  /** Ends a server in good order. */
  async stop(name: string): Promise<void> {
    await this.#end(name, 'SIGTERM');
  }

  async #end(name: string, signal: NodeJS.Signals): Promise<void> {
    const server = this.#of(name);
    const { child } = server;
    if (!child) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    server.child = undefined;
  }

  /** Starts a server on what it has kept. */
  revive(name: string): void {
    const server = this.#of(name);
    const child = spawn(this.#binary, ['-c', server.config], { stdio: 'ignore' });
    const killWithUs = (): void => void child.kill('SIGKILL');
    process.once('exit', killWithUs);
    child.once('exit', () => process.off('exit', killWithUs));
    server.child = child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { name } of this.#servers) {
      this.signal(name, 'SIGCONT');
      await this.kill(name);
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #of(name: string): Server {
    const server = this.#servers.find((one) => one.name === name);
    if (!server) throw new RangeError(`no server ${name}`);
    return server;
  }
}

async function isHealthy(monitor: number, what: 'server' | 'streams'): Promise<boolean> {
  const query = what === 'server' ? '?js-server-only=true' : '';
  try {
    return (await fetch(`http://127.0.0.1:${monitor}/healthz${query}`, { signal: AbortSignal.timeout(1000) })).ok;
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) return false;
    throw error;
  }
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
