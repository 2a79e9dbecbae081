/**
 * Where things are in a clone: its root, the cache folder `.tocsin`, the package folders. Plain JavaScript that Node 18 reads,
 * as is everything the launcher imports: it runs before anything is installed.
 */
import { accessSync, constants, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Everything the launcher fetches or remembers; `npm run clean` removes it. */
export const cache = join(root, '.tocsin');

/** Folders of the workspace's packages, absolute, sorted. */
export function packageFolders() {
  const packages = join(root, 'packages');
  return readdirSync(packages)
    .sort()
    .map((name) => join(packages, name))
    .filter((folder) => fileStat(join(folder, 'package.json')) !== undefined);
}

/** What `stat` says, or undefined where there is nothing. */
export function fileStat(path) {
  return statSync(path, { throwIfNoEntry: false });
}

/** Text of a small file, or undefined where there is none. */
export function readText(path) {
  return fileStat(path) === undefined ? undefined : readFileSync(path, 'utf8');
}

/** Writes a small file, with the folders above it. */
export function writeText(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

/** Whether a folder exists and may be written. */
export function isWritable(folder) {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EROFS', 'EPERM', 'ENOTDIR'].includes(error.code)) return false;
    throw error;
  }
}

/**
 * Environment for tools that set up: without NODE_OPTIONS, which is meant for the program, and with caches inside the clone where the
 * home folder cannot be written.
 */
export function toolEnvironment() {
  const env = { ...process.env };
  delete env.NODE_OPTIONS;
  if (isWritable(homedir())) return env;
  return {
    ...env,
    npm_config_cache: join(cache, 'npm-cache'),
    PIP_CACHE_DIR: join(cache, 'pip-cache'),
    GOPATH: join(cache, 'go'),
    GOCACHE: join(cache, 'go-build'),
  };
}

/** PATH with a folder put first. */
export function withFirst(folder) {
  return process.env.PATH ? `${folder}:${process.env.PATH}` : folder;
}
