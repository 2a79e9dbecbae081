/**
 * The memory adapter: the whole seam without a server, for tests, trials and programs that need nothing kept. Holds to
 * the same contract suite as every adapter; what it keeps ends with the process, and its guarantees say so.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { CompleteBus, Guarantees, StateBucket } from '../event-bus.ts';
import { badRequest, checkCommit, checkKey, checkStateValue, checkSubscribe } from '../message-check.ts';
import { parsePosition } from '../position.ts';
import { checkFilter, checkSubject, filtersOverlap } from '../subject-filter.ts';
import type { CommitRequest } from './commit-request.ts';
import { MemoryGroup } from './memory-group.ts';
import { copyOf, readMemory, watchMemory } from './memory-read.ts';
import { MemoryServer, type MemoryServerOptions } from './memory-server.ts';
import type { MemoryStream } from './memory-stream.ts';
import { openMemorySubscription } from './memory-subscription.ts';

/** A new server is made of these unless one is given to share, as several connections share a real one. */
export interface MemoryBusOptions extends MemoryServerOptions {
  readonly server?: MemoryServer | undefined;
}

const GUARANTEES: Guarantees = Object.freeze({
  bus: 'memory',
  durability: 'none',
  ordering: 'stream',
  atomicCommit: true,
  // As many and as large as the JetStream adapter takes, so that what works here works there.
  maxCommitMessages: 1000,
  maxMessageBytes: 2 * 1024 * 1024,
  dedupWindowMs: 120_000,
  redelivery: true,
  replay: true,
  state: true,
});

/** A bus in memory, ready at once. Close it by disposing; the server, if given, stays. */
export function createMemoryBus(options: MemoryBusOptions = {}): CompleteBus {
  const server = options.server ?? new MemoryServer(options);
  const closing = new AbortController();
  const underWay = new Set<CommitRequest>();
  const requireOpen = (what: string): void => {
    if (closing.signal.aborted) throw new TocsinError('bus.closed', { what });
  };
  const reach = async (what: string): Promise<MemoryServer> => {
    requireOpen(what);
    await server.reach(closing.signal);
    return server;
  };
  const scopeWith = (signal: AbortSignal | undefined): AbortSignal => AbortSignal.any(signal === undefined ? [closing.signal] : [closing.signal, signal]);

  return {
    guarantees: GUARANTEES,
    async commit(messages, { signal } = {}) {
      requireOpen('A commit');
      signal?.throwIfAborted();
      checkCommit(messages, GUARANTEES);
      if (messages.length === 0) return [];
      const request = server.submit(messages);
      underWay.add(request);
      const abort = (): void => request.giveUp('the wait was aborted');
      signal?.addEventListener('abort', abort, { once: true });
      try {
        return await request.answer;
      } catch (error) {
        if (signal?.aborted === true && isTocsinError(error, 'bus.unknown')) throw signal.reason;
        throw error;
      } finally {
        signal?.removeEventListener('abort', abort);
        underWay.delete(request);
      }
    },
    async subscribe(filter, subscribe) {
      requireOpen('A subscription');
      checkSubscribe(filter, subscribe);
      await server.reach(scopeWith(subscribe.signal));
      const stream = server.stream(filter);
      const group = stream.groups.get(subscribe.group) ?? createGroup(stream, filter, subscribe);
      if (group.filter !== filter) throw badRequest(`group ${group.name} with filter ${filter}`, `it consumes ${group.filter} already`);
      return openMemorySubscription({ server, stream, group, options: subscribe, closing: closing.signal });
    },
    async ensure(topology) {
      return (await reach('A topology')).ensure(topology);
    },
    async *read(filter, from, read = {}) {
      requireOpen('A read');
      yield* readMemory(server, { filter, from, options: read }, scopeWith(read.signal));
    },
    async get(positions) {
      await reach('A message');
      return positions.flatMap((position) => {
        const stream = streamOfPosition(server, position);
        const entry = stream.at(stream.sequenceOf(position));
        return entry === undefined ? [] : [copyOf(entry)];
      });
    },
    async last(subject) {
      const entry = (await reach('A message')).stream(checkSubject(subject)).lastOf(subject);
      return entry === undefined ? undefined : copyOf(entry);
    },
    async info(filter) {
      const stream = (await reach('Information')).stream(checkFilter(filter));
      const [first, last] = [stream.firstEntry(), stream.lastEntry()];
      return {
        stream: stream.name,
        messages: stream.messages,
        bytes: stream.bytes,
        first: first?.message.position,
        last: last?.message.position,
        consumers: [...stream.groups.values()].map((group) => group.info()),
      };
    },
    async purge(filter, upTo) {
      const stream = (await reach('A purge')).stream(checkFilter(filter));
      return stream.purge(filter, stream.sequenceOf(upTo));
    },
    bucket: (name) => createBucketHandle(name, { reach, server, scopeWith, requireOpen }),
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort(new TocsinError('bus.closed', { what: 'A wait' }));
      for (const request of underWay) request.giveUp('the bus was closed');
    },
  };
}

/** What a bucket's handle needs of its bus. */
interface BucketAccess {
  readonly server: MemoryServer;
  reach(what: string): Promise<MemoryServer>;
  scopeWith(signal: AbortSignal | undefined): AbortSignal;
  requireOpen(what: string): void;
}

function createBucketHandle(name: string, access: BucketAccess): StateBucket {
  const bucket = async (what: string) => (await access.reach(what)).bucket(name);
  const nowMs = (): number => access.server.clock.monotonicMs();
  return {
    get: async (key) => (await bucket('A value')).get(checkKey(key), nowMs()),
    keys: async () => (await bucket('A list of keys')).keys(nowMs()),
    async put(key, value, expected) {
      checkStateValue(name, checkKey(key), value);
      return (await bucket('A put')).put(key, value, { expected, nowMs: nowMs() });
    },
    async delete(key, expected) {
      (await bucket('A delete')).delete(checkKey(key), { expected, nowMs: nowMs() });
    },
    async *watch({ signal } = {}) {
      access.requireOpen('A watch');
      yield* watchMemory(access.server, access.server.bucket(name), access.scopeWith(signal));
    },
  };
}

function createGroup(stream: MemoryStream, filter: string, options: { readonly group: string; readonly start: Parameters<MemoryStream['startSequence']>[0] }): MemoryGroup {
  for (const other of stream.groups.values()) {
    if (stream.spec.retention === 'work_queue' && filtersOverlap(other.filter, filter)) {
      throw badRequest(`group ${options.group}`, `the work queue ${stream.name} gives each message to one group and has ${other.name}`);
    }
  }
  const group = new MemoryGroup(options.group, filter, stream, stream.startSequence(options.start));
  stream.groups.set(group.name, group);
  return group;
}

function streamOfPosition(server: MemoryServer, position: Parameters<typeof parsePosition>[0]): MemoryStream {
  const { stream } = parsePosition(position);
  try {
    return server.streamNamed(stream);
  } catch (cause) {
    throw new TocsinError('bus.bad_position', { position, reason: `there is no stream ${stream}` }, { cause });
  }
}
