/**
 * An installation: bus server, duties, API, started in order and stopped in reverse. Everything here is composition; what
 * each part does is in its own file, and how they meet is in `wire.ts`.
 */
import { join } from 'node:path';
import { createScope, createUlidGenerator, type Scope, systemClock } from '@tocsin/core';
import { printSettings } from '@tocsin/core/setting';
import { createHttpDoors, type DoorLimits, type Intake, loadMappings, readShippedMappings } from '@tocsin/ingest';
import type { FastifyInstance } from 'fastify';
import { createFollowerPlaces } from './api/follower-places.ts';
import { checkFree, listen, readTls, type Tls } from './api/listen.ts';
import type { ApiContext } from './api/route.ts';
import { closeServer, createServer, registerApi } from './api/server.ts';
import { createStatus } from './api/status.ts';
import { type InstallationSettings, installationSettings } from './config/settings.ts';
import { RedrivePace } from './deadletters/redrive-pace.ts';
import { type DutyDesk, openDutyDesk } from './duties/duty-desk.ts';
import { type InstallationBus, openInstallationBus } from './duties/installation-bus.ts';
import { openBus } from './duties/open-bus.ts';
import { openWebhooks } from './duties/open-webhooks.ts';
import { type RunningListener, startListeners } from './duties/start-listeners.ts';
import { startThreads } from './duties/start-threads.ts';
import { startSinks } from './effects/start-sinks.ts';
import { createFlagLog } from './flag-log.ts';
import { openDiskGuard } from './flow/disk-guard.ts';
import { createFlowControl } from './flow/flow-control.ts';
import { openFlowWatch } from './flow/open-flow-watch.ts';
import { recallIds } from './flow/recall-ids.ts';
import { memberName, openIdentity } from './identity.ts';
import type { InstallationOptions } from './installation-options.ts';
import { ensureOperator, type OperatorDeps } from './operator.ts';
import { Registry } from './registry/registry.ts';
import { BudgetWatch, startBudgetWatch } from './rules/budget-watch.ts';
import { quarantineOverBudget } from './rules/quarantine-over-budget.ts';
import { createForbiddenAudit } from './security/audit-forbidden.ts';
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

/** How long a start waits for ids to be recalled, milliseconds. */
const RECALL_WAIT_MS = 300;

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
  const bus = scope.add('bus server', await openInstallationBus(options));
  const ground: Ground = { startedMs, bus, scope, around, tls, listeners: [] };
  const context = await openContext(options, ground);
  const operatorToken = await keepOperator(dataDir, context);
  await startSinks(options, bus, ground);
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
  readonly bus: InstallationBus;
  readonly scope: Scope;
  readonly around: Surroundings;
  readonly tls: Tls | undefined;
  /** Filled once the intake they emit into is there. */
  readonly listeners: RunningListener[];
}

/** Duties and what the API asks: running, before anybody may ask. */
async function openContext(options: InstallationOptions, ground: Ground): Promise<ApiContext> {
  const { startedMs, bus, scope, around, listeners } = ground;
  const { version, settings } = options;
  const apiBus: Bus = scope.add('bus of the API', await openBus(bus.address('api')));
  const registry = scope.add('registry', await Registry.open(apiBus, (error) => around.onTrouble(error, 'following CHANGES')));
  const disk = scope.add(
    'disk guard',
    await openDiskGuard(options.dataDir, settings.retention.reserveBytes, (error) =>
      around.onTrouble(error, 'asking how full the disk is'),
    ),
  );
  const flow = createFlowControl({ clock: around.clock, registry, settings: settings.quotas, disk });
  const desk = await openDuties(options, ground);
  flow.attach(scope.add('flow watch', await openFlowWatch(options, { bus, desk, flow, around, scope })));
  const status = createStatus({
    version,
    site: settings.site,
    startedMs,
    busServer: bus.version,
    bus: apiBus,
    topology: bus.topology,
    registry,
    desk,
    flow,
    listeners,
  });
  const privileged = createPrivileged({ trail: createAuditTrail(apiBus), clock: around.clock, nextId: around.nextId });
  const watch = startBudgetWatch(watchBudget(options, { around, registry, privileged, detect: desk.detect }));
  scope.add('budget watch', async () => watch[Symbol.dispose]());
  return {
    bus: apiBus,
    registry,
    store: desk.store,
    detect: desk.detect,
    settled: desk.settled,
    privileged,
    flow,
    clock: around.clock,
    nextId: around.nextId,
    status: status.of,
    readiness: status.readiness,
    strains: status.strains,
    settings: () => printSettings(installationSettings, settings),
    followers: createFollowerPlaces(FOLLOWERS_PER_TENANT),
    redrives: new RedrivePace(around.clock),
    closing: scope.signal,
  };
}

/** The threads of the duties, and whom to ask for those of other processes. */
async function openDuties(options: InstallationOptions, { bus, scope, around }: Ground): Promise<DutyDesk> {
  const member = bus.isExternal ? await memberName(options.dataDir, around.nextId) : options.settings.site;
  const threads = await startThreads(options, { bus, scope, member });
  return await openDutyDesk({ options, bus, threads, member, around, scope });
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
  { bus, scope, around, tls, listeners }: Ground,
): Promise<FastifyInstance> {
  const { settings, logger } = options;
  const ingestBus = scope.add('bus of ingest', await openBus(bus.address('ingest')));
  const { framer, intake } = wireIngest(ingestBus, loadMappings(readShippedMappings()), {
    ...around,
    partitions: settings.bus.partitions,
    site: settings.site,
    maxSkewMs: settings.ingest.maxSkew,
    onFlagged: createFlagLog(logger, around.clock),
    admission: context.flow.admission,
    stall: context.flow.stall,
    makeRoom: () => context.flow.makeRoom(),
  });
  scope.add('framer', framer);
  const authenticate = createAuthenticate(context.registry, around.clock);
  const onForbidden = createForbiddenAudit({ ...around, trail: createAuditTrail(context.bus) });
  const authenticateSource = createAuthenticateSource(authenticate, context.registry, onForbidden);
  const { admission } = context.flow;
  const webhooks = await openWebhooks({
    settings: settings.webhooks,
    registry: context.registry,
    environment: options.environment,
    nowMs: () => around.clock.nowMs(),
  });
  const doors = { doors: createHttpDoors({ webhooks }), authenticate: authenticateSource, intake, admission, limits: doorLimits(settings) };
  if (settings.duties.includes('ingest')) {
    const started = await startListeners({
      dataDir: options.dataDir,
      settings: settings.listeners,
      registry: context.registry,
      authenticate: authenticateSource,
      emit: intake.emit,
      precheck: admission.precheck,
      clock: around.clock,
      nextId: around.nextId,
      onTrouble: around.onTrouble,
      scope,
    });
    listeners.push(...started);
    await recallBeside(options, { context, intake, around, scope });
  }
  const app = createServer({ logger, tls });
  const { duties } = settings;
  await registerApi(app, { context, authenticate, doors: duties.includes('ingest') ? doors : undefined, hasApi: duties.includes('api') });
  return app;
}

/** Recalls ids while everything else goes on; waited for only a little, as at worst resends of before are stored again. */
async function recallBeside(
  { logger }: InstallationOptions,
  { context, intake, around, scope }: { context: ApiContext; intake: Intake; around: Surroundings; scope: Scope },
): Promise<void> {
  const { bus, store } = context;
  const recalled = recallIds({ bus, store, intake, nowMs: around.clock.nowMs(), signal: scope.signal }).then(
    (ids) => logger.debug({ ids }, 'Recalled the ids of the last minutes'),
    (error: unknown) => scope.signal.aborted || around.onTrouble(error, 'recalling ids; resends of before are stored again'),
  );
  await Promise.race([recalled, new Promise((resolve) => setTimeout(resolve, RECALL_WAIT_MS).unref())]);
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
