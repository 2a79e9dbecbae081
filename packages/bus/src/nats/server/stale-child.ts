/**
 * The note a running child leaves about itself, and the sweep at the next start: a server left behind by a parent that
 * died is ended before another one opens its data. Only a process proven to be that child is touched.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { commandLine, isRunning, type ProcessIdentity, readIfThere } from './process-identity.ts';
import { signalProcess } from './server-process.ts';

const TERM_MS = 5_000;
const KILL_MS = 5_000;
const POLL_MS = 10;

/** Notes which process the child is. */
export function noteChild(directory: string, child: ProcessIdentity): void {
  writeFileSync(join(directory, 'child.json'), JSON.stringify(child), { mode: 0o600 });
}

/** Forgets the note: the child has ended. */
export function forgetChild(directory: string): void {
  rmSync(join(directory, 'child.json'), { force: true });
}

/**
 * Ends the child of an earlier run, if it still runs: number, start time and configuration path must all be its own.
 * Resolves with its number, or undefined when there was none. @throws server.in_use when it does not end
 */
export async function sweepStaleChild(directory: string, configPath: string): Promise<number | undefined> {
  const note = /^\{"pid":(\d+),"started":"([^"]*)"\}$/.exec(readIfThere(join(directory, 'child.json')) ?? '');
  const child = { pid: Number(note?.[1]), started: note?.[2] ?? '' };
  if (note === null || !isRunning(child) || !commandLine(child.pid).includes(configPath)) return undefined;
  signalProcess(child.pid, 'SIGTERM');
  if (!(await ends(child, TERM_MS))) {
    signalProcess(child.pid, 'SIGKILL');
    if (!(await ends(child, KILL_MS))) throw new TocsinError('server.in_use', { directory, pid: child.pid });
  }
  forgetChild(directory);
  return child.pid;
}

async function ends(child: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (isRunning(child)) {
    if (performance.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
