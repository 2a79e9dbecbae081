/**
 * An installation: bus server, duties, ingest, API, started in order and stopped in reverse. Everything here is composition; what
 * each part does is in its own file, and how they meet is in `wire.ts`.
 */
import { join } from 'node:path';
import { createScope, type Scope, systemClock } from '@tocsin/core';
import type { FastifyInstance } from 'fastify';
import { checkFree, listen, readTls } from './api/listen.ts';
import type { ApiContext } from './api/route.ts';
import { closeServer, createServer, registerApi } from './api/server.ts';
import { logReload, Reloader, type ReloadReport } from './config/reload.ts';
import type { InstallationSettings } from './config/settings.ts';
import { openInstallationBus } from './duties/installation-bus.ts';
import { startSinks } from './effects/start-sinks.ts';
import { memberName, openIdentity } from './identity.ts';
import { type InstallationGround, mainSurroundings } from './installation-ground.ts';
import type { InstallationOptions } from './installation-options.ts';
import { openApiContext } from './open-api-context.ts';
import { openIngest } from './open-ingest.ts';
import { ensureOperator, type OperatorDeps } from './operator.ts';
import { createAuthenticate } from './security/authenticate.ts';
import { makePrivateFolder, OPERATOR, readToken, removeRunFile, writeRunFile, writeToken } from './state/run-file.ts';

/** A running installation. Disposing drains and stops everything. */
export interface Installation extends AsyncDisposable {
  /** Where the API listens. */
  readonly url: string;
  /** The certificate it shows, PEM; undefined where it speaks plain HTTP. */
  readonly certificate: string | undefined;
  readonly dataDir: string;
  /** Whether it was created by this start. */
  readonly firstRun: boolean;
  /** The operator's token: a secret, never to be logged. Undefined where this process has no API to show it to. */
  readonly operatorToken: string | undefined;
  /** Takes over settings and rule files as they are now, as far as that can be done while it runs. @throws config.unreadable, config.rules_not_taken, with nothing taken over */
  reload(settings: InstallationSettings): Promise<ReloadReport>;
}

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
  const ground: InstallationGround = { startedMs, bus, scope, around, tls, listeners: [], reloads: [logReload(options)] };
  const context = await openApiContext(options, ground);
  const operatorToken = settings.duties.includes('api')
    ? await keepOperator(dataDir, { ...context, member: await ownMember(options, ground) })
    : undefined;
  await startSinks(options, bus, ground);
  const app = await openServer(options, context, ground);
  const url = await listen(app, settings.listen);
  scope.add('API server', () => closeServer(app));
  const certificate = tls?.cert.toString('utf8');
  await writeRunFile(dataDir, { url, pid: process.pid, startedMs, certificate });
  scope.add('address file', () => removeRunFile(dataDir));
  const reloader = new Reloader(settings, ground.reloads);
  const reload = (changed: InstallationSettings): Promise<ReloadReport> => reloader.reload(changed);
  return { url, certificate, dataDir, firstRun, operatorToken, reload, [Symbol.asyncDispose]: () => scope.close() };
}

/** The server with what the duties of this process call for: doors, API, or both; it does not listen yet. */
async function openServer(options: InstallationOptions, context: ApiContext, ground: InstallationGround): Promise<FastifyInstance> {
  const { duties } = options.settings;
  const authenticate = createAuthenticate(context.registry, ground.around.clock);
  const doors = duties.includes('ingest') ? await openIngest({ options, context, authenticate }, ground) : undefined;
  const app = createServer({ logger: options.logger, tls: ground.tls });
  await registerApi(app, { context, authenticate, doors, hasApi: duties.includes('api') });
  return app;
}

/** Its name among the processes that share the duties; undefined where it has them all. */
async function ownMember({ dataDir }: InstallationOptions, { bus, around }: InstallationGround): Promise<string | undefined> {
  return bus.isExternal ? await memberName(dataDir, around.nextId) : undefined;
}

async function keepOperator(dataDir: string, deps: Omit<OperatorDeps, 'keep'>): Promise<string> {
  return ensureOperator(await readToken(dataDir, OPERATOR), { ...deps, keep: (token) => writeToken(dataDir, OPERATOR, token) });
}
