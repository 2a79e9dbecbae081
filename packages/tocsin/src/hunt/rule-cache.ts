/**
 * Parsed rules kept between runs: one file per set of rule texts, read instead of parsing them all anew. A cache file is used only where it
 * is this user's own, nobody else could have written it, it says itself that it is of these very texts and this very parser, and it is
 * whole. Anything else is left alone, with a word why.
 */
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeRules, encodeRules, type ParsedRules } from '@tocsin/detect';

/** A rule file's bytes, under the path it is shown by. */
export interface RuleBytes {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Parsed rules by their texts. */
export interface RuleCache {
  /** Rules of these texts; undefined where they are not kept. A cache that cannot be used says why by `onIgnored`. */
  read(): ParsedRules | undefined;
  /** Keeps rules parsed from these texts. Failing to do so is no more than a note. */
  write(parsed: ParsedRules): void;
}

/** Where a cache lies and whom it tells that it was not used. */
export interface RuleCacheOptions {
  readonly folder: string;
  readonly onIgnored: (path: string, reason: string) => void;
}

const MAGIC = Buffer.from('tocsin parsed rules 1\n');
const HASH_BYTES = 32;
/** Sets of rules kept in one folder; the oldest go. */
const MOST_KEPT = 16;
const MAX_BYTES = 512 * 1024 * 1024;

/** The cache of one set of rule files. */
export function openRuleCache(files: readonly RuleBytes[], { folder, onIgnored }: RuleCacheOptions): RuleCache {
  const key = keyOf(files);
  const path = join(folder, `${key.toString('hex')}.rules`);
  return {
    read: () => {
      try {
        const trouble = readTrouble(folder, path);
        if (trouble === 'missing') return undefined;
        if (trouble !== undefined) onIgnored(path, trouble);
        else return decodeFile(readFileSync(path), key);
      } catch (error) {
        onIgnored(path, error instanceof Error ? error.message : String(error));
      }
      return undefined;
    },
    write: (parsed) => {
      try {
        writeCache(folder, path, encodeFile(parsed, key));
      } catch (error) {
        onIgnored(path, error instanceof Error ? error.message : String(error));
      }
    },
  };
}

/** What rules come of depends on these texts under these paths, in this order, and on the parser. */
function keyOf(files: readonly RuleBytes[]): Buffer {
  const hash = createHash('sha256').update(parserFingerprint());
  for (const { path, bytes } of files) hash.update(`\n${JSON.stringify(path)} ${bytes.length}\n`).update(bytes);
  return hash.digest();
}

/** Hash of the parser's own code and what runs it: a cache of another version is never mistaken for one of this. */
function parserFingerprint(): Buffer {
  const entry = fileURLToPath(import.meta.resolve('@tocsin/detect'));
  const hash = createHash('sha256').update(process.version);
  for (const folder of ['parse', 'compile']) {
    const path = join(dirname(entry), folder);
    for (const name of readdirSync(path).sort()) {
      if (/\.(?:js|ts)$/.test(name) && !/\.(?:test|d)\.ts$/.test(name))
        hash.update(`${folder}/${name}\n`).update(readFileSync(join(path, name)));
    }
  }
  return hash.digest();
}

/** Why a cache file is not to be read; undefined where it may be. */
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

function encodeFile(parsed: ParsedRules, key: Buffer): Buffer {
  const body = Buffer.concat([key, encodeRules(parsed)]);
  return Buffer.concat([MAGIC, createHash('sha256').update(body).digest(), body]);
}

function decodeFile(bytes: Buffer, key: Buffer): ParsedRules {
  const bodyAt = MAGIC.length + HASH_BYTES;
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('it is no file of this cache');
  const body = bytes.subarray(bodyAt);
  if (!createHash('sha256').update(body).digest().equals(bytes.subarray(MAGIC.length, bodyAt))) throw new Error('it is damaged');
  if (!body.subarray(0, HASH_BYTES).equals(key)) throw new Error('it is of other rules');
  return decodeRules(body.subarray(HASH_BYTES));
}

function writeCache(folder: string, path: string, bytes: Buffer): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const trouble = foreignTrouble(statSync(folder), 'its folder');
  if (trouble !== undefined) throw new Error(trouble);
  const part = `${path}.${process.pid}.part`;
  try {
    writeFileSync(part, bytes, { mode: 0o600, flag: 'wx' });
    renameSync(part, path);
  } finally {
    rmSync(part, { force: true });
  }
  prune(folder);
}

function prune(folder: string): void {
  const kept = readdirSync(folder)
    .filter((name) => name.endsWith('.rules'))
    .map((name) => ({ path: join(folder, name), changedMs: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.changedMs - a.changedMs);
  for (const { path } of kept.slice(MOST_KEPT)) rmSync(path, { force: true });
}
