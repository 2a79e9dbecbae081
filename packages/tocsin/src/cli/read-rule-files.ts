/** Rule files named on the command line: files as they are, folders with every `.yml` and `.yaml` below them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TocsinError } from '@tocsin/core';

/** A file of rules. */
export interface NamedRuleFile {
  readonly path: string;
  readonly text: string;
}

/** What the API takes: number of files, and characters of each. */
const MAX_FILES = 5000;
const MAX_CHARACTERS = 1024 * 1024;

/** The files at the paths, in the order of their names. @throws cli.unreadable */
export async function readRuleFiles(paths: readonly string[]): Promise<NamedRuleFile[]> {
  const found = (await Promise.all(paths.map(listFiles))).flat();
  if (found.length === 0)
    throw new TocsinError('cli.unreadable', { path: paths.join(', '), reason: 'there is no .yml or .yaml file in it' });
  if (found.length > MAX_FILES)
    throw new TocsinError('cli.unreadable', {
      path: paths.join(', '),
      reason: `it holds ${found.length} rule files and ${MAX_FILES} can be sent at once`,
    });
  return Promise.all(found.map(readOne));
}

async function listFiles(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

async function readOne(path: string): Promise<NamedRuleFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (text.length > MAX_CHARACTERS)
    throw new TocsinError('cli.unreadable', { path, reason: `it is longer than ${MAX_CHARACTERS} characters` });
  return { path, text };
}

function unreadable(path: string, cause: unknown): TocsinError {
  const { code, message } = cause as NodeJS.ErrnoException;
  return new TocsinError('cli.unreadable', { path, reason: code === 'ENOENT' ? 'there is no such file' : message }, { cause });
}
