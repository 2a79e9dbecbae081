/** One member of a group: asks for messages within its bounds and hands them out as deliveries. */
import { TocsinError } from '@tocsin/core';
import type { Delivery, SubscribeOptions, Subscription } from '../event-bus.ts';
import type { Handout, Holding, MemoryGroup } from './memory-group.ts';
import { copyOf } from './memory-read.ts';
import type { MemoryServer } from './memory-server.ts';
import type { MemoryStream } from './memory-stream.ts';

/** Bounds of a subscription that names none. */
const DEFAULTS = { maxBytes: 8 * 1024 * 1024, maxMessages: 256, ackWaitMs: 30_000 };

/** What a member works with. */
export interface MemberParts {
  readonly server: MemoryServer;
  readonly stream: MemoryStream;
  readonly group: MemoryGroup;
  readonly options: SubscribeOptions;
  /** Aborted when the bus is closed. */
  readonly closing: AbortSignal;
}

/** Joins a group. Leaving it takes nothing back: what is unsettled comes again after its ack wait. */
export function openMemorySubscription(parts: MemberParts): Subscription {
  const { server, group, stream, closing } = parts;
  const leaving = new AbortController();
  const scope = AbortSignal.any([leaving.signal, closing, ...(parts.options.signal ? [parts.options.signal] : [])]);
  const member = createMember(parts.options);
  const open = { what: `subscription of ${group.name} to ${group.filter}` };
  server.open.add(open);
  scope.addEventListener('abort', () => server.open.delete(open), { once: true });

  const next = async (): Promise<IteratorResult<Delivery>> => {
    for (;;) {
      try {
        await server.whenUp(scope);
        if (stream.dropped) throw new TocsinError('bus.no_stream', { what: group.filter });
        stream.expire(server.clock.nowMs());
        // One instant for both: what falls due between two readings would be neither handed out nor waited for.
        const nowMs = server.clock.monotonicMs();
        const handout = group.take(member, nowMs);
        if (handout !== undefined) return { done: false, value: createDelivery(parts, handout, member.ackWaitMs) };
        await server.ringOrTime(stream.bell, group.nextChangeMs(nowMs), scope);
      } catch (error) {
        if (leaving.signal.aborted && error === leaving.signal.reason) return { done: true, value: undefined };
        throw error;
      }
    }
  };
  return {
    [Symbol.asyncIterator]: () => ({ next }),
    [Symbol.asyncDispose]: async () => leaving.abort(),
  };
}

function createMember(options: SubscribeOptions): { holding: Holding; ackWaitMs: number; fits(bytes: number): boolean } {
  const holding: Holding = { messages: 0, bytes: 0 };
  const maxMessages = options.maxMessages ?? DEFAULTS.maxMessages;
  const maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
  return {
    holding,
    ackWaitMs: options.ackWaitMs ?? DEFAULTS.ackWaitMs,
    // A message larger than the bound still goes out, alone: refusing it would stop the group for ever.
    fits: (bytes) => holding.messages < maxMessages && (holding.messages === 0 || holding.bytes + bytes <= maxBytes),
  };
}

function createDelivery(parts: MemberParts, handout: Handout, ackWaitMs: number): Delivery {
  const { server, group, closing } = parts;
  const message = copyOf(handout.entry);
  let settled = false;
  const first = (settle: () => void): boolean => {
    if (settled || closing.aborted) return false;
    settled = true;
    settle();
    return true;
  };
  return {
    message,
    position: message.position,
    attempt: handout.attempt,
    ack: () => first(() => group.settle(handout)),
    extend: () => {
      if (!settled && !closing.aborted) group.extend(handout, server.clock.monotonicMs() + ackWaitMs);
    },
    retry: (options = {}) => first(() => group.giveBack(handout, server.clock.monotonicMs() + (options.afterMs ?? 0))),
    reject: () => first(() => group.settle(handout)),
  };
}
