/** The files a hunt reads: what is named, and everything below named folders, each file once and in order of path. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';

/** One input. `path` is `-` for standard input. */
export interface HuntInput {
  readonly path: string;
  /** Bytes on disk; undefined where it is not known before its end. */
  readonly size: number | undefined;
}

/** What was found below the paths, and what could not be looked into. */
export interface HuntInputs {
  readonly inputs: readonly HuntInput[];
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
}

const MAX_DEPTH = 64;

/** Files at and below the paths. Links to folders are followed once per folder. @throws cli.unreadable where a named path is not there */
export async function listInputs(paths: readonly string[]): Promise<HuntInputs> {
  const walk: Walk = { inputs: [], unreadable: [], folders: new Set() };
  for (const path of paths) {
    if (path === '-') walk.inputs.push({ path, size: undefined });
    else await addNamed(path, walk);
  }
  return walk;
}

interface Walk {
  readonly inputs: HuntInput[];
  readonly unreadable: { path: string; reason: string }[];
  /** Real paths of the folders seen: a circle of links ends where it began. */
  readonly folders: Set<string>;
}

async function addNamed(path: string, walk: Walk): Promise<void> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) await addFolder(path, walk, 0);
    else walk.inputs.push({ path, size: found.isFile() ? found.size : undefined });
  } catch (error) {
    throw new TocsinError('cli.unreadable', { path, reason: reasonOf(error) }, { cause: error });
  }
}

async function addFolder(path: string, walk: Walk, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) {
    walk.unreadable.push({ path, reason: `it lies more than ${MAX_DEPTH} folders deep` });
    return;
  }
  let entries: Dirent[];
  try {
    const real = await realpath(path);
    if (walk.folders.has(real)) return;
    walk.folders.add(real);
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    walk.unreadable.push({ path, reason: reasonOf(error) });
    return;
  }
  entries.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  for (const entry of entries) await addEntry(join(path, entry.name), walk, depth);
}

async function addEntry(path: string, walk: Walk, depth: number): Promise<void> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) await addFolder(path, walk, depth + 1);
    // Sockets, pipes and devices below a folder are nobody's logs.
    else if (found.isFile()) walk.inputs.push({ path, size: found.size });
  } catch (error) {
    walk.unreadable.push({ path, reason: reasonOf(error) });
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'ELOOP') return 'its links lead in a circle';
  return code === 'EACCES' ? 'its permissions forbid it' : message;
}
