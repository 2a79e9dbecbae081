/** Checks of the machine: Node, clock, data folder, disk, files that hold credentials, nats-server. */
import { constants } from 'node:fs';
import { access, readdir, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isTocsinError } from '@tocsin/core';
import type { Environment } from '../command.ts';
import { sayBytes, sayTime } from '../figures.ts';
import { bad, type Finding, good, unknown } from './check.ts';

/** Oldest Node that runs Tocsin: `engines` of the package. */
const OLDEST_NODE = [24, 6] as const;
/** Least free disk, bytes: below it the bus soon refuses events. */
const LEAST_FREE_BYTES = 1_000_000_000;
/** This program was not written before then: a clock that shows less is wrong. */
const WRITTEN_MS = Date.UTC(2025, 0, 1);
/** Permissions of others. */
const OTHERS = 0o077;

/** Whether this Node is new enough. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.replace('v', '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const isNew = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNew
    ? good('Node', version)
    : bad('Node', `${version} is older than ${OLDEST_NODE.join('.')}`, 'Start Tocsin with npm start, which fetches the right one.');
}

/** Whether the clock can be right. */
export function checkClock(nowMs: number): Finding {
  if (nowMs >= WRITTEN_MS) return good('clock', sayTime(nowMs));
  return bad(
    'clock',
    `${sayTime(nowMs)} lies before this program was written`,
    'Set the clock, best with NTP: event times and windows of rules depend on it.',
  );
}

/** Whether the data folder can be written, and how much room its disk has. */
export async function checkDataFolder(dataDir: string): Promise<Finding[]> {
  const folder = await nearestFolder(dataDir);
  const name = 'data folder';
  const writable = await access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  const there = folder === dataDir ? dataDir : `${dataDir}, to be made in ${folder}`;
  const found = writable
    ? good(name, there)
    : bad(name, `${folder} cannot be written`, 'Give its owner the right to write, or name another folder with --data.');
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const disk = `${sayBytes(free)} free`;
  return [
    found,
    free >= LEAST_FREE_BYTES ? good('disk', disk) : bad('disk', disk, 'Free some space: when it runs out the bus refuses new events.'),
  ];
}

/** The folder, or the first one above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    const isThere = await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (isThere || folder === dirname(folder)) return folder;
  }
}

/** Whether files that hold credentials can be read by their owner only. */
export async function checkCredentials(dataDir: string): Promise<Finding> {
  const name = 'credentials';
  const files = [...(await filesOf(join(dataDir, 'tokens'))), ...(await filesOf(join(dataDir, 'bus')))].filter(isSecret);
  const modes = await Promise.all(files.map(async (path) => ({ path, mode: (await stat(path)).mode & 0o777 })));
  const open = modes.filter(({ mode }) => (mode & OTHERS) !== 0);
  if (open.length === 0) return good(name, files.length === 0 ? 'none yet' : `${files.length} files, readable by their owner only`);
  const [first] = open;
  return bad(
    name,
    `${open.length} can be read by others, such as ${first?.path} (mode ${first?.mode.toString(8)})`,
    `Type: chmod 600 ${open.map((each) => each.path).join(' ')}`,
  );
}

function isSecret(path: string): boolean {
  return /\.token$|cred|nkey|\.seed$|\.conf$/.test(path);
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(folder, entry.name));
}

/** Which nats-server would be run. */
export async function checkServerBinary(environment: Environment): Promise<Finding> {
  const { findServerBinary } = await import('@tocsin/bus/nats');
  try {
    const { path, version } = findServerBinary({ environment: environment.natsServer, path: environment.variable('PATH') });
    return good('nats-server', `${version} at ${path}`);
  } catch (error) {
    if (!isTocsinError(error)) return unknown('nats-server', String(error));
    return bad(
      'nats-server',
      error.message,
      'npm start fetches one; or put nats-server on the PATH, or name it in the settings (bus.natsServer).',
    );
  }
}
