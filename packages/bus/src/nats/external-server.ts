/**
 * Looks at a NATS server that others run, before anything is declared on it: its version, whether it has JetStream, what it takes as
 * a message, and, where its monitoring port is named, whether it syncs every write.
 */
import type { ServerInfo } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import { callJetStream } from './jetstream-api.ts';
import { type LinkAddress, linkOptionsOf } from './nats-bus.ts';
import { type NatsLink, openLink } from './nats-link.ts';
import { OLDEST_SERVER } from './server/server-binary.ts';
import { MAX_PAYLOAD_BYTES } from './server/server-config.ts';

/** What was found. */
export interface ExternalServer {
  readonly version: string;
  readonly name: string;
  /** Name of the cluster; undefined where it stands alone. */
  readonly cluster: string | undefined;
  /** `always` where every write is synced before it is acknowledged, else the pause between syncs; undefined where it cannot be seen. */
  readonly sync: string | undefined;
}

/** How long the monitoring port may take, milliseconds. */
const MONITOR_MS = 3000;

/** Looks. `monitor` is the address of the monitoring port, such as `http://nats.example:8222`. @throws bus.unavailable, server.too_old, server.bad_setting */
export async function lookAtServer(address: LinkAddress, monitor?: string): Promise<ExternalServer> {
  await using link = await openLink(linkOptionsOf(address));
  const info = usableInfo(link, String(address.servers));
  await callJetStream(link, 'INFO');
  const sync = monitor === undefined ? undefined : await readSync(monitor);
  return { version: info.version, name: info.server_name, cluster: info.cluster, sync };
}

/** What the server says of itself. @throws server.bad_setting where that is not enough */
function usableInfo(link: NatsLink, where: string): ServerInfo {
  const { info } = link.connection;
  const refuse = (reason: string): TocsinError => new TocsinError('server.bad_setting', { what: `The NATS server at ${where}`, reason });
  if (info === undefined) throw refuse('it does not say what it is');
  if (isOlder(info.version, OLDEST_SERVER)) throw refuse(`it is version ${info.version}, and Tocsin needs ${OLDEST_SERVER} or newer`);
  if (info.jetstream !== true) throw refuse('it has no JetStream; add `jetstream {}` to its configuration');
  if (info.max_payload >= MAX_PAYLOAD_BYTES) return info;
  throw refuse(`it takes messages of ${info.max_payload} bytes; set \`max_payload: ${MAX_PAYLOAD_BYTES}\` or more in its configuration`);
}

/** What `jsz` says of syncing; undefined where it cannot be read, as it need not be there. */
async function readSync(monitor: string): Promise<string | undefined> {
  const url = new URL('/jsz?config=true', monitor);
  const answer = await fetch(url, { signal: AbortSignal.timeout(MONITOR_MS) }).catch((cause: unknown) => {
    throw new TocsinError(
      'server.bad_setting',
      { what: `The monitoring address ${monitor}`, reason: `it does not answer: ${String(cause)}` },
      { cause },
    );
  });
  const { config } = (await answer.json()) as { config?: { sync_always?: boolean; sync_interval?: number } };
  if (config?.sync_always === true) return 'always';
  return config?.sync_interval === undefined ? undefined : `every ${config.sync_interval / 1e9} s`;
}

function isOlder(version: string, than: string): boolean {
  const [a = [], b = []] = [version, than].map((text) => text.split('-')[0]?.split('.').map(Number) ?? []);
  for (const [i, part] of b.entries()) {
    if ((a[i] ?? 0) !== part) return (a[i] ?? 0) < part;
  }
  return false;
}
