/** When a started nats-server is ready: its ports file is there, it says it is healthy, and JetStream answers a client with its key. */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import { nkeyAuthenticator } from '../nkey.ts';
import type { BusCredential } from './credentials-file.ts';
import type { ServerProcess } from './server-process.ts';

/** Where a ready server listens. */
export interface ServerPorts {
  readonly client: number;
  readonly monitor: number;
}

const POLL_MS = 10;
const REQUEST_MS = 2_000;

/** Resolves with the ports once the server can store. @throws server.failed when the child ends or `withinMs` pass before */
export async function awaitReady(
  child: ServerProcess,
  runDirectory: string,
  options: { credential: BusCredential; withinMs: number },
): Promise<ServerPorts> {
  const deadline = performance.now() + options.withinMs;
  let waitingFor = 'it opened no port';
  while (performance.now() < deadline && !child.hasEnded()) {
    const ports = readPorts(runDirectory);
    if (ports !== undefined) waitingFor = 'it is not healthy, or JetStream does not answer';
    if (ports !== undefined && (await isHealthy(ports.monitor)) && (await jetStreamAnswers(ports.client, options.credential))) return ports;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const reason = child.hasEnded() ? await child.ended : `after ${options.withinMs} ms ${waitingFor}`;
  throw new TocsinError('server.failed', { reason, log: child.logTail() });
}

/** Whether nothing listens on a port of loopback. */
export async function isPortFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen(port, '127.0.0.1', resolve);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  } finally {
    probe.close();
  }
}

/** The file may be seen half written: then there are no ports yet. */
function readPorts(runDirectory: string): ServerPorts | undefined {
  const name = readdirSync(runDirectory).find((file) => file.endsWith('.ports'));
  if (name === undefined) return undefined;
  const text = readFileSync(join(runDirectory, name), 'utf8');
  const client = /nats:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
  const monitor = /http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
  return client === undefined || monitor === undefined || !text.trimEnd().endsWith('}')
    ? undefined
    : { client: Number(client), monitor: Number(monitor) };
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/healthz`, {
      signal: AbortSignal.timeout(REQUEST_MS),
      headers: { connection: 'close' },
    });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    // Refused or cut while it starts: asked again until the deadline, which reports it.
    return false;
  }
}

async function jetStreamAnswers(port: number, credential: BusCredential): Promise<boolean> {
  try {
    const connection = await connect({
      servers: `127.0.0.1:${port}`,
      authenticator: nkeyAuthenticator(credential.seed),
      inboxPrefix: credential.inboxPrefix,
      reconnect: false,
      timeout: REQUEST_MS,
      name: 'readiness',
    });
    try {
      const answer = await connection.request('$JS.API.INFO', undefined, { timeout: REQUEST_MS });
      return !('error' in answer.json<object>());
    } finally {
      await connection.close();
    }
  } catch {
    // Not accepting, or JetStream still recovering: asked again until the deadline, which reports it.
    return false;
  }
}
