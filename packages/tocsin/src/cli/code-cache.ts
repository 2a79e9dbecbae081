/**
 * Compiled code of this program kept between runs by Node itself: reading it is quicker than compiling. It is code that runs, so it is kept in
 * this user's own folder and used only where nobody else could have written it.
 */
import { mkdirSync, statSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/** Uses and fills the cache from here on, in this thread. Where there can be none, everything is compiled as ever. */
export function keepCompiledCode(variable: (name: string) => string | undefined): void {
  const folder = codeFolder(variable);
  if (folder === undefined) return;
  enableCompileCache(folder);
}

/** The folder, made where it was not there; undefined where another user could write to it or it cannot be made. */
export function codeFolder(variable: (name: string) => string | undefined): string | undefined {
  const base = variable('XDG_CACHE_HOME') ?? '';
  const folder = join(isAbsolute(base) ? base : join(homedir(), '.cache'), 'tocsin', 'code');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = statSync(folder);
    const isOwn = process.getuid === undefined || (uid === process.getuid() && (mode & 0o022) === 0);
    return isOwn ? folder : undefined;
  } catch {
    return undefined; // A home that cannot be written to is no fault of a run.
  }
}
