/**
 * What a running installation leaves in its data folder for the command line on the same machine: where it listens and
 * a credential for its operator. Both readable by their owner only; the address goes when the installation stops.
 */
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Name under which the operator's token is kept. */
export const OPERATOR = 'operator';

/** Where an installation listens. */
export interface RunFile {
  readonly url: string;
  readonly pid: number;
  readonly startedMs: number;
}

/** Writes the address; whole or not at all. */
export async function writeRunFile(dataDir: string, run: RunFile): Promise<void> {
  await writePrivate(join(dataDir, 'run.json'), `${JSON.stringify(run)}\n`);
}

/** The address; undefined where none runs. */
export async function readRunFile(dataDir: string): Promise<RunFile | undefined> {
  const text = await readIfThere(join(dataDir, 'run.json'));
  return text === undefined ? undefined : (JSON.parse(text) as RunFile);
}

/** Removes the address when the installation stops. */
export async function removeRunFile(dataDir: string): Promise<void> {
  await rm(join(dataDir, 'run.json'), { force: true });
}

/** Keeps the token of a person or source for the command line. */
export async function writeToken(dataDir: string, name: string, token: string): Promise<void> {
  await mkdir(join(dataDir, 'tokens'), { recursive: true, mode: 0o700 });
  await writePrivate(tokenPath(dataDir, name), `${token}\n`);
}

/** A kept token; undefined where there is none. */
export async function readToken(dataDir: string, name: string): Promise<string | undefined> {
  return (await readIfThere(tokenPath(dataDir, name)))?.trim();
}

/** File of a token. Names are encoded: a source may be called anything. */
function tokenPath(dataDir: string, name: string): string {
  return join(dataDir, 'tokens', `${Buffer.from(name).toString('base64url')}.token`);
}

async function writePrivate(path: string, text: string): Promise<void> {
  const fresh = `${path}.new`;
  await writeFile(fresh, text, { mode: 0o600 });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
