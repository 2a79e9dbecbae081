/**
 * One run of the nats-server child: spawned so that it cannot outlive its parent, stopped in order, and killed only
 * when it is proven to be the one meant. Restarting and readiness are not here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { identify, isRunning, type ProcessIdentity, readIfThere } from './process-identity.ts';
import { readServerLog, type ServerLog } from './server-log.ts';

/** How the child is kept from outliving us: the kernel's parent-death signal, or a shell that waits for our end. */
export type OrphanGuard = 'setpriv' | 'shell';

/** What is run, and where its words go. */
export interface LaunchOptions {
  readonly binary: string;
  readonly configPath: string;
  readonly runDirectory: string;
  /** Go's soft memory limit for the child, MiB. */
  readonly memoryLimitMiB: number;
  readonly maxProcs: number;
  readonly orphanGuard?: OrphanGuard | undefined;
  readonly log: ServerLog;
  /** Called when the log says that nothing will be stored until a restart; then the child is killed. */
  readonly onBroken: (line: string) => void;
}

/** A running child. */
export interface ServerProcess {
  /** Settles when it has ended, with why. */
  readonly ended: Promise<string>;
  hasEnded(): boolean;
  /** The server itself, not a wrapper around it; undefined before it wrote its process number. */
  identity(): ProcessIdentity | undefined;
  logTail(): string;
  /** SIGTERM, then SIGKILL after `killAfterMs`. Resolves when it has ended. */
  stop(killAfterMs?: number): Promise<void>;
  kill(): void;
}

const STOP_MS = 10_000;
/** Runs "$@" until it ends or standard input does: the pipe to it closes with its parent's death, however that came. */
const SHELL = `exec 3<&0
"$@" </dev/null 3<&- & child=$!
trap 'kill -TERM $child 2>/dev/null' TERM INT
{ cat <&3 >/dev/null 2>&1; kill -TERM $child 2>/dev/null; } &
watcher=$!
exec 3<&-
while :; do wait $child; code=$?; kill -0 $child 2>/dev/null || break; done
kill -KILL $watcher 2>/dev/null
exit $code`;

/** Starts the child. It has not to be ready yet. @throws server.failed when it cannot be run at all */
export async function launchServer(options: LaunchOptions): Promise<ServerProcess> {
  const [command = '', ...args] = guarded(options);
  const env = { GOMEMLIMIT: `${options.memoryLimitMiB}MiB`, GOMAXPROCS: String(options.maxProcs), PATH: '/usr/bin:/bin' };
  // A group of its own: Ctrl-C goes to every process of the terminal's group, and the server must outlive what still writes to it.
  const child = spawn(command, args, { env, stdio: ['pipe', 'ignore', 'pipe'], detached: true });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => reject(new TocsinError('server.failed', { reason: `${command} could not be run`, log: '' }, { cause })));
  });
  return serverProcess(child, options);
}

function guarded({ binary, configPath, orphanGuard }: LaunchOptions): string[] {
  const run = [binary, '-c', configPath];
  const setpriv = process.platform === 'linux' ? ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path)) : undefined;
  if (setpriv !== undefined && orphanGuard !== 'shell') return [setpriv, '--pdeathsig', 'TERM', '--', ...run];
  return ['/bin/sh', '-c', SHELL, 'tocsin-nats', ...run];
}

function serverProcess(child: ChildProcess, options: LaunchOptions): ServerProcess {
  if (child.stderr === null) throw new TocsinError('server.failed', { reason: 'its log could not be read', log: '' });
  const log = readServerLog(child.stderr, options.log, (line) => {
    options.onBroken(line);
    // Also while it is starting: clients write as soon as it listens, and a broken one would never become ready.
    kill();
  });
  // A pipe to a shell that has ended breaks; its end is reported by `ended`.
  child.stdin?.on('error', () => undefined);
  let over = false;
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => {
      over = true;
      resolve(signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`);
    });
  });
  const identity = (): ProcessIdentity | undefined => (over ? undefined : identify(Number(readIfThere(join(options.runDirectory, 'pid')))));
  const kill = (): void => {
    const server = identity();
    if (server !== undefined && isRunning(server)) signalProcess(server.pid, 'SIGKILL');
    child.kill('SIGKILL');
  };
  return {
    ended,
    hasEnded: () => over,
    identity,
    logTail: () => log.tail(),
    kill,
    async stop(killAfterMs = STOP_MS) {
      if (over) return;
      child.kill('SIGTERM');
      const timer = setTimeout(kill, killAfterMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Sends a signal; a process that has just ended is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
