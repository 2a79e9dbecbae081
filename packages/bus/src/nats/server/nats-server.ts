/**
 * The supervised nats-server: an embedded bus on loopback, one per data directory, restarted with backoff when it dies
 * or its storage breaks, stopped with its owner. Streams and clients are not here.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { TocsinError } from '@tocsin/core';
import type { SubjectFilter, Topology } from '../../event-bus.ts';
import type { UserKey } from '../nkey.ts';
import { ConfigReload } from './config-reload.ts';
import { type BusCredential, credentialOf, openCredentials } from './credentials-file.ts';
import { lockDirectory } from './directory-lock.ts';
import { ADMIN_DUTY, adminPermissions, type DutyPermissions, natsPermissions, SUPERVISOR_DUTY } from './duty-permissions.ts';
import { readIfThere } from './process-identity.ts';
import { openProducerDoor } from './producer-door.ts';
import type { Producer } from './producers.ts';
import { type BinarySearch, findServerBinary, type ServerBinary } from './server-binary.ts';
import { type ConfigUser, type ServerConfig, writeServerConfig } from './server-config.ts';
import type { ServerLog } from './server-log.ts';
import { launchServer, type OrphanGuard, type ServerProcess } from './server-process.ts';
import { awaitReady, isPortFree, type ServerPorts } from './server-readiness.ts';
import { forgetChild, noteChild, sweepStaleChild } from './stale-child.ts';
import { supervise } from './supervise.ts';

/** Where and how the bus server runs. */
export interface NatsServerOptions {
  /** Directory of this bus alone: streams, keys, port, lock. Made when missing, mode 0700. */
  readonly directory: string;
  /** Site id: server name and JetStream domain. Letters, digits, `-`, `_`. */
  readonly site: string;
  readonly binary: BinarySearch;
  /** What each duty may do; a key is made for each, and for `admin` (topology) and `supervisor` besides. */
  readonly duties: Readonly<Record<string, DutyPermissions>>;
  /** Streams and buckets that the duties' subjects belong to. Applied by `ensure`, not here. */
  readonly topology: Topology;
  /** Filter over everything that foreign producers may write, such as `tocsin.in.*.*`; without it there is no door for them. */
  readonly doorSubjects?: SubjectFilter | undefined;
  readonly log: ServerLog;
  /** Most bytes of all streams together; 20 GiB by default. */
  readonly maxStoreBytes?: number | undefined;
  /** Go's soft memory limit for the server, MiB; 96 by default. */
  readonly memoryLimitMiB?: number | undefined;
  /** Cores it may use; all by default. */
  readonly maxProcs?: number | undefined;
  /** How long a start may take, milliseconds; 60,000 by default (recovery reads the streams). */
  readonly readyMs?: number | undefined;
  /** `setpriv` where there is one, else a shell. */
  readonly orphanGuard?: OrphanGuard | undefined;
}

/** A running bus server. Disposing stops it: SIGTERM, SIGKILL after 10 s. */
export interface NatsServer extends AsyncDisposable {
  /** Such as `nats://127.0.0.1:41234`; the same after a restart unless somebody took the port meanwhile. */
  readonly url: string;
  /** Its HTTP monitoring on loopback; another port after each restart. */
  readonly monitorUrl: string;
  readonly binary: ServerBinary;
  /** Process number of the server; undefined while it is being restarted. */
  readonly pid: number | undefined;
  /** Key of a duty. @throws server.bad_setting for a duty that was not declared */
  credential(duty: string): BusCredential;
  /**
   * Says who the foreign producers are; resolves when the running server knows. Who is no longer among them is disconnected; everybody else,
   * and every duty, stays connected. Calls are carried out one after the other. @throws server.bad_setting, server.failed
   */
  setProducers(producers: readonly Producer[]): Promise<void>;
}

const DEFAULT_STORE_BYTES = 20 * 1024 ** 3;
const DEFAULT_MEMORY_MIB = 96;
const DEFAULT_READY_MS = 60_000;

/**
 * Starts the bus server and resolves when it can store. Since nats-server 2.11 a new stream's folder tree is synced by
 * the server itself, so nothing needs to be synced from here after `ensure`.
 * @throws server.missing, server.too_old, server.in_use (names the process), server.failed, server.bad_setting
 */
export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(options.site))
    throw new TocsinError('server.bad_setting', {
      what: `Site id ${JSON.stringify(options.site)}`,
      reason: 'it is not 1 to 64 letters, digits, - and _',
    });
  const binary = findServerBinary(options.binary);
  const directory = resolve(options.directory);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const unlock = lockDirectory(directory);
  try {
    return await startLocked({ ...options, directory }, binary, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startLocked(options: NatsServerOptions, binary: ServerBinary, unlock: () => void): Promise<NatsServer> {
  const { directory, log } = options;
  const configPath = join(directory, 'server.conf');
  const swept = await sweepStaleChild(directory, configPath);
  if (swept !== undefined) log('warn', `ended process ${swept}, the nats-server of an earlier run`);
  const keys = openCredentials(directory, [...Object.keys(options.duties), ADMIN_DUTY, SUPERVISOR_DUTY]);
  const credential = (duty: string): BusCredential => {
    const key = keys.get(duty);
    if (key === undefined)
      throw new TocsinError('server.bad_setting', { what: `Duty ${duty}`, reason: 'it was not declared when the server was started' });
    return credentialOf(duty, key);
  };
  const users = dutyUsers(options, keys, credential);
  const reload = new ConfigReload();
  const door = openProducerDoor({ directory, configPath, reload });
  let ports: ServerPorts = { client: -1, monitor: -1 };
  const supervisor = await supervise({
    log,
    async start(onBroken): Promise<ServerProcess> {
      const parts = {
        binary,
        configPath,
        users,
        supervisor: keys.get(SUPERVISOR_DUTY)?.public ?? '',
        admin: credential(ADMIN_DUTY),
        onBroken,
      };
      const started = await startOnce({ ...options, log: reload.listen(log) }, { ...parts, producers: door.users() });
      ports = started.ports;
      await door.started(started.child, started.config);
      return started.child;
    },
  });
  return {
    get url() {
      return `nats://127.0.0.1:${ports.client}`;
    },
    get monitorUrl() {
      return `http://127.0.0.1:${ports.monitor}`;
    },
    binary,
    get pid() {
      return supervisor.child()?.identity()?.pid;
    },
    credential,
    setProducers: (producers) => door.set(producers),
    async [Symbol.asyncDispose]() {
      await supervisor.stop();
      forgetChild(directory);
      unlock();
    },
  };
}

/** The users of the duties, each with what it may do. */
function dutyUsers(
  options: NatsServerOptions,
  keys: ReadonlyMap<string, UserKey>,
  credential: (duty: string) => BusCredential,
): ConfigUser[] {
  const users: ConfigUser[] = [
    { nkey: keys.get(ADMIN_DUTY)?.public ?? '', permissions: adminPermissions(credential(ADMIN_DUTY).inboxPrefix) },
  ];
  for (const [duty, allowed] of Object.entries(options.duties)) {
    users.push({
      nkey: keys.get(duty)?.public ?? '',
      permissions: natsPermissions(allowed, options.topology, credential(duty).inboxPrefix),
    });
  }
  return users;
}

/** What one start needs besides the options. */
interface StartParts {
  readonly binary: ServerBinary;
  readonly configPath: string;
  readonly users: readonly ConfigUser[];
  readonly supervisor: string;
  readonly producers: readonly ConfigUser[];
  readonly admin: BusCredential;
  readonly onBroken: (line: string) => void;
}

/** A child that is ready, and the configuration it was started with. */
interface Started {
  readonly child: ServerProcess;
  readonly ports: ServerPorts;
  readonly config: ServerConfig;
}

async function startOnce(options: NatsServerOptions, parts: StartParts): Promise<Started> {
  const { directory, log } = options;
  const runDirectory = join(directory, 'run');
  rmSync(runDirectory, { recursive: true, force: true });
  mkdirSync(runDirectory, { mode: 0o700 });
  const config: ServerConfig = {
    site: options.site,
    port: await portToUse(directory, log),
    runDirectory,
    storeDirectory: join(directory, 'streams'),
    maxStoreBytes: options.maxStoreBytes ?? DEFAULT_STORE_BYTES,
    users: parts.users,
    supervisor: parts.supervisor,
    doorSubjects: options.doorSubjects,
    producers: parts.producers,
  };
  writeServerConfig(parts.configPath, config);
  const child = await launchServer({
    binary: parts.binary.path,
    configPath: parts.configPath,
    runDirectory,
    memoryLimitMiB: options.memoryLimitMiB ?? DEFAULT_MEMORY_MIB,
    maxProcs: options.maxProcs ?? availableParallelism(),
    orphanGuard: options.orphanGuard,
    log,
    onBroken: parts.onBroken,
  });
  try {
    const ports = await awaitReady(child, runDirectory, { credential: parts.admin, withinMs: options.readyMs ?? DEFAULT_READY_MS });
    const identity = child.identity();
    if (identity !== undefined) noteChild(directory, identity);
    writeFileSync(join(directory, 'port'), `${ports.client}\n`);
    return { child, ports, config };
  } catch (error) {
    child.kill();
    await child.ended;
    throw error;
  }
}

/** The port of the last run, so that clients find it again; any free one when somebody else took it. */
async function portToUse(directory: string, log: ServerLog): Promise<number> {
  const saved = Number(readIfThere(join(directory, 'port')) ?? Number.NaN);
  if (!Number.isInteger(saved) || saved < 1 || saved > 65_535) return -1;
  if (await isPortFree(saved)) return saved;
  log('warn', `port ${saved} of the last run is taken by another program; another one is used`);
  return -1;
}
