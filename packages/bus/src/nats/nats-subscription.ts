/** One member of a group: pulls within its bounds, hands out deliveries, and sends what the handler decided. */

import type { Msg } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import type { Delivery, SubjectFilter, SubscribeOptions, Subscription } from '../event-bus.ts';
import { deliveredBytes, deliveryFacts, storedFromDelivery } from './delivered-message.ts';
import { findGroup, joinGroup } from './group-consumer.ts';
import { createHeldDeliveries, type Held, type HeldDeliveries } from './held-deliveries.ts';
import type { NatsLink } from './nats-link.ts';
import { type PullFeed, startPullFeed } from './pull-feed.ts';
import type { LogAccess } from './read-log.ts';
import type { KnownStream } from './stream-catalogue.ts';

/** Bounds of a subscription that names none. */
const DEFAULTS = { maxBytes: 8 * 1024 * 1024, maxMessages: 256, ackWaitMs: 30_000 };
const NANOS_PER_MS = 1_000_000;
const RECOVER_PAUSE_MS = 50;
/** Longest reason sent with a rejection; advisories carry it. */
const MAX_REASON = 200;

/** Joins a group; resolves when the server has registered it. `scope` ends every wait. @throws bus.no_stream, bus.bad_request, bus.unavailable, bus.forbidden */
export async function openNatsSubscription(
  access: LogAccess,
  request: { filter: SubjectFilter; options: SubscribeOptions },
  scope: AbortSignal,
): Promise<Subscription> {
  const { filter, options } = request;
  const stream = await access.catalogue.findFresh(filter);
  const ackWaitMs = options.ackWaitMs ?? DEFAULTS.ackWaitMs;
  await joinGroup(access.link, access.catalogue, { stream, filter, group: options.group, start: options.start, ackWaitMs });
  return new Member(access, { stream, filter, options, ackWaitMs }, scope);
}

/** What a member consumes. */
interface MemberParts {
  readonly stream: KnownStream;
  readonly filter: SubjectFilter;
  readonly options: SubscribeOptions;
  readonly ackWaitMs: number;
}

class Member implements Subscription {
  readonly #access: LogAccess;
  readonly #parts: MemberParts;
  readonly #scope: AbortSignal;
  readonly #held: HeldDeliveries;
  #queue: { readonly message: Msg; readonly held: Held }[] = [];
  #feed: PullFeed | undefined;
  #left = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(access: LogAccess, parts: MemberParts, scope: AbortSignal) {
    this.#access = access;
    this.#parts = parts;
    this.#scope = scope;
    this.#held = createHeldDeliveries(parts.ackWaitMs, {
      onRoom: () => this.#feed?.pump(),
      // The server gives them to somebody else by now, or to this member again.
      onExpired: () => {
        this.#queue = this.#queue.filter(({ held }) => this.#held.isHeld(held));
      },
    });
    scope.addEventListener('abort', () => this.#end(), { once: true });
    if (!scope.aborted) this.#start();
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return { next: () => this.#next() };
  }

  /** What is held stays the group's: it comes again after its ack wait. What was never handed out is given back at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#left = true;
    this.#end();
  }

  async #next(): Promise<IteratorResult<Delivery>> {
    for (;;) {
      if (this.#left) return { done: true, value: undefined };
      this.#scope.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure;
      const next = this.#takeQueued();
      if (next !== undefined) return { done: false, value: this.#delivery(next.message, next.held) };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The first that waits and is still this member's: whatever has waited for longer than its ack wait comes again. */
  #takeQueued(): { readonly message: Msg; readonly held: Held } | undefined {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) if (this.#held.isHeld(next.held)) return next;
    return undefined;
  }

  #start(): void {
    const { stream, options } = this.#parts;
    const maxMessages = options.maxMessages ?? DEFAULTS.maxMessages;
    const maxBytes = options.maxBytes ?? DEFAULTS.maxBytes;
    const held = this.#held;
    this.#feed = startPullFeed(
      this.#access.link,
      { stream: stream.stream, consumer: options.group, follow: true },
      {
        room: () => ({ messages: maxMessages - held.messages, bytes: maxBytes - held.bytes }),
        isEmpty: () => held.messages === 0,
        onMessage: (message) => {
          this.#queue.push({ message, held: held.add(deliveredBytes(message)) });
          this.#wake();
        },
        onDrained: () => undefined,
        onGone: (reason) => void this.#recover(reason),
      },
    );
  }

  /** The consumer does not answer: the server is still starting, or the stream or the group was removed. */
  async #recover(reason: string): Promise<void> {
    const { stream, filter, options } = this.#parts;
    const { link, catalogue } = this.#access;
    while (!this.#left && !this.#scope.aborted) {
      try {
        const now = await catalogue.fresh(stream.stream);
        const group = now.generation === stream.generation ? await findGroup(link, stream.stream, options.group) : undefined;
        if (group === undefined)
          throw new TocsinError('bus.no_stream', { what: `group ${options.group} of ${filter}` }, { cause: new Error(reason) });
        return this.#left || this.#scope.aborted ? undefined : this.#start();
      } catch (error) {
        if (!(error instanceof TocsinError) || error.code !== 'bus.unavailable') return this.#fail(error);
      }
      await new Promise((resolve) => setTimeout(resolve, RECOVER_PAUSE_MS));
    }
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#wake();
  }

  #end(): void {
    this.#feed?.stop();
    this.#feed = undefined;
    // The server puts what is given back before what waits: the last goes first, so that the order stays.
    for (const { message } of this.#queue.splice(0).reverse()) send(this.#access.link, message, '-NAK');
    this.#held.clear();
    this.#wake();
  }

  #delivery(message: Msg, held: Held): Delivery {
    const { link, catalogue } = this.#access;
    const facts = deliveryFacts(message.reply ?? '');
    const stored = storedFromDelivery(catalogue, this.#parts.stream, { message, facts });
    let settled = false;
    const first = (answer: string): boolean => {
      if (settled || link.isClosed) return false;
      settled = true;
      send(link, message, answer);
      this.#held.release(held);
      return true;
    };
    return {
      message: stored,
      position: stored.position,
      attempt: facts.attempt,
      ack: () => first('+ACK'),
      extend: () => {
        if (settled || link.isClosed) return;
        send(link, message, '+WPI');
        this.#held.extend(held);
      },
      retry: ({ afterMs = 0 } = {}) => first(afterMs > 0 ? `-NAK {"delay": ${Math.round(afterMs * NANOS_PER_MS)}}` : '-NAK'),
      reject: (reason) => first(`+TERM ${reason.replaceAll(/[^ -~]/g, '?').slice(0, MAX_REASON)}`),
    };
  }
}

function send(link: NatsLink, message: Msg, answer: string): void {
  if (message.reply !== undefined && !link.isClosed) link.connection.publish(message.reply, answer);
}
