/** The bus of an installation, whoever runs it: everything declared on it, and an address for each duty. */
import type { Topology } from '@tocsin/bus';
import type { Producer } from '@tocsin/bus/nats';
import type { InstallationOptions } from '../installation-options.ts';
import type { Duty } from '../topology.ts';
import { openEmbeddedBus } from './embedded-bus.ts';
import { openExternalBus } from './external-bus.ts';
import type { BusAddress } from './open-bus.ts';

/** A bus with everything declared on it. Disposing stops what was started for it. */
export interface InstallationBus extends AsyncDisposable {
  /** Version of the server, and what else is known of it. */
  readonly version: string;
  /** Whether others run it, so that other processes may share the duties. */
  readonly isExternal: boolean;
  /** What is declared on it. */
  readonly topology: Topology;
  /** Where a duty connects, and under which key. */
  address(duty: Duty): BusAddress;
  /** The door for foreign producers, where Tocsin runs the server; elsewhere its operator lets them in. */
  readonly producers?: ProducerEntry | undefined;
}

/** Who may come in over the bus, and where. */
export interface ProducerEntry {
  url(): string;
  /** Resolves when the server knows. @throws server.failed, server.bad_setting */
  set(producers: readonly Producer[]): Promise<void>;
}

/** Starts the embedded server, or connects to the one that the settings name. @throws server.*, bus.unavailable, config.fixed */
export function openInstallationBus(options: InstallationOptions): Promise<InstallationBus> {
  return options.settings.bus.external.servers.length > 0 ? openExternalBus(options) : openEmbeddedBus(options);
}
