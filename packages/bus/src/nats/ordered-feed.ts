/**
 * Messages of a stream in order, without acknowledgements, across server restarts: an ephemeral consumer that is made
 * anew after the last message seen whenever it is lost or skips one. At most one reader per feed.
 */
import { randomBytes } from 'node:crypto';
import { AckPolicy, DeliverPolicy, type ConsumerInfo as JetStreamConsumer } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { TocsinError } from '@tocsin/core';
import { type DeliveryFacts, deliveredBytes, deliveryFacts } from './delivered-message.ts';
import { callJetStream, JetStreamRefusal, REFUSED } from './jetstream-api.ts';
import { getMessage } from './kept-message.ts';
import type { NatsLink } from './nats-link.ts';
import { type FeedOwner, type FeedRoom, type PullFeed, startPullFeed } from './pull-feed.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** Where an ordered feed begins. */
export type FeedStart =
  | { readonly kind: 'sequence'; readonly sequence: number }
  | { readonly kind: 'time'; readonly time: Date }
  /** The last message of each subject, then what comes. */
  | { readonly kind: 'last_per_subject' };

/** What a feed works with. */
export interface FeedAccess {
  readonly link: NatsLink;
  readonly catalogue: StreamCatalogue;
}

/** What is read. */
export interface OrderedFeedOptions {
  readonly stream: KnownStream;
  readonly filter: string;
  readonly start: FeedStart;
  readonly follow: boolean;
  /** Leave the bodies out. */
  readonly headersOnly?: boolean | undefined;
  /** Ends every wait. */
  readonly scope: AbortSignal;
}

/** One message and its facts. */
export interface OrderedMessage {
  readonly message: Msg;
  readonly facts: DeliveryFacts;
}

const MAX_MESSAGES = 512;
const MAX_BYTES = 8 * 1024 * 1024;
/** The server forgets a consumer nobody pulled from for so long; a reader slower than this gets a new one. */
const INACTIVE_MS = 60_000;
const NANOS_PER_MS = 1_000_000;
const REBUILD_PAUSE_MS = 50;

/** Reads until the end (without `follow`), the abort of `scope` (throws its reason), or the reader leaves. @throws bus.bad_position when the stream goes away */
export async function* orderedFeed(
  { link, catalogue }: FeedAccess,
  options: OrderedFeedOptions,
): AsyncGenerator<OrderedMessage, void, undefined> {
  const buffer = new OrderedBuffer();
  let lastSequence: number | undefined;
  let feed: PullFeed | undefined;
  let consumer: Consumer | undefined;
  const abort = (): void => buffer.wake();
  options.scope.addEventListener('abort', abort);
  try {
    for (;;) {
      options.scope.throwIfAborted();
      const next = buffer.shift();
      if (next !== undefined) {
        lastSequence = next.facts.streamSequence;
        yield next;
        feed?.pump();
      } else if (buffer.state === 'broken') {
        feed?.stop();
        consumer = await createConsumer({ link, catalogue }, { ...options, lastSequence });
        buffer.begin();
        feed = startPullFeed(link, { stream: options.stream.stream, consumer: consumer.name, follow: options.follow }, buffer);
      } else if (buffer.state === 'flowing') {
        await buffer.news(options.scope);
      } else if (consumer === undefined || (await hasAll({ link, catalogue }, options, { consumer, lastSequence }))) {
        return;
      } else {
        await pause();
        buffer.onGone();
      }
    }
  } finally {
    options.scope.removeEventListener('abort', abort);
    feed?.stop();
    if (consumer !== undefined && link.isUp) link.connection.publish(`$JS.API.CONSUMER.DELETE.${options.stream.stream}.${consumer.name}`);
  }
}

/** What has been delivered and not been read, in order and without gaps: a skipped message breaks the feed, and what follows it is ignored. */
class OrderedBuffer implements FeedOwner {
  state: 'flowing' | 'drained' | 'broken' = 'broken';
  wake: () => void = () => undefined;
  readonly #queue: OrderedMessage[] = [];
  #bytes = 0;
  #expected = 1;

  /** A new consumer counts from one. */
  begin(): void {
    this.state = 'flowing';
    this.#expected = 1;
  }

  shift(): OrderedMessage | undefined {
    const next = this.#queue.shift();
    if (next !== undefined) this.#bytes = this.#queue.length === 0 ? 0 : this.#bytes - deliveredBytes(next.message);
    return next;
  }

  async news(scope: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (scope.aborted) resolve();
    });
  }

  room(): FeedRoom {
    return { messages: MAX_MESSAGES - this.#queue.length, bytes: MAX_BYTES - this.#bytes };
  }

  isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  onMessage(message: Msg): void {
    const facts = deliveryFacts(message.reply ?? '');
    if (this.state !== 'flowing' || facts.consumerSequence !== this.#expected) return this.onGone();
    this.#expected++;
    this.#bytes += deliveredBytes(message);
    this.#queue.push({ message, facts });
    this.wake();
  }

  onDrained(): void {
    if (this.state === 'flowing') this.state = 'drained';
    this.wake();
  }

  onGone(): void {
    this.state = 'broken';
    this.wake();
  }
}

/** Who delivers, and the last sequence the stream's leader had when it was made. */
interface Consumer {
  readonly name: string;
  readonly end: number;
}

/**
 * Whether everything was delivered that stood in the stream when the consumer was made. Of a replicated stream the consumer may
 * live on a follower, which has perhaps not stored yet what its leader has acknowledged.
 */
async function hasAll(
  { link }: FeedAccess,
  { stream, filter, start }: OrderedFeedOptions,
  { consumer, lastSequence }: { readonly consumer: Consumer; readonly lastSequence: number | undefined },
): Promise<boolean> {
  if (stream.config.num_replicas === 1 || (lastSequence ?? 0) >= consumer.end) return true;
  const next = await getMessage(link, stream, { ...firstWanted(start, lastSequence), next_by_subj: filter });
  return next === undefined || next.sequence > consumer.end;
}

function firstWanted(start: FeedStart, lastSequence: number | undefined): { readonly seq: number } | { readonly start_time: string } {
  if (lastSequence !== undefined) return { seq: lastSequence + 1 };
  if (start.kind === 'time') return { start_time: start.time.toISOString() };
  return { seq: start.kind === 'sequence' ? start.sequence : 1 };
}

/** A new ephemeral consumer after the last message seen. Waits for the server as long as `scope` lasts. */
async function createConsumer(
  { link, catalogue }: FeedAccess,
  options: OrderedFeedOptions & { lastSequence: number | undefined },
): Promise<Consumer> {
  const { stream, scope } = options;
  for (;;) {
    scope.throwIfAborted();
    try {
      const end = await endOf(catalogue, stream);
      const name = `read-${randomBytes(9).toString('hex')}`;
      const config = {
        ...startOf(options),
        ack_policy: AckPolicy.None,
        filter_subject: options.filter,
        inactive_threshold: INACTIVE_MS * NANOS_PER_MS,
        headers_only: options.headersOnly === true,
        mem_storage: true,
        num_replicas: 1,
        name,
      };
      await callJetStream<JetStreamConsumer>(link, `CONSUMER.CREATE.${stream.stream}.${name}.${options.filter}`, {
        stream_name: stream.stream,
        config,
        action: 'create',
      });
      return { name, end };
    } catch (error) {
      if (error instanceof JetStreamRefusal && error.code === REFUSED.streamNotFound) throw gone(stream, error);
      const waits = error instanceof TocsinError && error.code === 'bus.unavailable' && options.follow;
      if (!waits) throw error;
      await pause();
    }
  }
}

const pause = async (): Promise<void> => await new Promise((resolve) => setTimeout(resolve, REBUILD_PAUSE_MS));

/** The last sequence of a stream that is still the one being read. */
async function endOf(catalogue: StreamCatalogue, stream: KnownStream): Promise<number> {
  try {
    const now = await catalogue.fresh(stream.stream);
    if (now.generation !== stream.generation) throw gone(stream);
    return now.state.last_seq;
  } catch (error) {
    if (error instanceof TocsinError && error.code === 'bus.no_stream') throw gone(stream, error);
    throw error;
  }
}

function startOf({ start, lastSequence }: OrderedFeedOptions & { lastSequence: number | undefined }): object {
  if (lastSequence !== undefined) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: lastSequence + 1 };
  if (start.kind === 'time') return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.time.toISOString() };
  if (start.kind === 'last_per_subject') return { deliver_policy: DeliverPolicy.LastPerSubject };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: start.sequence };
}

function gone(stream: KnownStream, cause?: unknown): TocsinError {
  return new TocsinError(
    'bus.bad_position',
    { position: `of ${stream.stream}`, reason: 'the stream was removed or made anew while it was read' },
    { cause },
  );
}
