/**
 * Exclusive lock on a data directory: a file naming its holder by process number and start time. nats-server itself
 * takes no lock, and two on one store destroy it. The lock of a dead holder is taken over.
 */
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';
import { identify, isRunning, type ProcessIdentity, readIfThere } from './process-identity.ts';

/** Takes the lock for this process and answers how to give it back. @throws server.in_use naming the holder */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'lock');
  const self = identify(process.pid);
  if (self === undefined)
    throw new TocsinError('server.bad_setting', {
      what: `Data directory ${directory}`,
      reason: 'this system does not tell when a process started',
    });
  const mine = `${path}.${self.pid}`;
  writeFileSync(mine, JSON.stringify(self), { mode: 0o600 });
  try {
    while (!tryLink(mine, path)) removeIfStale(directory, path, mine);
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (parse(readIfThere(path))?.started === self.started) rmSync(path, { force: true });
  };
}

/** Linking makes the lock appear with its content, or not at all. */
function tryLink(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Renaming away lets exactly one of several takers through; who finds that he moved a live lock puts it back. */
function removeIfStale(directory: string, path: string, mine: string): void {
  const holder = parse(readIfThere(path));
  if (holder !== undefined && isRunning(holder)) throw new TocsinError('server.in_use', { directory, pid: holder.pid });
  const aside = `${mine}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = parse(readIfThere(aside));
  if (moved !== undefined && isRunning(moved)) {
    tryLink(aside, path);
    rmSync(aside, { force: true });
    throw new TocsinError('server.in_use', { directory, pid: moved.pid });
  }
  rmSync(aside, { force: true });
}

function parse(text: string | undefined): ProcessIdentity | undefined {
  const match = /^\{"pid":(\d+),"started":"([^"]*)"\}$/.exec(text ?? '');
  return match === null ? undefined : { pid: Number(match[1]), started: match[2] ?? '' };
}
