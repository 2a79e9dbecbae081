/**
 * What took long to work out, kept between runs as one file per key. A file is used only where it is this user's own, nobody else could
 * have written it, it says itself that it is of this very key, and it is whole. Anything else is left alone, with a word why.
 */

import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { extname, join } from 'node:path';
import { messageOf } from '@tocsin/core';

/** Where files are kept and who is told that one was not used. */
export interface KeptFileOptions {
  readonly folder: string;
  readonly onIgnored: (path: string, reason: string) => void;
  /** Whether content is read into memory that other threads may be given. */
  readonly isShared?: boolean | undefined;
}

/** One kept file. */
export interface KeptFile {
  /** What `decode` makes of the content; undefined where nothing is kept under the key, or it cannot be used. */
  read<T>(decode: (content: Uint8Array) => T): T | undefined;
  /** Keeps content. Failing to do so is no more than a note. */
  write(content: () => Uint8Array): void;
}

/** 32 bytes, so that content begins at a multiple of four and can be used where it lies. */
const MAGIC = Buffer.from('tocsin kept file 2\n'.padEnd(31) + '\n');
const HASH_BYTES = 32;
/** Files of one kind kept in one folder, and bytes of them together; the oldest go. Of programs a rule set has over a hundred. */
const MOST_KEPT: Readonly<Record<string, number>> = { '.program': 512 };
const MOST_KEPT_OTHERWISE = 16;
const MOST_KEPT_BYTES = 256 * 1024 * 1024;
const MAX_BYTES = 512 * 1024 * 1024;

/** The file of a key (32 bytes) among those of a kind. */
export function openKeptFile(kind: string, key: Buffer, { folder, onIgnored, isShared = false }: KeptFileOptions): KeptFile {
  const path = join(folder, `${key.toString('hex')}.${kind}`);
  const orTell = <T>(act: () => T): T | undefined => {
    try {
      return act();
    } catch (error) {
      onIgnored(path, messageOf(error));
      return undefined;
    }
  };
  return {
    read: (decode) =>
      orTell(() => {
        const trouble = readTrouble(folder, path);
        if (trouble === 'missing') return undefined;
        if (trouble !== undefined) throw new Error(trouble);
        return decode(decodeFile(isShared ? readShared(path) : readFileSync(path), key));
      }),
    write: (content) => {
      orTell(() => {
        const bytes = content();
        writeKept(folder, path, [fileHead(bytes, key), bytes]);
      });
    },
  };
}

/** A file in shared memory, as long as it is when it is opened: one that is cut off meanwhile is not whole. */
function readShared(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.from(new SharedArrayBuffer(fstatSync(file).size));
    readSync(file, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Why a file is not to be read; undefined where it may be. */
function readTrouble(folder: string, path: string): string | undefined {
  let file: Stats;
  try {
    file = lstatSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'missing';
    throw error;
  }
  if (!file.isFile()) return 'it is no plain file';
  if (file.size > MAX_BYTES) return `it has ${file.size} bytes`;
  return foreignTrouble(file, 'it') ?? foreignTrouble(statSync(folder), 'its folder');
}

/** On systems that have users: what belongs to another, or can be written by others, could hold anything. */
function foreignTrouble({ uid, mode }: Stats, what: string): string | undefined {
  if (process.getuid === undefined) return undefined;
  if (uid !== process.getuid()) return `${what} belongs to another user`;
  return (mode & 0o022) === 0 ? undefined : `${what} can be written by other users`;
}

/** What a file begins with: what it is, the hash of all behind, the key. */
function fileHead(content: Uint8Array, key: Buffer): Buffer {
  return Buffer.concat([MAGIC, createHash('sha256').update(key).update(content).digest(), key]);
}

function decodeFile(bytes: Buffer, key: Buffer): Buffer {
  const bodyAt = MAGIC.length + HASH_BYTES;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('it is no file of this cache');
  const body = bytes.subarray(bodyAt);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(MAGIC.length, bodyAt))) throw new Error('it is damaged');
  if (!body.subarray(0, HASH_BYTES).equals(key)) throw new Error('it is of something else');
  return body.subarray(HASH_BYTES);
}

function writeKept(folder: string, path: string, parts: readonly Uint8Array[]): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const trouble = foreignTrouble(statSync(folder), 'its folder');
  if (trouble !== undefined) throw new Error(trouble);
  const part = `${path}.${process.pid}.part`;
  try {
    const file = openSync(part, 'wx', 0o600);
    try {
      for (const one of parts) writeFileSync(file, one);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  prune(folder, extname(path));
}

function prune(folder: string, ending: string): void {
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .flatMap((name) => {
      // Another run may have removed it meanwhile.
      const found = statSync(join(folder, name), { throwIfNoEntry: false });
      return found === undefined ? [] : [{ path: join(folder, name), changedMs: found.mtimeMs, size: found.size }];
    })
    .sort((a, b) => b.changedMs - a.changedMs);
  let bytes = 0;
  for (const [index, { path, size }] of kept.entries()) {
    bytes += size;
    if (index >= (MOST_KEPT[ending] ?? MOST_KEPT_OTHERWISE) || (index > 0 && bytes > MOST_KEPT_BYTES)) rmSync(path, { force: true });
  }
}
