/** Starting an installation in this process, for `up` and `start`: settings out of file and options, its log, what it says when it is ready. */
import type { Installation } from '../installation.ts';
import { type InstallationOptions, isWorker } from '../installation-options.ts';
import { holdYoungGeneration, tidyHeapAfterStart } from '../small-heap.ts';
import { ApiClient } from './api-client.ts';
import { type CommandContext, type CommandOption, type GivenOptions, listOption, numberOption, textOption } from './command.ts';
import { createLogScreen } from './log-screen.ts';
import { printReady, printReadyDuties } from './ready-block.ts';
import { shippedFolder } from './shipped-folder.ts';

/** Options of every command that starts an installation. */
export const serveOptions: readonly CommandOption[] = [
  { flags: '--port <port>', about: 'TCP port of the API and the events door; 0 takes any free one (default: 7514)' },
  { flags: '--host <address>', about: 'address to listen on (default: 127.0.0.1)' },
  { flags: '--config <file>', about: 'settings file (default: tocsin.yml in the data folder)' },
  { flags: '--tls-cert <file>', about: 'PEM file of the TLS certificate chain' },
  { flags: '--tls-key <file>', about: 'PEM file of the TLS private key' },
  { flags: '--insecure', about: 'listen beyond loopback without TLS' },
  { flags: '--duties <list>', about: 'what this process does, of ingest, api, store, match and correlate (default: all); needs --bus' },
  { flags: '--bus <url...>', about: 'use this NATS instead of running one: nats://host:4222 or tls://host:4222, several of a cluster' },
  { flags: '--bus-creds <file>', about: 'log in to it with a credentials file (JWT and seed)' },
  { flags: '--bus-nkey <file>', about: 'log in to it with the seed of a user key' },
  { flags: '--bus-ca <file>', about: 'PEM file of the authorities that sign its certificates' },
  { flags: '--bus-cert <file>', about: 'PEM file of the client certificate to show to it' },
  { flags: '--bus-key <file>', about: 'PEM file of that certificate’s private key' },
  { flags: '--bus-replicas <count>', about: 'servers of the cluster that keep each stream (default: 1)' },
  { flags: '--rules <dir...>', about: 'more folders of Sigma rules' },
];

/** An installation with a client for it that acts as its operator. */
export interface Serving {
  readonly installation: Installation;
  readonly api: ApiClient;
}

/** Starts an installation, says that it is ready, lets `use` have it, and stops it. Resolves with what `use` gives. */
export async function serve(context: CommandContext, options: GivenOptions, use: (serving: Serving) => Promise<number>): Promise<number> {
  const { terminal, interrupted } = context;
  if (terminal.interactive) terminal.note(terminal.style('dim', `Starting Tocsin on ${context.dataDir} …`));
  const start = await optionsOf(context, options);
  if (isWorker(start)) return await serveWorker(context, options, start);
  const letHeapGrow = holdYoungGeneration();
  const { startInstallation } = await import('../installation.ts');
  await using installation = await startInstallation(start).finally(letHeapGrow);
  const { url, operatorToken, certificate } = installation;
  const api = new ApiClient({ url, token: operatorToken ?? '', certificate });
  const { version } = context;
  const { duties } = start.settings;
  if (duties.includes('api')) await printReady(terminal, { api, installation, version, signal: interrupted });
  // Nobody answers here how the installation is doing.
  else printReadyDuties(terminal, { version, duties, facts: { dataDir: installation.dataDir, url } });
  tidyHeapAfterStart();
  const off = context.onReload(() => void reload(context, options, { target: installation, logger: start.logger }));
  const code = await use({ installation, api }).finally(off);
  if (terminal.interactive) terminal.note(terminal.style('dim', 'Stopping: what was accepted is finished first.'));
  return code;
}

/** Runs a process without doors until it is interrupted. */
async function serveWorker(context: CommandContext, given: GivenOptions, options: InstallationOptions): Promise<number> {
  const { terminal, interrupted, version } = context;
  const { startWorker } = await import('../worker.ts');
  const { duties } = options.settings;
  await using worker = await startWorker(options);
  const { dataDir, member, busServer } = worker;
  printReadyDuties(terminal, { version, duties, facts: { dataDir, member, busServer } });
  tidyHeapAfterStart();
  const off = context.onReload(() => void reload(context, given, { target: worker, logger: options.logger }));
  await untilInterrupted(interrupted);
  off();
  return 0;
}

interface Reloading {
  readonly target: Pick<Installation, 'reload'>;
  readonly logger: InstallationOptions['logger'];
}

/** Reads the settings again and says in the log what became of them. Never rejects: what is wrong with them changes nothing. */
async function reload(context: CommandContext, given: GivenOptions, { target, logger }: Reloading): Promise<void> {
  try {
    const { settings } = await readSettings(context, given);
    const { applied, needRestart } = await target.reload(settings);
    logger.info({ applied }, 'Settings and rules were read again and are in force');
    if (needRestart.length > 0)
      logger.warn({ settings: needRestart }, 'Some settings have changed that take effect with the next start only');
  } catch (error) {
    logger.error({ err: error }, 'Settings and rules were read again and not taken; everything stays as it was');
  }
}

/** Resolves when the person interrupts. */
export function untilInterrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Settings out of file and options, and everything else a start needs. */
async function optionsOf(context: CommandContext, options: GivenOptions): Promise<InstallationOptions> {
  // Loaded here: other commands must not pay for them.
  const [{ settings }, { createLogger }] = await Promise.all([readSettings(context, options), import('../log.ts')]);
  const { dataDir, environment, terminal } = context;
  return {
    dataDir,
    settings,
    natsServer: environment.natsServer,
    searchPath: environment.variable('PATH'),
    environment: (name) => environment.variable(name),
    shippedRules: shippedFolder('rules'),
    version: context.version,
    logger: createLogger(settings.log.level, createLogScreen(terminal)),
  };
}

/** Settings as file and options say now. @throws config.unreadable, config.invalid */
async function readSettings(
  { dataDir, environment }: CommandContext,
  options: GivenOptions,
): Promise<Pick<InstallationOptions, 'settings'>> {
  const { effectiveSettings, readConfigFile } = await import('../config/read-config.ts');
  const config = await readConfigFile(textOption(options, 'config'), dataDir);
  return { settings: effectiveSettings(config, overrides(options), environment.variable) };
}

function externalBus(options: GivenOptions): Record<string, unknown> {
  const servers = listOption(options, 'bus');
  return {
    servers: servers.length > 0 ? servers : undefined,
    credsFile: textOption(options, 'busCreds'),
    nkeyFile: textOption(options, 'busNkey'),
    tlsCa: textOption(options, 'busCa'),
    tlsCert: textOption(options, 'busCert'),
    tlsKey: textOption(options, 'busKey'),
    replicas: numberOption(options, 'bus-replicas', { min: 1, max: 5 }),
  };
}

/** What the options say, in the form of the settings file; undefined leaves the file's. */
function overrides(options: GivenOptions): Record<string, unknown> {
  const folders = listOption(options, 'rules');
  return {
    listen: {
      host: textOption(options, 'host'),
      port: numberOption(options, 'port', { min: 0, max: 65_535 }),
      tlsCert: textOption(options, 'tlsCert'),
      tlsKey: textOption(options, 'tlsKey'),
      insecure: options['insecure'] === true ? true : undefined,
    },
    rules: { folders: folders.length > 0 ? folders : undefined },
    duties: textOption(options, 'duties')
      ?.split(',')
      .map((duty) => duty.trim()),
    bus: { external: externalBus(options) },
  };
}
