/** Which files the patterns of a listener fit, and which names rotation gives. Nothing is opened here. */
import { glob, lstat, readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';

/** A file as it was found. */
export interface FoundFile {
  readonly path: string;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/** What is found by patterns. */
export interface FilePatterns {
  readonly paths: readonly string[];
  readonly exclude: readonly string[];
  readonly followLinks: boolean;
  readonly maxFiles: number;
}

/** What was found: files, what was refused and why, and whether there were more. */
export interface Findings {
  readonly files: readonly FoundFile[];
  readonly refused: readonly { readonly path: string; readonly reason: string }[];
  readonly hasMore: boolean;
}

/** Finds files; each once, however many names it has. Folders are passed over, what is neither is refused. */
export async function findFiles(patterns: FilePatterns): Promise<Findings> {
  const files = new Map<string, FoundFile>();
  const refused: { path: string; reason: string }[] = [];
  let seen = 0;
  for await (const path of glob([...patterns.paths], { exclude: [...patterns.exclude] })) {
    if (++seen > patterns.maxFiles * 2 || files.size >= patterns.maxFiles) return { files: [...files.values()], refused, hasMore: true };
    const found = await look(path, patterns.followLinks);
    if (typeof found === 'string') refused.push({ path, reason: found });
    else if (found !== undefined && !files.has(keyOf(found))) files.set(keyOf(found), found);
  }
  return { files: [...files.values()], refused, hasMore: false };
}

/** What a path is: a regular file, why it is none, or undefined where it is a folder or gone. */
export async function look(path: string, followLinks: boolean): Promise<FoundFile | string | undefined> {
  try {
    const link = await lstat(path);
    if (link.isSymbolicLink() && !followLinks) return 'it is a symbolic link and followLinks is off';
    const { dev, ino, size, mtimeMs, ...is } = link.isSymbolicLink()
      ? await described(path)
      : { ...numbersOf(link), file: link.isFile(), folder: link.isDirectory() };
    if (is.folder) return undefined;
    return is.file ? { path, dev, ino, size, mtimeMs } : 'it is no regular file';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : message;
  }
}

/** One file under two names is one file. */
export function keyOf({ dev, ino }: { readonly dev: number; readonly ino: number }): string {
  return `${dev}:${ino}`;
}

/** Whether a name is one that rotation gives to another: `app.log.1`, `app.log-20261121`, `app-20261121.log`, `app.log.old`. */
export function isRotatedName(name: string, of: string): boolean {
  if (name === of) return false;
  if (name.startsWith(of)) return SUFFIX.test(name.slice(of.length));
  const ending = extname(of);
  const stem = of.slice(0, of.length - ending.length);
  return (
    ending !== '' && name.startsWith(stem) && name.endsWith(ending) && SUFFIX.test(name.slice(stem.length, name.length - ending.length))
  );
}

/** Files beside a path whose names rotation gives, youngest first. */
export async function rotatedFilesOf(path: string): Promise<FoundFile[]> {
  let names: string[];
  try {
    names = await readdir(dirname(path));
  } catch {
    return []; // the folder has gone, or may not be listed: nothing can be found in it
  }
  const found: FoundFile[] = [];
  for (const name of names.filter((each) => isRotatedName(each, basename(path)) && !isCompressed(each)).slice(0, MAX_ROTATED)) {
    const file = await look(join(dirname(path), name), false);
    if (typeof file === 'object') found.push(file);
  }
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs);
}

/** Whether a name is that of a compressed file, which is not followed: it is what a rotated file became. */
export function isCompressed(path: string): boolean {
  return COMPRESSED.test(path);
}

const SUFFIX = /^(?:[-._]?\d[-._\dTZ]*|[-._](?:old|bak|orig|copy|prev))$/;
const COMPRESSED = /\.(?:gz|bz2|xz|zst|zip|lz4|lzma|Z)$/;
const MAX_ROTATED = 1000;

async function described(path: string): Promise<Omit<FoundFile, 'path'> & { file: boolean; folder: boolean }> {
  const found = await stat(path);
  return { ...numbersOf(found), file: found.isFile(), folder: found.isDirectory() };
}

function numbersOf({ dev, ino, size, mtimeMs }: { dev: number; ino: number; size: number; mtimeMs: number }): Omit<FoundFile, 'path'> {
  return { dev, ino, size, mtimeMs };
}
