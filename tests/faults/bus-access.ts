/** How a run reaches the bus of its installation beside the program: over a raw NATS connection, with the keys of the data folder where it has any. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection, nkeyAuthenticator } from '@nats-io/transport-node';

/** Opens connections to one nats-server. */
export type BusAccess = {
  /** A connection with the rights of a duty; the caller closes it. */
  connect(duty: 'api' | 'ingest'): Promise<NatsConnection>;
};

const TIMEOUT_MS = 5000;

/** Access to the embedded server of a data folder. */
export function embeddedAccess(dataDir: string): BusAccess {
  const bus = join(dataDir, 'bus');
  return {
    connect(duty) {
      const seeds = JSON.parse(readFileSync(join(bus, 'credentials.json'), 'utf8')) as Record<string, string>;
      const port = Number(readFileSync(join(bus, 'port'), 'utf8'));
      const authenticator = nkeyAuthenticator(new TextEncoder().encode(seeds[duty] ?? ''));
      return connect({ servers: `nats://127.0.0.1:${port}`, authenticator, inboxPrefix: `_INBOX_${duty}`, timeout: TIMEOUT_MS });
    },
  };
}

/** Access to a server without keys. */
export function openAccess(port: number): BusAccess {
  return { connect: (duty) => connect({ servers: `nats://127.0.0.1:${port}`, inboxPrefix: `_INBOX_${duty}`, timeout: TIMEOUT_MS }) };
}
