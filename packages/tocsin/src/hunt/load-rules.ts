/** The rules of a hunt: every rule file below the given paths, read and parsed. A file that cannot be read costs itself and no other. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type ErrorCode, messageOf, TocsinError } from '@tocsin/core';
import { decodeRules, type ParsedRule, type ParsedRules } from '@tocsin/detect/judge';
import type { KeptFileOptions } from './kept-file.ts';
import { type HuntInput, listInputs } from './list-inputs.ts';
import { type ParseThreads, parseInThreads } from './parse-in-threads.ts';
import { type RuleBytes, ruleText } from './rule-bytes.ts';
import { openRuleCache, openRuleIndex, type RuleIndex, ruleCacheKey } from './rule-cache.ts';

/** A rule, or a whole file of them, that was left out. */
export interface RefusedHuntRule {
  readonly file: string;
  readonly line: number;
  readonly code: ErrorCode;
  /** What is wrong, in one line. */
  readonly reason: string;
}

/** The rules a hunt goes by. */
export interface HuntRules {
  readonly rules: readonly ParsedRule[];
  readonly refused: readonly RefusedHuntRule[];
  /** The same as bytes for other threads (`decodeRules`). */
  readonly encoded: Uint8Array;
  /** Whether they came out of the cache. */
  readonly isKept: boolean;
  /** Keeps them for the next run, where they were parsed in this one and a cache is wanted. */
  keep(): void;
}

/** What rules are loaded with. */
export interface LoadOptions {
  /** Now, milliseconds since 1970. */
  readonly nowMs: number;
  /** Where parsed rules are kept; undefined for nowhere. */
  readonly cache?: KeptFileOptions | undefined;
  /** Threads that parse a large set; it is parsed in this one where absent. */
  readonly threads?: ParseThreads | undefined;
}

/** Rule files, and threads that there may be, from which on parsing in threads is worth it: each loads the parser for itself, a third of a second and 40 MB. */
const MANY_FILES = 512;
const MANY_THREADS = 4;
/** Largest rule file read, bytes. */
const MAX_FILE_BYTES = 1 << 20;

/** Rules at and below the paths, in the order of their paths; out of the cache where they are in it. @throws cli.unreadable where a path is not there or holds no rule file */
export async function loadHuntRules(paths: readonly string[], options: LoadOptions): Promise<HuntRules> {
  const { cache, nowMs } = options;
  const { inputs, unreadable } = listInputs(paths, { ending: /\.ya?ml$/i });
  if (inputs.length === 0 && unreadable.length === 0)
    throw new TocsinError('cli.unreadable', { path: paths.join(', '), reason: 'there is no .yml or .yaml file in it' });
  const unread = unreadable.map(({ path, reason }) => refuse(path, reason));
  const index =
    cache &&
    openRuleIndex(
      inputs.map(({ path }) => path),
      nowMs,
      cache,
    );
  const key = index?.read();
  const kept = key && cache && openRuleCache(key, cache).read();
  if (kept !== undefined) return { ...huntRules(kept.parsed, unread, kept.encoded), isKept: true, keep: () => undefined };
  return readHuntRules(inputs, unread, { ...options, index });
}

interface ReadOptions extends LoadOptions {
  readonly index: RuleIndex | undefined;
}

async function readHuntRules(
  inputs: readonly HuntInput[],
  unread: RefusedHuntRule[],
  { index, cache: options, threads }: ReadOptions,
): Promise<HuntRules> {
  const files: RuleBytes[] = [];
  for (const { path } of inputs) {
    const read = readRuleFile(path);
    if ('bytes' in read) files.push(read);
    else unread.push(refuse(path, read.reason));
  }
  // A file that could not be read is to be tried again.
  const isWhole = files.length === inputs.length;
  const key = ruleCacheKey(files);
  const cache = options && openRuleCache(key, options);
  const kept = cache?.read();
  const encoded = kept?.encoded ?? (await parseRuleFiles(files, threads));
  return {
    ...huntRules(kept?.parsed ?? decodeRules(encoded), unread, encoded),
    isKept: kept !== undefined,
    keep: () => {
      if (kept === undefined) cache?.write(encoded);
      if (isWhole) index?.write(key);
    },
  };
}

async function parseRuleFiles(files: readonly RuleBytes[], threads: ParseThreads | undefined): Promise<Uint8Array> {
  const isLarge = threads !== undefined && threads.most >= MANY_THREADS && files.length >= MANY_FILES;
  const parsed = isLarge ? await parseInThreads(files, threads) : undefined;
  if (parsed !== undefined) return parsed;
  // Loaded where something has to be parsed here.
  const { parseCompactly, parseTogether } = await import('@tocsin/detect/parse');
  return isLarge ? parseTogether(files.map(ruleText)) : parseCompactly(files, ruleText);
}

function huntRules(parsed: ParsedRules, unread: readonly RefusedHuntRule[], encoded: Uint8Array): Omit<HuntRules, 'isKept' | 'keep'> {
  return { rules: parsed.rules, refused: [...unread, ...refusals(parsed)], encoded };
}

function refusals(parsed: ParsedRules): RefusedHuntRule[] {
  return parsed.refused.map(({ path, line, error, reason }) => ({ file: path, line, code: error.code, reason }));
}

function readRuleFile(path: string): RuleBytes | { readonly reason: string } {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    if (size > MAX_FILE_BYTES) return { reason: `it has ${size} bytes and a rule file may have ${MAX_FILE_BYTES}` };
    const bytes = new Uint8Array(size);
    // What grows while it is read is read as it was.
    return { path, bytes: bytes.subarray(0, readSync(file, bytes, 0, size, 0)) };
  } catch (error) {
    return { reason: messageOf(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function refuse(file: string, reason: string): RefusedHuntRule {
  return { file, line: 1, code: 'cli.unreadable', reason };
}
