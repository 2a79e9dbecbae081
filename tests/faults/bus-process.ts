/**
 * A nats-server of the run's own, which the program uses as an external bus behind a faulty link: partitions between the two can then be made. It keeps
 * what the embedded one keeps, with `sync_interval: always`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { readServerLog } from '../../packages/bus/src/nats/server/server-log.ts';
import { waitFor } from './wait-for.ts';

/** A running server. Disposing kills it. */
export interface BusProcess extends AsyncDisposable {
  readonly port: number;
  readonly pid: number | undefined;
  /** SIGKILL, and a new start on the same folder and port; resolves when it takes connections. */
  killAndRestart(): Promise<void>;
}

const READY_MS = 30_000;

/** Starts one that keeps its data below a folder. */
export async function startBusProcess(folder: string): Promise<BusProcess> {
  const port = await freePort();
  const monitor = await freePort();
  const config = join(folder, 'bus.conf');
  const store = JSON.stringify(join(folder, 'bus-store'));
  writeFileSync(
    config,
    `server_name: faults\nlisten: "127.0.0.1:${port}"\nhttp: "127.0.0.1:${monitor}"\nmax_payload: 2097152\njetstream { store_dir: ${store}, max_file: 60GB, sync_interval: always }\n`,
  );
  let child: ChildProcess | undefined;
  let isEnding = false;
  const start = async (): Promise<void> => {
    const started = spawn(process.env['TOCSIN_NATS_SERVER'] || 'nats-server', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    // As whoever runs a server of his own must: after a write that failed it answers nothing any more, and goes on running.
    readServerLog(
      started.stderr,
      () => undefined,
      () => void started.kill('SIGKILL'),
    );
    started.once('exit', () => void startAgain(started));
    const killWithUs = (): void => void started.kill('SIGKILL');
    process.once('exit', killWithUs);
    started.once('exit', () => process.off('exit', killWithUs));
    child = started;
    await waitFor(() => isHealthy(monitor), { what: () => 'the external nats-server to be ready', withinMs: READY_MS });
  };
  /** One that was not ended by us. */
  const startAgain = async (ended: ChildProcess): Promise<void> => {
    if (child === ended && !isEnding) await start();
  };
  const end = async (): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    isEnding = true;
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
    isEnding = false;
  };
  await start();
  return {
    port,
    get pid() {
      return child?.pid;
    },
    async killAndRestart() {
      await end();
      await start();
    },
    [Symbol.asyncDispose]: end,
  };
}

async function isHealthy(monitor: number): Promise<true | undefined> {
  try {
    const answer = await fetch(`http://127.0.0.1:${monitor}/healthz?js-server-only=true`, { signal: AbortSignal.timeout(1000) });
    return answer.ok ? true : undefined;
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')) return undefined;
    throw error;
  }
}

/** One that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
