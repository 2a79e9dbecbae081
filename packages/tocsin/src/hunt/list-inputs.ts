/** The files a hunt reads: what is named, and everything below named folders, each file once and in order of path. */
import { type Dirent, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';

/** One input. `path` is `-` for standard input. */
export interface HuntInput {
  readonly path: string;
  /** Bytes on disk; undefined where it is not known before its end, or was not asked for. */
  readonly size: number | undefined;
}

/** What was found below the paths, and what could not be looked into. */
export interface HuntInputs {
  readonly inputs: readonly HuntInput[];
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
}

/** Which files below named folders are wanted. */
export interface ListOptions {
  /** Ending of their names, as an expression; all files where absent. */
  readonly ending?: RegExp | undefined;
  /** Whether sizes are wanted: each costs a call. */
  readonly sizes?: boolean | undefined;
}

const MAX_DEPTH = 64;

/** Files at and below the paths. Links to folders are followed, each folder once. @throws cli.unreadable where a named path is not there */
export function listInputs(paths: readonly string[], options: ListOptions = {}): HuntInputs {
  const walk: Walk = { inputs: [], unreadable: [], folders: new Set(), ...options };
  for (const path of paths) {
    if (path === '-') walk.inputs.push({ path, size: undefined });
    else addNamed(path, walk);
  }
  return walk;
}

interface Walk extends ListOptions {
  readonly inputs: HuntInput[];
  readonly unreadable: { path: string; reason: string }[];
  /** Real paths of the folders seen: a circle of links ends where it began. */
  readonly folders: Set<string>;
}

function addNamed(path: string, walk: Walk): void {
  try {
    const found = statSync(path);
    if (found.isDirectory()) addFolder(path, walk, 0);
    else walk.inputs.push({ path, size: found.isFile() ? found.size : undefined });
  } catch (error) {
    throw new TocsinError('cli.unreadable', { path, reason: reasonOf(error) }, { cause: error });
  }
}

function addFolder(path: string, walk: Walk, depth: number): void {
  if (depth > MAX_DEPTH) {
    walk.unreadable.push({ path, reason: `it lies more than ${MAX_DEPTH} folders deep` });
    return;
  }
  let entries: Dirent[];
  try {
    const real = realpathSync(path);
    if (walk.folders.has(real)) return;
    walk.folders.add(real);
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    walk.unreadable.push({ path, reason: reasonOf(error) });
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of entries) addEntry(join(path, entry.name), entry, { walk, depth });
}

function addEntry(path: string, entry: Dirent, { walk, depth }: { walk: Walk; depth: number }): void {
  const isWanted = walk.ending === undefined || walk.ending.test(entry.name);
  if (entry.isDirectory()) addFolder(path, walk, depth + 1);
  else if (entry.isFile() && walk.sizes !== true) {
    if (isWanted) walk.inputs.push({ path, size: undefined });
  } else if (entry.isFile() || entry.isSymbolicLink()) addStated(path, isWanted, { walk, depth });
  // Sockets, pipes and devices below a folder are nobody's logs.
}

function addStated(path: string, isWanted: boolean, { walk, depth }: { walk: Walk; depth: number }): void {
  try {
    const found = statSync(path);
    if (found.isDirectory()) addFolder(path, walk, depth + 1);
    else if (found.isFile() && isWanted) walk.inputs.push({ path, size: found.size });
  } catch (error) {
    if (isWanted) walk.unreadable.push({ path, reason: reasonOf(error) });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'ELOOP') return 'its links lead in a circle';
  return code === 'EACCES' ? 'its permissions forbid it' : message;
}
