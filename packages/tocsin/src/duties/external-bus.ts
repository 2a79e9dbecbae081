/** A NATS that others run: looked at, the topology declared on it, and what all processes must agree upon compared. */
import { readFile } from 'node:fs/promises';
import type { Drift, Topology } from '@tocsin/bus';
import { type BusLogin, type BusTls, lockDirectory, lookAtServer } from '@tocsin/bus/nats';
import { isTocsinError, messageOf, TocsinError } from '@tocsin/core';
import type { InstallationOptions } from '../installation-options.ts';
import { untilAnswered } from '../state/until-answered.ts';
import { CONTROL_BUCKET, topology } from '../topology.ts';
import type { Bus } from '../wire.ts';
import type { InstallationBus } from './installation-bus.ts';
import { type BusAddress, openBus } from './open-bus.ts';

/** How long a cluster may take until it has leaders, milliseconds. */
const ELECTION_MS = 30_000;
/** Key in the control bucket of what an installation was created with. */
const FIXED = 'installation';

/** Connects and declares. @throws server.in_use, bus.unavailable, server.bad_setting, config.fixed, config.unreadable */
export async function openExternalBus(options: InstallationOptions): Promise<InstallationBus> {
  // Two processes on one data folder would be one member twice, and two writers of one alert table.
  const unlock = lockDirectory(options.dataDir);
  try {
    return await open(options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function open(options: InstallationOptions, unlock: () => void): Promise<InstallationBus> {
  const { settings, logger } = options;
  const { external } = settings.bus;
  const where = {
    servers: external.servers,
    login: await readLogin(external),
    tls: await readTlsFiles(external),
    inboxPrefix: external.inboxPrefix,
    durability: external.durability,
    site: settings.site,
    commitTimeoutMs: settings.bus.commitTimeout,
  };
  const address = (duty: string): BusAddress => ({ ...where, name: `tocsin-${duty}` });
  const server = await lookAtServer(address('admin'), external.monitor);
  if (external.durability === 'fsync' && server.sync !== undefined && server.sync !== 'always') {
    const what = `bus.external.durability: fsync`;
    throw new TocsinError('server.bad_setting', { what, reason: `${external.monitor ?? ''} says that the server syncs ${server.sync}` });
  }
  const declared = {
    ...topology({
      ...settings.retention,
      eventsMaxBytes: settings.bus.eventsMaxBytes,
      inMaxBytes: settings.bus.inMaxBytes,
      replaysMaxBytes: settings.replays.maxBytes,
    }),
    replicas: external.replicas,
  };
  {
    await using admin = await openBus(address('admin'));
    for (const drift of await declare(admin, declared)) {
      if (drift.kind !== 'created') logger.warn({ drift }, 'The bus differs from what is declared');
    }
    await agree(admin, options);
  }
  const facts = [
    server.cluster === undefined ? undefined : `cluster ${server.cluster}`,
    `${external.replicas} × kept`,
    syncWords(server.sync),
  ];
  const version = [server.version, ...facts.filter((fact) => fact !== undefined)].join(', ');
  return { version, isExternal: true, topology: declared, address, [Symbol.asyncDispose]: async () => unlock() };
}

/** A cluster that has just started, or has lost a server, elects for a while before it declares anything. @throws bus.unavailable when that takes too long */
async function declare(admin: Bus, declared: Topology): Promise<Drift[]> {
  let last: unknown;
  const onRetry = (error: unknown): void => void (last = error);
  try {
    return await untilAnswered(() => admin.ensure(declared), { signal: AbortSignal.timeout(ELECTION_MS), onRetry });
  } catch (error) {
    throw isTocsinError(error) ? error : (last ?? error);
  }
}

function syncWords(sync: string | undefined): string {
  return sync === undefined ? 'how it syncs cannot be seen' : `synced ${sync}`;
}

type ExternalSettings = InstallationOptions['settings']['bus']['external'];

async function readLogin(given: ExternalSettings): Promise<BusLogin> {
  if (given.credsFile !== undefined) return { creds: await readText(given.credsFile) };
  if (given.nkeyFile !== undefined) return { seed: seedIn(await readText(given.nkeyFile)) };
  return { token: given.token?.reveal(), user: given.user, password: given.password?.reveal() };
}

/** The first line that is no comment: nkey files may explain themselves. */
function seedIn(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => line.startsWith('SU')) ?? lines[0] ?? '';
}

async function readTlsFiles({ tlsCa, tlsCert, tlsKey }: ExternalSettings): Promise<BusTls | undefined> {
  if (tlsCa === undefined && tlsCert === undefined) return undefined;
  const read = async (path: string | undefined): Promise<string | undefined> => (path === undefined ? undefined : await readText(path));
  return { ca: await read(tlsCa), cert: await read(tlsCert), key: await read(tlsKey) };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new TocsinError('config.unreadable', { at: path, reason: messageOf(cause) }, { cause });
  }
}

/** Processes that divide the work by different numbers would do it twice or not at all. */
async function agree(bus: Bus, { settings, dataDir }: InstallationOptions): Promise<void> {
  const bucket = bus.bucket(CONTROL_BUCKET);
  const wanted = { site: settings.site, partitions: settings.bus.partitions, foldShards: settings.detect.foldShards };
  const entry = await bucket.get(FIXED);
  if (!entry) {
    try {
      await bucket.put(FIXED, Buffer.from(JSON.stringify(wanted)), 0);
      return;
    } catch (error) {
      // Another process was first: its numbers count.
      if (!isTocsinError(error, 'bus.fenced')) throw error;
      return agree(bus, { settings, dataDir } as InstallationOptions);
    }
  }
  const there = JSON.parse(Buffer.from(entry.value).toString()) as typeof wanted;
  for (const key of ['site', 'partitions', 'foldShards'] as const) {
    if (there[key] === wanted[key]) continue;
    const where = `the bus ${String(settings.bus.external.servers)}`;
    throw new TocsinError('config.fixed', { setting: key, is: String(there[key]), wanted: String(wanted[key]), dataDir: where });
  }
}
