/**
 * A process without doors: it matches, correlates or keeps the alert table of an installation on an external bus, and answers what
 * processes with doors ask of it over that bus.
 */
import { join } from 'node:path';
import { createScope, type Scope, systemClock } from '@tocsin/core';
import { logReload, Reloader, type ReloadReport } from './config/reload.ts';
import type { InstallationSettings } from './config/settings.ts';
import { answerOthers } from './duties/duty-desk.ts';
import { openInstallationBus } from './duties/installation-bus.ts';
import { startThreads } from './duties/start-threads.ts';
import { memberName, openIdentity } from './identity.ts';
import { mainSurroundings } from './installation-ground.ts';
import type { InstallationOptions } from './installation-options.ts';
import { makePrivateFolder } from './state/run-file.ts';

/** A running worker. Disposing finishes what it has taken in and stops it. */
export interface Worker extends AsyncDisposable {
  readonly dataDir: string;
  /** Its name among the members. */
  readonly member: string;
  readonly busServer: string;
  /** As `Installation.reload`. */
  reload(settings: InstallationSettings): Promise<ReloadReport>;
}

/** Starts a worker; resolves when its duties run. What was opened by a start that fails is closed again. */
export async function startWorker(options: InstallationOptions): Promise<Worker> {
  const scope = createScope({ closeWithinMs: 15_000 });
  try {
    return await open(options, scope);
  } catch (error) {
    await scope.close();
    throw error;
  }
}

async function open(options: InstallationOptions, scope: Scope): Promise<Worker> {
  const { dataDir, settings } = options;
  await makePrivateFolder(join(dataDir, 'store'));
  await openIdentity(dataDir, { site: settings.site, partitions: settings.bus.partitions, createdMs: systemClock.nowMs() });
  const around = mainSurroundings(options, scope);
  const member = await memberName(dataDir, around.nextId);
  const bus = scope.add('bus', await openInstallationBus(options));
  const threads = await startThreads(options, { bus, scope, member });
  await answerOthers({ options, bus, threads, member, around, scope, listeners: [] });
  const reloader = new Reloader(settings, [threads.reload, logReload(options)]);
  return {
    dataDir,
    member,
    busServer: bus.version,
    reload: (changed) => reloader.reload(changed),
    [Symbol.asyncDispose]: () => scope.close(),
  };
}
