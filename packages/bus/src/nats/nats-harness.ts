/**
 * The NATS adapter as the contract suite sees it: a real nats-server child per case, really killed, stopped and paused, each bus with
 * a duty's own key, topology applied with the key of the duty that may. For tests only.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContractHarness } from '../contract/contract-harness.ts';
import type { CompleteBus, StreamSpec, Topology } from '../event-bus.ts';
import { hasStopped } from './has-stopped.ts';
import { callJetStream } from './jetstream-api.ts';
import { openNatsBus } from './nats-bus.ts';
import { openLink } from './nats-link.ts';
import { ADMIN_DUTY, type DutyPermissions } from './server/duty-permissions.ts';
import { type NatsServer, startNatsServer } from './server/nats-server.ts';

const SITE = 'contract-site';
const DEADLINE_MS = 40_000;
const STEP_MS = 5;
const GROUNDS = 80;
const COMMIT_MS = 2_000;

/** Every stream and bucket that a case may declare: the duty's permissions are about these only. */
const TOPOLOGY: Topology = {
  streams: [
    ...Array.from({ length: GROUNDS }, (_, i) => stream(`CONTRACT_${i}`, [`contract${i}.>`])),
    stream('CONTRACT_UNKNOWN', ['unknown.>']),
    stream('CONTRACT_NOBODY', ['contractNobody.>']),
    stream('TOPOLOGY', ['topology.>', 'topology2.>']),
    stream('OTHER', ['other.>']),
    stream('BOTH_1', ['both.1.>']),
    stream('BOTH_2', ['both.2.>', 'both.3.*']),
  ],
  buckets: [...Array.from({ length: GROUNDS }, (_, i) => `contract_${i}`), 'contract_unknown', 'topology'].map((name) => ({
    name,
    ttlMs: 0,
  })),
};
const SUBJECTS = TOPOLOGY.streams.flatMap((each) => each.subjects);
const DUTY: DutyPermissions = {
  publish: [...SUBJECTS, 'both.>'],
  subscribe: SUBJECTS,
  purge: SUBJECTS,
  buckets: TOPOLOGY.buckets.map((each) => each.name),
  ask: ['asked.>'],
  answer: ['asked.>'],
};

/** A fresh nats-server in a directory of its own. `path` is the text of PATH, where the program is looked for. */
export async function openNatsHarness(path: string): Promise<ContractHarness> {
  const directory = mkdtempSync(join(tmpdir(), 'tocsin-contract-'));
  const before = openResources();
  const start = (): Promise<NatsServer> =>
    startNatsServer({ directory, site: SITE, binary: { path }, duties: { contract: DUTY }, topology: TOPOLOGY, log: () => undefined });
  let server: NatsServer | undefined = await start();
  const url = server.url;
  const running = (): NatsServer => {
    if (server === undefined) throw new Error('the server is stopped');
    return server;
  };
  const credentials = { duty: server.credential('contract'), admin: server.credential(ADMIN_DUTY) };
  const stop = async (kill: boolean): Promise<void> => {
    const stopping = server;
    server = undefined;
    if (kill && stopping?.pid !== undefined) process.kill(stopping.pid, 'SIGKILL');
    await stopping?.[Symbol.asyncDispose]();
  };
  return {
    time: realTime(),
    openBus: () => openBoth(url, credentials),
    stopServer: ({ kill }) => stop(kill),
    async startServer() {
      server = await start();
      if (server.url !== url) throw new Error(`the server came back at ${server.url} instead of ${url}`);
    },
    async pauseServer() {
      const { pid } = running();
      if (pid === undefined) throw new Error('the server is being restarted');
      process.kill(pid, 'SIGSTOP');
      await realTime().until(() => hasStopped(pid), 'the server to stand still');
      return async () => void process.kill(pid, 'SIGCONT');
    },
    async dropStream(name) {
      await using link = await openLink({
        servers: url,
        login: { seed: credentials.admin.seed },
        inboxPrefix: credentials.admin.inboxPrefix,
        name: 'operator',
      });
      await callJetStream(link, `STREAM.DELETE.${name}`);
    },
    leaks: async () => leftOver(before, server),
    async [Symbol.asyncDispose]() {
      await stop(true);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

type Credentials = Readonly<Record<'duty' | 'admin', ReturnType<NatsServer['credential']>>>;

/** One bus as a case sees it: topology by the one key, everything else by the other. */
async function openBoth(servers: string, credentials: Credentials): Promise<CompleteBus> {
  const options = { servers, site: SITE, durability: 'fsync', commitTimeoutMs: COMMIT_MS } as const;
  const bus = await openNatsBus({ ...options, credential: credentials.duty, name: 'contract' });
  const admin = await openNatsBus({ ...options, credential: credentials.admin, name: 'topology' });
  return {
    ...bus,
    ensure: (topology) => admin.ensure(topology),
    async [Symbol.asyncDispose]() {
      await Promise.all([admin[Symbol.asyncDispose](), bus[Symbol.asyncDispose]()]);
    },
  };
}

function realTime(): ContractHarness['time'] {
  const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    nowMs: () => Date.now(),
    pass,
    async until(condition, what) {
      const deadline = performance.now() + DEADLINE_MS;
      while (!(await condition())) {
        if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}`);
        await pass(STEP_MS);
      }
    },
  };
}

/** Sockets and timers of this process. The server's own pipes are the same before and after. */
function openResources(): Readonly<Record<'sockets' | 'timers', number>> {
  const open = process.getActiveResourcesInfo();
  return { sockets: open.filter((kind) => kind === 'TCPSocketWrap').length, timers: open.filter((kind) => kind === 'Timeout').length };
}

async function leftOver(before: ReturnType<typeof openResources>, server: NatsServer | undefined): Promise<string[]> {
  const now = openResources();
  const found: string[] = [];
  if (now.sockets > before.sockets) found.push(`${now.sockets - before.sockets} sockets`);
  if (now.timers > before.timers) found.push(`${now.timers - before.timers} timers`);
  if (server === undefined) return found;
  try {
    const answer = await fetch(`${server.monitorUrl}/connz`, { signal: AbortSignal.timeout(2_000), headers: { connection: 'close' } });
    const { num_connections } = (await answer.json()) as { num_connections: number };
    if (num_connections > 0) found.push(`${num_connections} connections at the server`);
  } catch (error) {
    found.push(`what the server does not tell (${String(error)})`);
  }
  return found;
}

function stream(name: string, subjects: readonly string[]): StreamSpec {
  return { name, subjects, maxAgeMs: 0, maxBytes: -1, maxPerSubject: 0, dedupWindowMs: 120_000 };
}
