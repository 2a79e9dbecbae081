/** Rule files from disk: everything ending in `.yml` or `.yaml` below a folder, or one file. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { messageOf, TocsinError } from '@tocsin/core';
import type { RuleFile } from './rule-book.ts';

/** Largest rule file read, bytes. */
const MAX_RULE_BYTES = 1 << 20;

/** Reads a file, or a folder with its subfolders, in code-point order of paths. @throws config.unreadable */
export async function readRuleFiles(path: string): Promise<RuleFile[]> {
  try {
    const info = await stat(path);
    if (info.isFile()) return [await readRuleFile(path, path)];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
    return await Promise.all(files.sort().map((file) => readRuleFile(file, relative(path, file))));
  } catch (cause) {
    if (cause instanceof TocsinError) throw cause;
    throw new TocsinError('config.unreadable', { at: path, reason: messageOf(cause) }, { cause });
  }
}

async function readRuleFile(file: string, name: string): Promise<RuleFile> {
  const { size } = await stat(file);
  if (size > MAX_RULE_BYTES)
    throw new TocsinError('config.unreadable', { at: file, reason: `it has ${size} bytes and a rule file may have ${MAX_RULE_BYTES}` });
  return { path: name, text: await readFile(file, 'utf8') };
}
