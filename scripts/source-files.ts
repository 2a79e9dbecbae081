/** The repository's own files, for the checks: what is written by hand and committed. Nothing installed, built or recorded. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The clone's root folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const NOT_OURS = new Set(['node_modules', 'dist', '.tocsin', '.git', 'tocsin-data', 'coverage']);

/** A file of ours. `path` is relative to the root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Files of a clone whose path matches, sorted by path. `from` is the clone's root. */
export function sourceFiles(match: RegExp, from = root): SourceFile[] {
  return [...walk(from)]
    .map((path) => relative(from, path).replaceAll('\\', '/'))
    .filter((path) => match.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(from, path), 'utf8') }));
}

/** Parsed JSON of a file, its path relative to the clone's root `from`. */
export function readJson<T>(path: string, from = root): T {
  return JSON.parse(readFileSync(join(from, path), 'utf8')) as T;
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}
