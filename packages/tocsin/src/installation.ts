/**
 * An installation: bus server, duties, API, started in order and stopped in reverse. Everything here is composition; what
 * each part does is in its own file, and how they meet is in `wire.ts`.
 */
import { join } from 'node:path';
import { createScope, createUlidGenerator, type Scope, systemClock } from '@tocsin/core';
import { printSettings } from '@tocsin/core/setting';
import { createHttpDoors, type DoorLimits, loadMappings, readShippedMappings } from '@tocsin/ingest';
import type { FastifyInstance } from 'fastify';
import { createFollowerPlaces } from './api/follower-places.ts';
import { checkFree, listen, readTls, type Tls } from './api/listen.ts';
import type { ApiContext } from './api/route.ts';
import { closeServer, createServer, registerApi } from './api/server.ts';
import { createStatus } from './api/status.ts';
import { type InstallationSettings, installationSettings } from './config/settings.ts';
import { type EmbeddedBus, openEmbeddedBus } from './duties/embedded-bus.ts';
import { openBus } from './duties/open-bus.ts';
import { openWebhooks } from './duties/open-webhooks.ts';
import { startListeners } from './duties/start-listeners.ts';
import { startThreads } from './duties/start-threads.ts';
import { createFlagLog } from './flag-log.ts';
import { openIdentity } from './identity.ts';
import type { InstallationOptions } from './installation-options.ts';
import { ensureOperator, type OperatorDeps } from './operator.ts';
import { Registry } from './registry/registry.ts';
import { BudgetWatch, startBudgetWatch } from './rules/budget-watch.ts';
import { quarantineOverBudget } from './rules/quarantine-over-budget.ts';
import { createAuditTrail } from './security/audit-trail.ts';
import { createAuthenticate, createAuthenticateSource } from './security/authenticate.ts';
import { createPrivileged } from './security/privileged.ts';
import { makePrivateFolder, OPERATOR, readToken, removeRunFile, writeRunFile, writeToken } from './state/run-file.ts';
import { type Bus, type Surroundings, wireIngest } from './wire.ts';

/** A running installation. Disposing drains and stops everything. */
export interface Installation extends AsyncDisposable {
  /** Where the API listens. */
  readonly url: string;
  /** The certificate it shows, PEM; undefined where it speaks plain HTTP. */
  readonly certificate: string | undefined;
  readonly dataDir: string;
  /** Whether it was created by this start. */
  readonly firstRun: boolean;
  /** The operator's token: a secret, never to be logged. */
  readonly operatorToken: string;
}

/** Connections over which a tenant may follow events, alerts and matches at once. */
const FOLLOWERS_PER_TENANT = 64;

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
  const { dataDir, settings } = options;
  const startedMs = systemClock.nowMs();
  const tls = await readTls(settings.listen);
  // First of all: an address that is taken is told before anything is started or written.
  await checkFree(settings.listen);
  await makePrivateFolder(join(dataDir, 'store'));
  const wanted = { site: settings.site, partitions: settings.bus.partitions, createdMs: startedMs };
  const { firstRun } = await openIdentity(dataDir, wanted);
  const around = mainSurroundings(options, scope);
  const bus = scope.add('bus server', await openEmbeddedBus(options));
  const ground: Ground = { startedMs, bus, scope, around, tls };
  const context = await openContext(options, ground);
  const operatorToken = await keepOperator(dataDir, context);
  const app = await openServer(options, context, ground);
  const url = await listen(app, settings.listen);
  scope.add('API server', () => closeServer(app));
  const certificate = tls?.cert.toString('utf8');
  await writeRunFile(dataDir, { url, pid: process.pid, startedMs, certificate });
  scope.add('address file', () => removeRunFile(dataDir));
  return { url, certificate, dataDir, firstRun, operatorToken, [Symbol.asyncDispose]: () => scope.close() };
}

/** What the parts of the main thread are opened with. */
interface Ground {
  readonly startedMs: number;
  readonly bus: EmbeddedBus;
  readonly scope: Scope;
  readonly around: Surroundings;
  readonly tls: Tls | undefined;
}

/** Duties and what the API asks: running, before anybody may ask. */
async function openContext(options: InstallationOptions, { startedMs, bus, scope, around }: Ground): Promise<ApiContext> {
  const { version, settings } = options;
  const apiBus: Bus = scope.add('bus of the API', await openBus(bus.address('api')));
  const registry = scope.add('registry', await Registry.open(apiBus, (error) => around.onTrouble(error, 'following CHANGES')));
  const { store, detect } = await startThreads(options, bus, scope);
  const status = createStatus({
    version,
    site: settings.site,
    startedMs,
    busServer: bus.version,
    bus: apiBus,
    topology: bus.topology,
    registry,
    detect,
    store,
  });
  const privileged = createPrivileged({ trail: createAuditTrail(apiBus), clock: around.clock, nextId: around.nextId });
  const watch = startBudgetWatch(watchBudget(options, { around, registry, privileged, detect: detect.client }));
  scope.add('budget watch', async () => watch[Symbol.dispose]());
  return {
    bus: apiBus,
    registry,
    store: store.client,
    detect: detect.client,
    privileged,
    clock: around.clock,
    nextId: around.nextId,
    status: status.of,
    readiness: status.readiness,
    strains: status.strains,
    settings: () => printSettings(installationSettings, settings),
    followers: createFollowerPlaces(FOLLOWERS_PER_TENANT),
    closing: scope.signal,
  };
}

/** What watches the cost of rules and puts aside what takes too much, as an audited act. */
function watchBudget(
  { settings, logger }: InstallationOptions,
  { around, registry, privileged, detect }: { around: Surroundings } & Pick<ApiContext, 'registry' | 'privileged' | 'detect'>,
): BudgetWatch {
  return new BudgetWatch({
    clock: around.clock,
    percent: settings.rules.budgetPercent,
    costs: () => detect.costs(),
    onTrouble: around.onTrouble,
    async quarantine(found) {
      await quarantineOverBudget(found, { registry, privileged, clock: around.clock, budgetPercent: settings.rules.budgetPercent });
      logger.warn({ ...found }, 'A rule took more than its budget and was put in quarantine; release it with: tocsin rules release ID');
    },
  });
}

/** The server with the events door and every route; it does not listen yet. */
async function openServer(
  options: InstallationOptions,
  context: ApiContext,
  { bus, scope, around, tls }: Ground,
): Promise<FastifyInstance> {
  const { settings, logger } = options;
  const ingestBus = scope.add('bus of ingest', await openBus(bus.address('ingest')));
  const { framer, intake } = wireIngest(ingestBus, loadMappings(readShippedMappings()), {
    ...around,
    partitions: settings.bus.partitions,
    site: settings.site,
    maxSkewMs: settings.ingest.maxSkew,
    onFlagged: createFlagLog(logger, around.clock),
  });
  scope.add('framer', framer);
  const authenticate = createAuthenticate(context.registry, around.clock);
  const authenticateSource = createAuthenticateSource(authenticate, context.registry);
  const webhooks = await openWebhooks({
    settings: settings.webhooks,
    registry: context.registry,
    environment: options.environment,
    nowMs: () => around.clock.nowMs(),
  });
  const doors = { doors: createHttpDoors({ webhooks }), authenticate: authenticateSource, intake, limits: doorLimits(settings) };
  await startListeners({
    dataDir: options.dataDir,
    settings: settings.listeners,
    registry: context.registry,
    authenticate: authenticateSource,
    emit: intake.emit,
    clock: around.clock,
    nextId: around.nextId,
    onTrouble: around.onTrouble,
    scope,
  });
  const app = createServer({ logger, tls });
  await registerApi(app, { context, authenticate, doors });
  return app;
}

function mainSurroundings({ logger }: InstallationOptions, scope: Scope): Surroundings {
  return {
    clock: systemClock,
    nextId: createUlidGenerator(systemClock),
    onTrouble: (error, what, about) => logger.warn({ err: error, ...about }, what),
    signal: scope.signal,
    giveUp: scope.signal,
  };
}

async function keepOperator(dataDir: string, deps: Omit<OperatorDeps, 'keep'>): Promise<string> {
  return ensureOperator(await readToken(dataDir, OPERATOR), { ...deps, keep: (token) => writeToken(dataDir, OPERATOR, token) });
}

function doorLimits({ ingest }: InstallationSettings): Partial<DoorLimits> {
  return {
    maxBodyBytes: ingest.maxBodyBytes,
    maxPlainBytes: ingest.maxInflatedBytes,
    maxInFlightBytes: ingest.maxInFlightBytes,
    maxInFlightBytesPerSource: ingest.maxInFlightBytesPerSource,
  };
}
