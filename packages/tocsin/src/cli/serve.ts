/** Starting an installation in this process, for `up` and `start`: settings out of file and options, its log, what it says when it is ready. */
import type { Installation } from '../installation.ts';
import { ApiClient } from './api-client.ts';
import { type CommandContext, type CommandOption, type GivenOptions, listOption, numberOption, textOption } from './command.ts';
import { createLogScreen } from './log-screen.ts';
import { printReady } from './ready-block.ts';
import { shippedFolder } from './shipped-folder.ts';
import { holdYoungGeneration } from './small-heap.ts';

/** Options of every command that starts an installation. */
export const serveOptions: readonly CommandOption[] = [
  { flags: '--port <port>', about: 'TCP port of the API and the events door; 0 takes any free one (default: 7514)' },
  { flags: '--host <address>', about: 'address to listen on (default: 127.0.0.1)' },
  { flags: '--config <file>', about: 'settings file (default: tocsin.yml in the data folder)' },
  { flags: '--tls-cert <file>', about: 'PEM file of the TLS certificate chain' },
  { flags: '--tls-key <file>', about: 'PEM file of the TLS private key' },
  { flags: '--insecure', about: 'listen beyond loopback without TLS' },
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
  const letHeapGrow = holdYoungGeneration();
  await using installation = await open(context, options).finally(letHeapGrow);
  const { url, operatorToken, certificate } = installation;
  const api = new ApiClient({ url, token: operatorToken, certificate });
  await printReady(terminal, { api, installation, version: context.version, signal: interrupted });
  const code = await use({ installation, api });
  if (terminal.interactive) terminal.note(terminal.style('dim', 'Stopping: what was accepted is finished first.'));
  return code;
}

/** Resolves when the person interrupts. */
export function untilInterrupted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function open(context: CommandContext, options: GivenOptions): Promise<Installation> {
  // Loaded here: other commands must not pay for the bus, the server and the stores.
  const [{ startInstallation }, { effectiveSettings, readConfigFile }, { createLogger }] = await Promise.all([
    import('../installation.ts'),
    import('../config/read-config.ts'),
    import('../log.ts'),
  ]);
  const { dataDir, environment, terminal } = context;
  const config = await readConfigFile(textOption(options, 'config'), dataDir);
  const settings = effectiveSettings(config, overrides(options), environment.variable);
  return startInstallation({
    dataDir,
    settings,
    natsServer: environment.natsServer,
    searchPath: environment.variable('PATH'),
    environment: (name) => environment.variable(name),
    shippedRules: shippedFolder('rules'),
    version: context.version,
    logger: createLogger(settings.log.level, createLogScreen(terminal)),
  });
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
  };
}
