/**
 * An installation: bus server, duties, API, started in order and stopped in reverse. Everything here is composition; what
 * each part does is in its own file, and how they meet is in `wire.ts`.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type NatsServer, startNatsServer } from '@tocsin/bus/nats';
import { createScope, createUlidGenerator, type Scope, systemClock, TocsinError } from '@tocsin/core';
import { printSettings } from '@tocsin/core/setting';
import { type EventsRouteLimits, loadMappings, readShippedMappings } from '@tocsin/ingest';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { ApiContext } from './api/route.ts';
import { closeServer, createServer, registerApi, serverUrl } from './api/server.ts';
import { createStatus } from './api/status.ts';
import { OPERATOR, readToken, removeRunFile, writeRunFile, writeToken } from './cli/run-file.ts';
import { type InstallationSettings, installationSettings } from './config/settings.ts';
import type { DetectApi } from './duties/detect-api.ts';
import type { DetectBoot } from './duties/detect-thread.ts';
import { type BusAddress, openBus } from './duties/open-bus.ts';
import type { StoreApi } from './duties/store-api.ts';
import type { StoreBoot } from './duties/store-thread.ts';
import { SupervisedThread } from './duties/supervised-thread.ts';
import { createFlagLog } from './flag-log.ts';
import { openIdentity } from './identity.ts';
import { ensureOperator, type OperatorDeps } from './operator.ts';
import { Registry } from './registry/registry.ts';
import { readRuleFiles } from './rules/read-rule-files.ts';
import { createAuditTrail } from './security/audit-trail.ts';
import { createAuthenticate, createAuthenticateSource } from './security/authenticate.ts';
import { createPrivileged } from './security/privileged.ts';
import { type Duty, dutyGrants, topology } from './topology.ts';
import { type Surroundings, wireIngest } from './wire.ts';

/** What an installation is started with. */
export interface InstallationOptions {
  /** Folder of everything it keeps; made when missing. */
  readonly dataDir: string;
  readonly settings: InstallationSettings;
  /** Path of a nats-server found by set-up, tried after the one in the settings. */
  readonly natsServer?: string | undefined;
  /** Text of PATH, searched for nats-server. */
  readonly searchPath: string | undefined;
  /** Folder of the rules that come with Tocsin. */
  readonly shippedRules: string;
  readonly version: string;
  readonly logger: Logger;
}

/** A running installation. Disposing drains and stops everything. */
export interface Installation extends AsyncDisposable {
  /** Where the API listens. */
  readonly url: string;
  readonly dataDir: string;
  /** Whether it was created by this start. */
  readonly firstRun: boolean;
  /** File that holds the operator's token. */
  readonly operatorToken: string;
}

/** Room of all streams but EVENTS together. */
const OTHER_STREAMS_BYTES = 8 * 1024 ** 3;
/** Heap limits of the threads, MiB. */
const DETECT_HEAP_MIB = 1024;
const STORE_HEAP_MIB = 512;
const DETECT_YOUNG_MIB = 24;
const STORE_YOUNG_MIB = 6;

/** Starts an installation; resolves when it takes events. What was opened by a start that fails is closed again. */
export async function startInstallation(options: InstallationOptions): Promise<Installation> {
  const scope = createScope({ closeWithinMs: 15_000 });
  try {
    return await open(options, scope);
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function open(options: InstallationOptions, scope: Scope): Promise<Installation> {
  const { dataDir, settings, logger } = options;
  const startedMs = systemClock.nowMs();
  await mkdir(join(dataDir, 'store'), { recursive: true, mode: 0o700 });
  const wanted = { site: settings.site, partitions: settings.bus.partitions, createdMs: startedMs };
  const { firstRun } = await openIdentity(dataDir, wanted);
  const server = scope.add('bus server', await startBusServer(options));
  const around = mainSurroundings(scope, logger);
  const address = (duty: Duty | 'admin'): BusAddress => busAddress(server, duty, settings);

  const declared = declaredTopology(settings);
  await declare(address('admin'), declared, logger);
  const apiBus = scope.add('bus of the API', await openBus(address('api')));
  const ingestBus = scope.add('bus of ingest', await openBus(address('ingest')));
  const registry = scope.add('registry', await Registry.open(apiBus, (error) => around.onTrouble(error, 'following CHANGES')));

  // Each is in the scope as soon as it runs: should the other not start, it is stopped again.
  const [store, detect] = await allOrFirstFailure([
    startStore(options, address).then((thread) => scope.add('store thread', thread)),
    startDetect(options, address).then((thread) => scope.add('detection thread', thread)),
  ]);

  const privileged = createPrivileged({ trail: createAuditTrail(apiBus), clock: around.clock, nextId: around.nextId });
  const operatorToken = await keepOperator(dataDir, { registry, privileged, clock: around.clock });
  const status = createStatus({
    version: options.version,
    site: settings.site,
    startedMs,
    busServer: server.binary.version,
    bus: apiBus,
    topology: declared,
    registry,
    detect,
    store,
  });
  const context: ApiContext = {
    bus: apiBus,
    registry,
    store: store.client,
    detect: detect.client,
    privileged,
    clock: around.clock,
    nextId: around.nextId,
    status: status.of,
    readiness: status.readiness,
    settings: () => printSettings(installationSettings, settings),
    closing: scope.signal,
  };
  const app = createServer({ logger, tls: tlsFiles(settings) });
  const { framer, intake } = wireIngest(ingestBus, loadMappings(readShippedMappings()), {
    ...around,
    partitions: settings.bus.partitions,
    site: settings.site,
    maxSkewMs: settings.ingest.maxSkew,
    onFlagged: createFlagLog(logger, around.clock),
  });
  scope.add('framer', framer);
  const authenticate = createAuthenticate(registry, around.clock);
  const events = { authenticate: createAuthenticateSource(authenticate, registry), intake, limits: doorLimits(settings) };
  await registerApi(app, { context, authenticate, events });
  const url = await listen(app, settings);
  scope.add('API server', () => closeServer(app));
  await writeRunFile(dataDir, { url, pid: process.pid, startedMs });
  scope.add('address file', () => removeRunFile(dataDir));
  return { url, dataDir, firstRun, operatorToken, [Symbol.asyncDispose]: () => scope.close() };
}

/** Makes the streams and buckets that are missing, and says where those that are there differ. */
async function declare(address: BusAddress, declared: ReturnType<typeof topology>, logger: Logger): Promise<void> {
  await using admin = await openBus(address);
  for (const drift of await admin.ensure(declared)) {
    if (drift.kind !== 'created') logger.warn({ drift }, 'The bus differs from what is declared');
  }
}

function tlsFiles({ listen: { tlsCert, tlsKey } }: InstallationSettings): Parameters<typeof createServer>[0]['tls'] {
  return tlsCert !== undefined && tlsKey !== undefined ? { certPath: tlsCert, keyPath: tlsKey } : undefined;
}

function declaredTopology(settings: InstallationSettings): ReturnType<typeof topology> {
  return topology({ eventsMaxBytes: settings.bus.eventsMaxBytes, eventsMaxAgeMs: settings.bus.eventsMaxAge });
}

function startBusServer({ dataDir, settings, logger, natsServer, searchPath }: InstallationOptions): Promise<NatsServer> {
  return startNatsServer({
    directory: join(dataDir, 'bus'),
    site: settings.site,
    binary: { configured: settings.bus.natsServer, environment: natsServer, path: searchPath },
    duties: dutyGrants,
    topology: declaredTopology(settings),
    maxStoreBytes: 2 * settings.bus.eventsMaxBytes + OTHER_STREAMS_BYTES,
    // What the server calls informative is its start-up banner.
    log: (level, line) => logger[level === 'info' ? 'debug' : level]({ from: 'nats-server' }, line),
  });
}

function busAddress(server: NatsServer, duty: Duty | 'admin', settings: InstallationSettings): BusAddress {
  return {
    servers: server.url,
    credential: server.credential(duty),
    site: settings.site,
    name: `tocsin-${duty}`,
    commitTimeoutMs: settings.bus.commitTimeout,
  };
}

function mainSurroundings(scope: Scope, logger: Logger): Surroundings {
  return {
    clock: systemClock,
    nextId: createUlidGenerator(systemClock),
    onTrouble: (error, what) => logger.warn({ err: error }, what),
    signal: scope.signal,
    giveUp: scope.signal,
  };
}

function startStore(
  { dataDir, logger, settings }: InstallationOptions,
  address: (duty: Duty) => BusAddress,
): Promise<SupervisedThread<StoreApi>> {
  const data: StoreBoot = { store: address('store'), folder: join(dataDir, 'store'), keptMs: settings.bus.eventsMaxAge };
  return SupervisedThread.start<StoreApi>({
    name: 'store',
    script: threadScript('store-thread'),
    data,
    logger,
    heapMiB: STORE_HEAP_MIB,
    youngMiB: STORE_YOUNG_MIB,
  });
}

async function startDetect(options: InstallationOptions, address: (duty: Duty) => BusAddress): Promise<SupervisedThread<DetectApi>> {
  const { rules, bus } = options.settings;
  const folders = [...(rules.shipped ? [options.shippedRules] : []), ...rules.folders];
  const files = (await Promise.all(folders.map(readRuleFiles))).flat();
  const data: DetectBoot = { match: address('match'), correlate: address('correlate'), partitions: bus.partitions, rules: files };
  const { logger } = options;
  return SupervisedThread.start<DetectApi>({
    name: 'match, correlate',
    script: threadScript('detect-thread'),
    data,
    logger,
    heapMiB: DETECT_HEAP_MIB,
    youngMiB: DETECT_YOUNG_MIB,
  });
}

/** Script of a thread beside this file: built, or as source where Node runs the sources. */
function threadScript(name: string): URL {
  return new URL(`./duties/${name}${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}

async function keepOperator(dataDir: string, deps: Omit<OperatorDeps, 'keep'>): Promise<string> {
  return ensureOperator(await readToken(dataDir, OPERATOR), { ...deps, keep: (token) => writeToken(dataDir, OPERATOR, token) });
}

function doorLimits({ ingest }: InstallationSettings): Partial<EventsRouteLimits> {
  return {
    maxBodyBytes: ingest.maxBodyBytes,
    maxPlainBytes: ingest.maxInflatedBytes,
    maxInFlightBytes: ingest.maxInFlightBytes,
    maxInFlightBytesPerSource: ingest.maxInFlightBytesPerSource,
  };
}

/** Waits for all of them, whatever becomes of each, so that nothing is left starting. @throws the first failure */
async function allOrFirstFailure<A, B>(started: readonly [Promise<A>, Promise<B>]): Promise<[A, B]> {
  await Promise.allSettled(started);
  return Promise.all(started);
}

async function listen(app: FastifyInstance, { listen: where }: InstallationSettings): Promise<string> {
  try {
    await app.listen({ host: where.host, port: where.port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TocsinError('config.cannot_listen', { host: where.host, port: where.port, reason }, { cause });
  }
  return serverUrl(app, where.tlsCert !== undefined);
}
