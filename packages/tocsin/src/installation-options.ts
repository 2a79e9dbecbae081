/** What an installation is started with; how it is started is in `installation.ts`. */
import type { Logger } from 'pino';
import type { InstallationSettings } from './config/settings.ts';

/** What an installation is started with. */
export interface InstallationOptions {
  /** Folder of everything it keeps; made when missing. */
  readonly dataDir: string;
  readonly settings: InstallationSettings;
  /** Path of a nats-server found by set-up, tried after the one in the settings. */
  readonly natsServer?: string | undefined;
  /** Text of PATH, searched for nats-server. */
  readonly searchPath: string | undefined;
  /** Environment variables, for settings that name a secret as `env:NAME`. */
  readonly environment: (name: string) => string | undefined;
  /** Folder of the rules that come with Tocsin. */
  readonly shippedRules: string;
  readonly version: string;
  readonly logger: Logger;
}

/** Whether a process with these duties has no doors. */
export function isWorker({ settings }: Pick<InstallationOptions, 'settings'>): boolean {
  return !settings.duties.includes('ingest') && !settings.duties.includes('api');
}
