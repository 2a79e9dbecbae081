/** A real server of the folder `shared/services` beside the repository, started by its script and ended by its own process id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, dirname, join } from 'node:path';

/** Path of a script such as `kafka/start.sh`; undefined where the folder, or a program the script needs, is not there. */
export function findService(script: string, needs: string): string | undefined {
  const hasProgram = (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, needs)));
  if (!hasProgram) return undefined;
  for (let folder = import.meta.dirname; dirname(folder) !== folder; folder = dirname(folder)) {
    const found = join(folder, 'shared/services', script);
    if (existsSync(found)) return found;
  }
  return undefined;
}

/** A server that runs. Disposing ends it. */
export class ServiceProcess implements AsyncDisposable {
  readonly port: number;
  readonly #pid: number;
  readonly #exit: Promise<unknown>;

  private constructor(port: number, pid: number, exit: Promise<unknown>) {
    this.port = port;
    this.#pid = pid;
    this.#exit = exit;
  }

  /** Resolves when it accepts connections. Without `port` any free one. @throws Error when it ends before that */
  static async start(script: string, folder: string, port?: number): Promise<ServiceProcess> {
    const [first = 0, second = 0] = port === undefined ? await freePorts() : [port, port + 1];
    const child = spawn('sh', [script, folder, String(first), String(second)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    const pid = await Promise.race([readyPid(child), exit.then(() => 0)]);
    if (pid === 0) throw new Error(`${script} ended before it was ready: see ${folder}/server.log`);
    return new ServiceProcess(first, pid, exit);
  }

  /** Ends it and resolves when it has. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    try {
      process.kill(this.#pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has ended
    }
    await this.#exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

async function readyPid(child: ChildProcess): Promise<number> {
  let said = '';
  for await (const chunk of child.stdout ?? []) {
    said += String(chunk);
    const pid = /^READY .* pid=(\d+)/m.exec(said)?.[1];
    if (pid !== undefined) return Number(pid);
  }
  return 0;
}

async function freePorts(): Promise<number[]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address !== null && typeof address === 'object') ports.push(address.port);
  }
  for (const server of servers) server.close();
  return ports;
}
