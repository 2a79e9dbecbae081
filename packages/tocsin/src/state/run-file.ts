/**
 * What a running installation leaves in its data folder for the command line on the same machine: where it listens and
 * a credential for its operator. Both readable by their owner only; the address goes when the installation stops.
 */
import { mkdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { sha256Hex, TocsinError } from '@tocsin/core';
import { writeDurably } from './durable-file.ts';

/** Name under which the operator's token is kept. */
export const OPERATOR = 'operator';

/** Where an installation listens. */
export interface RunFile {
  readonly url: string;
  readonly pid: number;
  readonly startedMs: number;
  /** The certificate it shows, PEM; absent where it speaks plain HTTP. On this machine it is proof enough, whoever signed it. */
  readonly certificate?: string | undefined;
}

/** Permissions of others on a file. */
const OTHERS = 0o077;

/** Makes a folder of the installation, for its owner alone. @throws cli.unwritable */
export async function makePrivateFolder(path: string): Promise<void> {
  await orUnwritable(path, () => makeFolder(resolve(path)));
}

/** Folder by folder: below some file systems, such as /proc, `mkdir` of Node with `recursive` tries for ever. */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === 'ENOENT' && parent !== path && !(await isFolder(parent))) {
      await makeFolder(parent);
      await mkdir(path, { mode: 0o700 });
    } else if (code !== 'EEXIST' || !(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Writes the address; whole or not at all. @throws cli.unwritable */
export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  await writePrivate(join(dataDir, 'run.json'), `${JSON.stringify(run)}\n`);
}

/** The address; undefined where none runs. A process that was killed leaves its address behind. @throws cli.unreadable */
export async function readRunFile(dataDir: string): Promise<RunFile | undefined> {
  const text = await readIfThere(join(dataDir, 'run.json'));
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as RunFile;
  } catch (error) {
    // A program of before this one's time may have left half a file when power was lost: nothing that runs writes one.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether a process runs on the folder: one that was killed leaves its address behind. @throws cli.unreadable */
export async function isRunning(dataDir: string): Promise<boolean> {
  const run = await readRunFile(dataDir);
  if (run === undefined) return false;
  try {
    return process.kill(run.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes the address when the installation stops. */
export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, 'run.json'), { force: true });
}

/** Keeps the token of a person or source for the command line. @throws cli.unwritable */
export async function writeToken(dataDir: string, name: string, token: string): Promise<void> {
  await makePrivateFolder(join(dataDir, 'tokens'));
  await writePrivate(tokenPath(dataDir, name), `${token}\n`);
}

/** A kept token; undefined where there is none. @throws cli.not_private where others can read it, cli.unreadable */
export async function readToken(dataDir: string, name: string): Promise<string | undefined> {
  const path = tokenPath(dataDir, name);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const { mode } = await stat(path);
  if ((mode & OTHERS) !== 0) throw new TocsinError('cli.not_private', { path, mode: (mode & 0o777).toString(8) });
  return text.trim();
}

/** File of a token. Readable names stand as they are; others by their hash: a source may be called anything. */
export function tokenPath(dataDir: string, name: string): string {
  const parts = name.split('/');
  const plain = parts.every((part) => /^[a-z0-9][a-z0-9._-]{0,60}$/.test(part));
  return join(dataDir, 'tokens', `${plain ? parts.join('=') : `~${sha256Hex(name).slice(0, 32)}`}.token`);
}

async function writePrivate(path: string, text: string): Promise<void> {
  await orUnwritable(path, () => writeDurably(path, text));
}

async function orUnwritable(path: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (cause) {
    throw new TocsinError('cli.unwritable', { path, reason: (cause as Error).message }, { cause });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new TocsinError('cli.unreadable', { path, reason: message }, { cause: error });
  }
}
