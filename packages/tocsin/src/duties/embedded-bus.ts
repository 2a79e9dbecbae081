/** The installation's own bus: nats-server as a child, the topology applied, and an address for each duty under its own key. */
import { join } from 'node:path';
import type { Topology } from '@tocsin/bus';
import { type NatsServer, startNatsServer } from '@tocsin/bus/nats';
import type { InstallationOptions } from '../installation-options.ts';
import { IN_FILTER } from '../subjects.ts';
import { type Duty, dutyGrants, topology } from '../topology.ts';
import type { InstallationBus } from './installation-bus.ts';
import { type BusAddress, openBus } from './open-bus.ts';

/** Room of CHANGES, the buckets and whatever is small. */
const OTHER_STREAMS_BYTES = 4 * 1024 ** 3;

/** Starts the server and declares every stream and bucket; resolves when duties can connect. @throws server.*, bus.unavailable */
export async function openEmbeddedBus(options: InstallationOptions): Promise<InstallationBus> {
  const { settings, logger } = options;
  const declared = topology({
    ...settings.retention,
    eventsMaxBytes: settings.bus.eventsMaxBytes,
    inMaxBytes: settings.bus.inMaxBytes,
    replaysMaxBytes: settings.replays.maxBytes,
  });
  const server = await startServer(options, declared);
  const address = (duty: Duty | 'admin'): BusAddress => ({
    servers: server.url,
    credential: server.credential(duty),
    site: settings.site,
    name: `tocsin-${duty}`,
    commitTimeoutMs: settings.bus.commitTimeout,
    // The embedded server is run with `sync_interval: always`.
    durability: 'fsync',
  });
  try {
    await using admin = await openBus(address('admin'));
    for (const drift of await admin.ensure(declared)) {
      if (drift.kind !== 'created') logger.warn({ drift }, 'The bus differs from what is declared');
    }
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return {
    version: server.binary.version,
    isExternal: false,
    topology: declared,
    address,
    producers: { url: () => server.url, set: (producers) => server.setProducers(producers) },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

function startServer({ dataDir, settings, logger, natsServer, searchPath }: InstallationOptions, declared: Topology): Promise<NatsServer> {
  return startNatsServer({
    directory: join(dataDir, 'bus'),
    site: settings.site,
    binary: { configured: settings.bus.natsServer, environment: natsServer, path: searchPath },
    duties: dutyGrants,
    topology: declared,
    doorSubjects: IN_FILTER,
    memoryLimitMiB: Math.floor(settings.bus.serverMemory / 2 ** 20),
    maxStoreBytes: declared.streams.reduce((sum, { maxBytes }) => sum + Math.max(0, maxBytes), OTHER_STREAMS_BYTES),
    // What the server calls informative is its start-up banner.
    log: (level, line) => logger[level === 'info' ? 'debug' : level]({ from: 'nats-server' }, line),
  });
}
