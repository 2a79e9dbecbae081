/** The NATS JetStream adapter: the whole seam over one connection. Its parts are beside it; this file only joins them. */
import type { CommitOptions, CompleteBus, Guarantees, Outgoing, Published } from '../event-bus.ts';
import { checkCommit, checkSubscribe, messageBytes } from '../message-check.ts';
import { checkFilter, checkSubject } from '../subject-filter.ts';
import { createBusGate, endedBy } from './bus-gate.ts';
import type { BusLogin, BusTls } from './bus-login.ts';
import { createByteWindow } from './byte-window.ts';
import { commitMessages } from './commit.ts';
import { openBucket } from './nats-bucket.ts';
import { type LinkOptions, openLink } from './nats-link.ts';
import { createNatsQuestions } from './nats-questions.ts';
import { openNatsSubscription } from './nats-subscription.ts';
import { getLast, getMessages, purgeLog, readLog, streamInfo } from './read-log.ts';
import type { BusCredential } from './server/credentials-file.ts';
import { MAX_PAYLOAD_BYTES } from './server/server-config.ts';
import { createStreamCatalogue } from './stream-catalogue.ts';
import { applyTopology } from './topology.ts';

/** Where to connect and as whom. */
export interface LinkAddress {
  /** Such as `nats://127.0.0.1:4222` or `tls://nats.example:4222`; several for a cluster. */
  readonly servers: string | readonly string[];
  /** Of a duty on the embedded server. */
  readonly credential?: BusCredential | undefined;
  /** On a server that others run; absent where it asks for nothing. */
  readonly login?: BusLogin | undefined;
  readonly tls?: BusTls | undefined;
  /** Prefix of the inboxes this login may listen on; the credential's, else `_INBOX`. */
  readonly inboxPrefix?: string | undefined;
  /** Shown by the server beside the connection, such as the duty and the process number. */
  readonly name: string;
}

/** Where to connect, as whom, and how patiently. */
export interface NatsBusOptions extends LinkAddress {
  /** Goes into every position. */
  readonly site: string;
  /** How long a commit is tried, across reconnects, before it ends as unknown or unavailable; 5,000 by default. */
  readonly commitTimeoutMs?: number | undefined;
  /** Most bytes of commits under way; further ones wait. 32 MiB by default. */
  readonly maxInFlightBytes?: number | undefined;
  /** What is promised about power cuts: `fsync` where the server syncs each write (the embedded one does), else `process`. */
  readonly durability?: 'fsync' | 'process' | undefined;
  /** Shortest dedup window among the streams, for the guarantees. */
  readonly dedupWindowMs?: number | undefined;
}

const DEFAULT_COMMIT_MS = 5_000;
const DEFAULT_IN_FLIGHT_BYTES = 32 * 1024 * 1024;
/** Below the server's 50 open batches per stream, of which other writers need some. */
const MAX_UNITS = 32;
const DEFAULT_DEDUP_MS = 120_000;
const MAX_COMMIT_MESSAGES = 1_000;
/** Left for the server's own headers within its largest payload. */
const HEADER_ROOM_BYTES = 4 * 1024;

/**
 * Connects to a NATS server. Disposing waits for commits under way, ends everything else, and leaves no socket or timer.
 * @throws bus.unavailable when no server answers
 */
export async function openNatsBus(options: NatsBusOptions): Promise<CompleteBus> {
  const link = await openLink(linkOptionsOf(options));
  const catalogue = createStreamCatalogue(link, options.site);
  const guarantees = guaranteesOf(options, link.connection.info?.max_payload);
  const access = { link, catalogue };
  const context = { link, catalogue, timeoutMs: options.commitTimeoutMs ?? DEFAULT_COMMIT_MS };
  const window = createByteWindow({ maxBytes: options.maxInFlightBytes ?? DEFAULT_IN_FLIGHT_BYTES, maxUnits: MAX_UNITS });
  const gate = createBusGate();
  const { call, requireOpen, scopeWith } = gate;
  const questions = createNatsQuestions({ ...linkOptionsOf(options), link, gate, limits: guarantees });
  const underWay = new Set<Promise<unknown>>();
  async function store(messages: readonly Outgoing[], options: CommitOptions): Promise<Published[]> {
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
    const leave = await window.enter(bytes, scopeWith(options.signal));
    return await commitMessages(context, messages, options).finally(leave);
  }

  return {
    guarantees,
    async commit(messages, options = {}) {
      const { signal } = options;
      requireOpen('A commit');
      signal?.throwIfAborted();
      checkCommit(messages, guarantees);
      if (messages.length === 0) return [];
      const work = store(messages, options);
      underWay.add(work);
      void Promise.allSettled([work]).then(() => underWay.delete(work)); // Whoever asked hears of an error below.
      return await endedBy(signal, work);
    },
    ensure: (topology) => call('A topology', () => applyTopology(link, topology)),
    async subscribe(filter, subscribe) {
      checkSubscribe(filter, subscribe);
      requireOpen('A subscription');
      const scope = scopeWith(subscribe.signal);
      scope.throwIfAborted();
      return await endedBy(scope, openNatsSubscription(access, { filter, options: subscribe }, scope));
    },
    async *read(filter, from, read = {}) {
      requireOpen('A read');
      yield* readLog(access, { filter: checkFilter(filter), from, options: read }, scopeWith(read.signal));
    },
    get: (positions) => call('A message', () => getMessages(access, positions)),
    last: (subject) => call('A message', async () => await getLast(access, checkSubject(subject))),
    info: (filter) => call('Information', async () => await streamInfo(access, checkFilter(filter))),
    purge: (filter, upTo) => call('A purge', async () => await purgeLog(access, checkFilter(filter), upTo)),
    bucket: (name) => openBucket(access, { name, timeoutMs: context.timeoutMs, call, requireOpen, scopeWith }),
    ask: questions.ask,
    answer: questions.answer,
    async [Symbol.asyncDispose]() {
      if (gate.isClosed) return;
      gate.close();
      questions.close();
      if (link.isUp) await Promise.allSettled(underWay);
      await link[Symbol.asyncDispose]();
    },
  };
}

/** What a connection is made of. */
export function linkOptionsOf({ servers, credential, login, tls, inboxPrefix, name }: LinkAddress): LinkOptions {
  return {
    servers,
    tls,
    login: login ?? { seed: credential?.seed },
    inboxPrefix: inboxPrefix ?? credential?.inboxPrefix ?? '_INBOX',
    name,
  };
}

function guaranteesOf(options: NatsBusOptions, maxPayload = MAX_PAYLOAD_BYTES): Guarantees {
  return Object.freeze({
    bus: 'nats',
    durability: options.durability ?? 'process',
    ordering: 'stream',
    atomicCommit: true,
    maxCommitMessages: MAX_COMMIT_MESSAGES,
    maxMessageBytes: maxPayload - HEADER_ROOM_BYTES,
    dedupWindowMs: options.dedupWindowMs ?? DEFAULT_DEDUP_MS,
    redelivery: true,
    replay: true,
    state: true,
    plans: true,
    questions: true,
  });
}
