/**
 * The memory adapter: the whole seam without a server, for tests, trials and programs that need nothing kept. Holds to
 * the same contract suite as every adapter; what it keeps ends with the process, and its guarantees say so.
 */
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { CompleteBus, EventBus, Guarantees, SubscribeOptions } from '../event-bus.ts';
import { badRequest, checkCommit, checkSubscribe } from '../message-check.ts';
import { filtersOverlap } from '../subject-filter.ts';
import type { CommitRequest } from './commit-request.ts';
import { createMemoryAccess, type MemoryAccess } from './memory-access.ts';
import { MemoryGroup } from './memory-group.ts';
import { createMemoryLog } from './memory-log.ts';
import { createMemoryQuestions } from './memory-questions.ts';
import { MemoryServer, type MemoryServerOptions } from './memory-server.ts';
import { createMemoryState } from './memory-state.ts';
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
  plans: true,
  questions: true,
});

/** A bus in memory, ready at once. Close it by disposing; the server, if given, stays. */
export function createMemoryBus(options: MemoryBusOptions = {}): CompleteBus {
  const closing = new AbortController();
  const underWay = new Set<CommitRequest>();
  const access = createMemoryAccess(options.server ?? new MemoryServer(options), closing.signal);
  return {
    guarantees: GUARANTEES,
    commit: createCommit(access, underWay),
    subscribe: createSubscribe(access),
    ensure: async (topology) => (await access.reach('A topology')).ensure(topology),
    ...createMemoryLog(access),
    ...createMemoryState(access),
    ...createMemoryQuestions(access, GUARANTEES),
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return;
      closing.abort(new TocsinError('bus.closed', { what: 'A wait' }));
      for (const request of underWay) request.giveUp('the bus was closed');
    },
  };
}

function createCommit(access: MemoryAccess, underWay: Set<CommitRequest>): EventBus['commit'] {
  return async (messages, { signal } = {}) => {
    access.requireOpen('A commit');
    signal?.throwIfAborted();
    checkCommit(messages, GUARANTEES);
    if (messages.length === 0) return [];
    const request = access.server.submit(messages);
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
  };
}

function createSubscribe(access: MemoryAccess): EventBus['subscribe'] {
  return async (filter, options) => {
    access.requireOpen('A subscription');
    checkSubscribe(filter, options);
    await access.server.reach(access.scopeWith(options.signal));
    const stream = access.server.stream(filter);
    const group = stream.groups.get(options.group) ?? createGroup(stream, filter, options);
    if (group.filter !== filter) throw badRequest(`group ${group.name} with filter ${filter}`, `it consumes ${group.filter} already`);
    return openMemorySubscription({ server: access.server, stream, group, options, closing: access.closing });
  };
}

function createGroup(stream: MemoryStream, filter: string, options: SubscribeOptions): MemoryGroup {
  for (const other of stream.groups.values()) {
    if (stream.spec.retention === 'work_queue' && filtersOverlap(other.filter, filter)) {
      throw badRequest(`group ${options.group}`, `the work queue ${stream.name} gives each message to one group and has ${other.name}`);
    }
  }
  const group = new MemoryGroup({ name: options.group, filter }, stream, stream.startSequence(options.start));
  stream.groups.set(group.name, group);
  return group;
}
