/** The contract of the bus, on a cluster of three servers whose streams are replicated: stopped, killed and paused all at once. */

import { connect, RequestError, TimeoutError } from '@nats-io/transport-node';
import type { CompleteBus } from '@tocsin/bus';
import { type ContractHarness, contractCases, runCase } from '@tocsin/bus/contract';
import { openNatsBus } from '@tocsin/bus/nats';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { untilAnswered } from '../../packages/tocsin/src/state/until-answered.ts';
import { missingNatsServer } from '../nats-server-found.ts';
import { NatsCluster } from './nats-cluster.ts';

const missing = missingNatsServer();
const binary = process.env['TOCSIN_NATS_SERVER'] || 'nats-server';
const DEADLINE_MS = 40_000;
const STEP_MS = 10;
const COMMIT_MS = 4_000;

let cluster: NatsCluster;

async function openBus(): Promise<CompleteBus> {
  const bus = await openNatsBus({ servers: cluster.urls, site: 'contract-site', name: 'contract', commitTimeoutMs: COMMIT_MS });
  const patience = (): { signal: AbortSignal; onRetry: () => void } => ({
    signal: AbortSignal.timeout(DEADLINE_MS),
    onRetry: () => undefined,
  });
  // A stream just made may be without a leader for as long as an election lasts, which is longer than a call is waited for.
  return { ...bus, ensure: (topology) => untilAnswered(() => bus.ensure({ ...topology, replicas: 3 }), patience()) };
}

const time: ContractHarness['time'] = {
  nowMs: () => Date.now(),
  pass: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  async until(condition, what) {
    const deadline = performance.now() + DEADLINE_MS;
    while (!(await condition())) {
      if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms in vain for ${what}`);
      await time.pass(STEP_MS);
    }
  },
};

async function ask(subject: string): Promise<unknown> {
  const connection = await connect({ servers: cluster.urls });
  try {
    return (await connection.request(`$JS.API.${subject}`, '', { timeout: 10_000 })).json();
  } finally {
    await connection.close();
  }
}

/** Resolves when every stream has a leader again: a server says that it is healthy while the election may still go on. */
async function allLed(): Promise<void> {
  const { streams } = await answered<{ streams: readonly string[] | null }>('STREAM.NAMES');
  for (const name of streams ?? []) await answered(`STREAM.INFO.${name}`);
}

/** Asks until there is an answer. */
async function answered<T>(subject: string): Promise<T> {
  let answer: T | undefined;
  const isThere = async (): Promise<boolean> => {
    try {
      answer = (await ask(subject)) as T;
      return !Object.hasOwn(answer as object, 'error');
    } catch (error) {
      if (error instanceof TimeoutError || error instanceof RequestError) return false;
      throw error;
    }
  };
  await time.until(isThere, `an answer about ${subject}`);
  return answer as T;
}

/** Each case finds servers without streams. */
async function removeAll(): Promise<void> {
  const { streams } = (await ask('STREAM.NAMES')) as { streams: readonly string[] | null };
  for (const name of streams ?? []) await ask(`STREAM.DELETE.${name}`);
}

const harness: ContractHarness = {
  time,
  openBus,
  async stopServer({ kill }) {
    for (const name of cluster.names) await (kill ? cluster.kill(name) : cluster.stop(name));
  },
  async startServer() {
    for (const name of cluster.names) cluster.revive(name);
    await cluster.ready('streams');
    await allLed();
  },
  async pauseServer() {
    await cluster.pause(...cluster.names);
    return async () => cluster.wake();
  },
  dropStream: async (name) => void (await ask(`STREAM.DELETE.${name}`)),
  leaks: async () => [],
  async [Symbol.asyncDispose]() {
    // A case that failed left them as they were.
    cluster.wake();
    await cluster.ready('streams');
    await removeAll();
  },
};

describe('contract on a cluster', () => {
  beforeAll(async () => {
    if (missing === undefined) cluster = await NatsCluster.start({ binary, servers: 3 });
  });
  afterAll(async () => {
    if (missing === undefined) await cluster[Symbol.asyncDispose]();
  });
  for (const each of contractCases) {
    test(each.name, { timeout: 90_000 }, async (context) => {
      if (missing !== undefined) context.skip(missing);
      await runCase(each, async () => harness, 1);
    });
  }
});
