/**
 * One set-up at a time per clone. The lock is a file naming its holder, touched every two seconds; it is stale when its holder is dead on
 * this machine, or when somebody waiting has seen it untouched for half a minute (so that a laptop's sleep makes nobody a thief).
 */
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { SetUpError, unwritable } from './set-up-error.mjs';
import { cache, fileStat, root } from './workspace.mjs';

const TOUCH_MS = 2_000;
const POLL_MS = 100;
const UNTOUCHED_MS = 30_000;
const GIVE_UP_MS = 20 * 60_000;
const path = join(cache, 'set-up.lock');

/** Runs `work` while holding the lock; `onWait` is called once if somebody else has it. */
export async function withSetUpLock(work, onWait) {
  const mine = JSON.stringify({ pid: process.pid, host: hostname(), at: Date.now() });
  await acquire(mine, onWait);
  const touch = setInterval(() => utimesSync(path, new Date(), new Date()), TOUCH_MS);
  const release = () => {
    clearInterval(touch);
    if (read() === mine) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

async function acquire(mine, onWait) {
  const seen = { text: undefined, touchedMs: 0, since: performance.now() };
  const start = performance.now();
  while (!create(mine)) {
    if (seen.text === undefined) onWait?.();
    if (isStale(seen)) steal(seen.text);
    else await wait(POLL_MS);
    if (performance.now() - start > GIVE_UP_MS) {
      throw new SetUpError('another set-up of this clone has not ended for 20 minutes.', { why: read() ?? '', type: `rm '${path}'` });
    }
  }
}

function create(mine) {
  try {
    mkdirSync(cache, { recursive: true });
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw unwritable(error, root) ?? error;
  }
}

/** Looks at the lock, remembering in `seen` since when it has been as it is. */
function isStale(seen) {
  const text = read();
  const touchedMs = fileStat(path)?.mtimeMs ?? 0;
  if (text !== seen.text || touchedMs !== seen.touchedMs) Object.assign(seen, { text, touchedMs, since: performance.now() });
  if (text === undefined) return false;
  return isDead(text) || performance.now() - seen.since > UNTOUCHED_MS;
}

function isDead(text) {
  const holder = parse(text);
  if (holder === undefined || holder.host !== hostname()) return false;
  // In a container every run may have the same process id: what this process did not write, one before it did.
  if (holder.pid === process.pid) return true;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Moves a stale lock away; puts it back where, in between, somebody else had taken it anew. */
function steal(stale) {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    if (readFileSync(aside, 'utf8') !== stale) linkSync(aside, path);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read() {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The holder; undefined while its name is being written. */
function parse(text) {
  return /^\{.*\}$/.test(text) ? JSON.parse(text) : undefined;
}
