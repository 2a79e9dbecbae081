/** The kind `redis`: a source that reads streams of Redis. What one pair of connections does is `redis-session.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { startPulling } from '../pull/pull-loop.ts';
import { readClientTls } from '../pull/pull-settings.ts';
import { cannotOpen } from '../tls-settings.ts';
import { type RedisSettings, redisSettings } from './redis-settings.ts';

/** Redis streams. */
export const redisKind = listenerKind({ kind: 'redis', settings: redisSettings, open: openRedis });

async function openRedis(settings: RedisSettings, context: ListenerContext): Promise<Listener> {
  // Read where there is such a listener only, as its library is.
  const { readRedis } = await import('./redis-session.ts');
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  const address = `redis://${host}:${settings.port}/${settings.database}`;
  const tls = settings.useTls ? await readClientTls(settings.tls, { name: context.name, address }) : undefined;
  const consumer = await memberName(context, address);
  const pulling = startPulling({ context, address, session: (signal) => readRedis({ settings, context, tls, consumer, signal }) });
  return { address, [Symbol.asyncDispose]: () => pulling[Symbol.asyncDispose]() };
}

/** Name of this listener in the group, made once and kept: after a restart it is handed what it did not acknowledge. */
async function memberName({ stateDir, name, nextId }: ListenerContext, address: string): Promise<string> {
  const path = join(stateDir, 'consumer');
  try {
    const known = (await readFile(path, 'utf8')).trim();
    if (/^[\w-]{1,100}$/.test(known)) return known;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cannotOpen({ name, address }, `${path} cannot be read`, cause);
  }
  const made = `tocsin-${nextId()}`;
  await writeFile(path, `${made}\n`, { mode: 0o600 });
  return made;
}
