/**
 * Supervises the built program as a child process: starts it on a data folder, kills it or its nats-server alone, starts it again on the same
 * folder. Processes are found by the numbers they leave in the data folder. Not here: what is sent to it, and when it is killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { waitFor } from './wait-for.ts';

/** The program as it is built. */
export const builtProgram = join(import.meta.dirname, '..', '..', 'packages', 'tocsin', 'dist', 'main.js');

/** Loaded before a program whose clock is to be set. */
const clockStep = pathToFileURL(join(import.meta.dirname, 'clock-step.mjs')).href;

/** What is started. */
export type TocsinOptions = {
  readonly dataDir: string;
  /** Path of `main.js`; the built one by default. */
  readonly program?: string;
  /** Standard output and error: read and kept by default; `closed` gives pipes whose reader has gone. */
  readonly output?: 'kept' | 'closed';
  readonly args?: readonly string[];
  /** File that says how far its clock is off; the machine's clock where absent. */
  readonly clock?: string | undefined;
};

/** One run of the program. */
export type TocsinRun = {
  readonly child: ChildProcess;
  /** Its last words on both streams, at most 64 KiB. */
  readonly said: () => string;
  /** Settles with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
};

/** What it leaves in `run.json`. */
type RunFile = { readonly url: string; readonly pid: number };

const READY_MS = 60_000;
const KEPT_CHARACTERS = 65_536;

/** Starts the program without waiting for it to be ready. */
export function launch(options: TocsinOptions): TocsinRun {
  const args = [options.program ?? builtProgram, 'up', '--data', options.dataDir, '--port', '0', ...(options.args ?? [])];
  const clock = options.clock === undefined ? {} : { NODE_OPTIONS: `--import=${clockStep}`, TOCSIN_FAULTS_CLOCK: options.clock };
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1', ...clock } });
  const killWithUs = (): void => void child.kill('SIGKILL');
  process.once('exit', killWithUs);
  child.once('exit', () => process.off('exit', killWithUs));
  let words = '';
  const keep = (chunk: Buffer): void => void (words = (words + chunk.toString('utf8')).slice(-KEPT_CHARACTERS));
  for (const stream of [child.stdout, child.stderr]) {
    if (options.output === 'closed') stream?.destroy();
    else stream?.on('data', keep);
  }
  const ended = once(child, 'exit').then(([code, signal]: unknown[]) => (signal === null ? (code as number) : (signal as string)));
  return { child, said: () => words, ended };
}

/** Resolves with the run's address once it takes events. @throws when it ends first, or is not ready within a minute */
export async function waitReady(dataDir: string, run: TocsinRun): Promise<string> {
  let over: number | string | undefined;
  void run.ended.then((end) => (over = end));
  return waitFor(
    () => {
      if (over !== undefined) throw new Error(`tocsin ended with ${over} instead of starting:\n${run.said()}`);
      const found = readRunFile(dataDir);
      return found?.pid === run.child.pid ? found?.url : undefined;
    },
    { what: () => `tocsin to be ready; it said:\n${run.said()}`, withinMs: READY_MS },
  );
}

/** Process number of the nats-server that serves a data folder; undefined while none does. */
export function busPid(dataDir: string): number | undefined {
  const pid = Number(readLeft(join(dataDir, 'bus', 'run', 'pid')) ?? Number.NaN);
  return pid > 0 && commandLine(pid).includes(join(dataDir, 'bus')) ? pid : undefined;
}

/** What a process left in a file; undefined where there is none, and while the disk it lies on has lost its power. */
function readLeft(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EIO') return undefined;
    throw error;
  }
}

/** Kills the nats-server alone with SIGKILL, as soon as there is one; `onKill` is called right before. */
export async function killBus(dataDir: string, onKill: () => void): Promise<void> {
  const pid = await waitFor(() => busPid(dataDir), { what: () => `a nats-server on ${dataDir}`, withinMs: READY_MS });
  onKill();
  killNow(pid);
  await waitFor(() => (commandLine(pid).includes('nats-server') ? undefined : true), { what: () => `${pid} to end`, withinMs: 10_000 });
}

/** SIGKILL; that it has just ended by itself is no error. */
export function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Kills the program alone with SIGKILL and waits for its end. */
export async function killTocsin(run: TocsinRun): Promise<void> {
  run.child.kill('SIGKILL');
  await run.ended;
}

/** Asks the program to stop. Resolves with its exit code, or the signal's name. */
export async function stopTocsin(run: TocsinRun): Promise<number | string> {
  run.child.kill('SIGTERM');
  return run.ended;
}

/** Command line of a process, words parted by spaces; empty when it does not run (a zombie has none). */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function readRunFile(dataDir: string): RunFile | undefined {
  const text = readLeft(join(dataDir, 'run.json'));
  return text === undefined ? undefined : (JSON.parse(text) as RunFile);
}
