/**
 * Ingest alone, as a process: bus server, framer, intake and the events route as `wire.ts` joins them, without detection, store
 * and the rest of the API. Shows what the door itself can do; a real installation always runs everything.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openFrame } from '@tocsin/bus';
import { startNatsServer } from '@tocsin/bus/nats';
import { createScope, createUlidGenerator, systemClock } from '@tocsin/core';
import { readSettings } from '@tocsin/core/setting';
import { createHttpDoors, listenerKinds, loadMappings, readShippedMappings, type Source, serveDoors } from '@tocsin/ingest';
import fastify from 'fastify';
import type * as OpenBus from '../packages/tocsin/src/duties/open-bus.ts';
import type * as StartListeners from '../packages/tocsin/src/duties/start-listeners.ts';
import type * as TopologyModule from '../packages/tocsin/src/topology.ts';
import type * as Wire from '../packages/tocsin/src/wire.ts';
import { root } from './clone.ts';

const built = <T>(name: string): Promise<T> => import(join(root, 'packages', 'tocsin', 'dist', `${name}.js`)) as Promise<T>;
const { wireIngest } = await built<typeof Wire>('wire');
const { dutyGrants, topology } = await built<typeof TopologyModule>('topology');
const { startListeners } = await built<typeof StartListeners>('duties/start-listeners');
const { openBus } = await built<typeof OpenBus>('duties/open-bus');

const dataDir = process.argv[2] ?? '';
const GIB = 1024 ** 3;
const declared = topology({
  inMaxBytes: 1 << 30,
  eventsMaxBytes: 10 * GIB,
  matchesMaxBytes: GIB,
  alertsMaxBytes: GIB,
  auditMaxBytes: GIB,
  deadLettersMaxBytes: GIB,
  replaysMaxBytes: GIB,
});
const server = await startNatsServer({
  directory: join(dataDir, 'bus'),
  site: 'local',
  binary: { configured: undefined, environment: process.env['TOCSIN_NATS_SERVER'], path: process.env['PATH'] },
  duties: dutyGrants,
  topology: declared,
  maxStoreBytes: 40 * 1024 ** 3,
  log: () => undefined,
});
const address = (duty: 'admin' | 'ingest' | 'match') => ({
  servers: server.url,
  credential: server.credential(duty),
  site: 'local',
  name: duty,
  commitTimeoutMs: 5000,
  durability: 'fsync' as const,
});
{
  await using admin = await openBus(address('admin'));
  await admin.ensure(declared);
}
const bus = await openBus(address('ingest'));
const nextId = createUlidGenerator(systemClock);
const stopping = new AbortController();
const { intake, framer } = wireIngest(bus, loadMappings(readShippedMappings()), {
  clock: systemClock,
  nextId,
  signal: stopping.signal,
  giveUp: stopping.signal,
  partitions: 8,
  site: 'local',
  maxSkewMs: 300_000,
  onTrouble: () => undefined,
  onFlagged: undefined,
});

/** A token is its source's name: nothing is guarded here. */
const sourceOf = (authorization: string | undefined): Source => ({
  tenant: 'default',
  name: authorization?.slice('Bearer '.length) ?? '',
  format: 'auto',
  lane: 'live',
  shard: '',
});
const scope = createScope();
const given = JSON.parse(process.argv[3] ?? '{}') as Record<string, Record<string, object>>;
const settings = Object.fromEntries(
  listenerKinds
    .filter(({ kind }) => given[kind] !== undefined)
    .map(({ kind, settings: group }) => [
      kind,
      Object.fromEntries(Object.entries(given[kind] ?? {}).map(([name, one]) => [name, readSettings(group, one, { file: 'bench' })])),
    ]),
);
const listeners = await startListeners({
  dataDir,
  settings,
  book: { find: (_tenant, name) => sourceOf(`Bearer ${name}`) },
  environment: () => undefined,
  authenticate: async ({ authorization }) => ({ source: sourceOf(authorization) }),
  emit: intake.emit,
  precheck: () => undefined,
  clock: systemClock,
  nextId,
  onTrouble: (error, what) => process.stderr.write(`${what}: ${String(error)}\n`),
  scope,
});
const app = fastify({ forceCloseConnections: true });
const nothingBound = (): never => {
  throw new Error('the bench has no webhooks');
};
const doors = createHttpDoors({ webhooks: { webhooks: new Map(), boundSource: nothingBound, nowMs: Date.now } });
await app.register(serveDoors, { doors, intake, authenticate: ({ authorization }) => ({ source: sourceOf(authorization) }) });
app.get('/api/v1/health/ready', async () => ({}));
app.post('/api/v1/sources', async (request) => ({ token: (request.body as { name: string }).name }));
app.get('/api/v1/status', async () => ({ events: { stored: await countStored(), duplicates: 0 } }));
app.get('/api/v1/listeners', async () => listeners.map(({ address, counts }) => ({ address, stored: counts.stored })));
const url = await app.listen({ host: '127.0.0.1', port: 0 });
await mkdir(join(dataDir, 'tokens'), { recursive: true });
await writeFile(join(dataDir, 'tokens', 'operator.token'), 'none');
// Whole or not at all: the bench polls for it.
await writeFile(join(dataDir, 'run.json.new'), JSON.stringify({ url, pid: process.pid }));
await rename(join(dataDir, 'run.json.new'), join(dataDir, 'run.json'));

process.once('SIGTERM', () => void stop());

async function stop(): Promise<void> {
  await app.close();
  await scope[Symbol.asyncDispose]();
  await framer.drain();
  await bus[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  process.exit(0);
}

/** Events in the log, counted from its frames. */
async function countStored(): Promise<number> {
  await using reader = await openBus(address('match'));
  let events = 0;
  for await (const { body } of reader.read('tocsin.events.live.>', 'first')) events += openFrame(body).header.count;
  return events;
}
