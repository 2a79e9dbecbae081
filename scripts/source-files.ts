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

/** Files under `folder` (relative to the root) whose path matches, sorted by path. */
export function sourceFiles(match: RegExp, folder = '.'): SourceFile[] {
  return [...walk(join(root, folder))]
    .map((path) => relative(root, path).replaceAll('\\', '/'))
    .filter((path) => match.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Parsed JSON of a file, path relative to the root. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(root, path), 'utf8')) as T;
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* walk(path);
    else if (entry.isFile()) yield path;
  }
}
