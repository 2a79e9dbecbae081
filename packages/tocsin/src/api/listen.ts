/** Where the server listens, and with which certificate: from settings to an address. What it answers is in `server.ts`. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer as createNetServer } from 'node:net';
import { messageOf, TocsinError } from '@tocsin/core';
import type { FastifyInstance } from 'fastify';
import type { InstallationSettings } from '../config/settings.ts';
import { serverUrl } from './server.ts';

type ListenSettings = InstallationSettings['listen'];

/** A certificate chain and its key, PEM. */
export interface Tls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** What the settings name; undefined where they name none. @throws config.unreadable */
export async function readTls({ tlsCert, tlsKey }: ListenSettings): Promise<Tls | undefined> {
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  return { cert: await readPem(tlsCert), key: await readPem(tlsKey) };
}

/** Listens for a moment, to tell early that an address cannot be had. Somebody may still take it meanwhile. @throws config.cannot_listen */
export async function checkFree({ host, port }: ListenSettings): Promise<void> {
  const server = createNetServer();
  try {
    server.listen({ host, port });
    await once(server, 'listening');
  } catch (cause) {
    throw new TocsinError('config.cannot_listen', { host, port, reason: messageOf(cause) }, { cause });
  }
  server.close();
  await once(server, 'close');
}

/** Resolves with the address once requests are answered. @throws config.cannot_listen */
export async function listen(app: FastifyInstance, { host, port, tlsCert }: ListenSettings): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    throw new TocsinError('config.cannot_listen', { host, port, reason: messageOf(cause) }, { cause });
  }
  return serverUrl(app, tlsCert !== undefined);
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new TocsinError('config.unreadable', { at: path, reason: messageOf(cause) }, { cause });
  }
}
