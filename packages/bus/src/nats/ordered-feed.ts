/**
 * Messages of a stream in order, without acknowledgements, across server restarts: an ephemeral consumer that is made
 * anew after the last message seen whenever it is lost or skips one. At most one reader per feed.
 */
import { randomBytes } from 'node:crypto';
import { AckPolicy, type ConsumerInfo as JetStreamConsumer, DeliverPolicy } from '@nats-io/jetstream';
import { TocsinError } from '@tocsin/core';
import type { Msg } from '@nats-io/transport-node';
import { deliveredBytes, type DeliveryFacts, deliveryFacts } from './delivered-message.ts';
import { callJetStream, JetStreamRefusal, REFUSED } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import { type PullFeed, startPullFeed } from './pull-feed.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** Where an ordered feed begins. */
export type FeedStart =
  | { readonly kind: 'sequence'; readonly sequence: number }
  | { readonly kind: 'time'; readonly time: Date }
  /** The last message of each subject, then what comes. */
  | { readonly kind: 'last_per_subject' };

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
  link: NatsLink,
  catalogue: StreamCatalogue,
  options: OrderedFeedOptions,
): AsyncGenerator<OrderedMessage, void, undefined> {
  const queue: OrderedMessage[] = [];
  let bytes = 0;
  let lastSequence: number | undefined;
  let state = 'broken' as 'flowing' | 'drained' | 'broken';
  let wake = (): void => undefined;
  let feed: PullFeed | undefined;
  let expected = 1;
  let consumer = '';

  const owner = {
    room: () => ({ messages: MAX_MESSAGES - queue.length, bytes: MAX_BYTES - bytes }),
    isEmpty: () => queue.length === 0,
    onMessage(message: Msg): void {
      const facts = deliveryFacts(message.reply ?? '');
      if (facts.consumerSequence !== expected) return owner.onGone();
      expected++;
      bytes += deliveredBytes(message);
      queue.push({ message, facts });
      wake();
    },
    onDrained(): void {
      state = 'drained';
      wake();
    },
    onGone(): void {
      state = 'broken';
      feed?.stop();
      wake();
    },
  };
  const abort = (): void => wake();
  options.scope.addEventListener('abort', abort);
  try {
    for (;;) {
      options.scope.throwIfAborted();
      const next = queue.shift();
      if (next !== undefined) {
        bytes = queue.length === 0 ? 0 : bytes - deliveredBytes(next.message);
        lastSequence = next.facts.streamSequence;
        yield next;
        feed?.pump();
      } else if (state === 'broken') {
        feed?.stop();
        const made = await createConsumer(link, catalogue, { ...options, lastSequence });
        consumer = made;
        [expected, state] = [1, 'flowing'];
        feed = startPullFeed(link, { stream: options.stream.stream, consumer, follow: options.follow }, owner);
      } else if ((state as 'flowing' | 'drained' | 'broken') === 'drained') {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
          if (options.scope.aborted) resolve();
        });
      }
    }
  } finally {
    options.scope.removeEventListener('abort', abort);
    feed?.stop();
    if (consumer !== '' && link.isUp) link.connection.publish(`$JS.API.CONSUMER.DELETE.${options.stream.stream}.${consumer}`);
  }
}

/** Name of a new ephemeral consumer after the last message seen. Waits for the server as long as `scope` lasts. */
async function createConsumer(
  link: NatsLink,
  catalogue: StreamCatalogue,
  options: OrderedFeedOptions & { lastSequence: number | undefined },
): Promise<string> {
  const { stream, scope } = options;
  for (;;) {
    scope.throwIfAborted();
    try {
      await checkLife(catalogue, stream);
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
      return name;
    } catch (error) {
      if (error instanceof JetStreamRefusal && error.code === REFUSED.streamNotFound) throw gone(stream, error);
      const waits = error instanceof TocsinError && error.code === 'bus.unavailable' && options.follow;
      if (!waits) throw error;
      await new Promise((resolve) => setTimeout(resolve, REBUILD_PAUSE_MS));
    }
  }
}

async function checkLife(catalogue: StreamCatalogue, stream: KnownStream): Promise<void> {
  try {
    const now = await catalogue.fresh(stream.stream);
    if (now.generation !== stream.generation) throw gone(stream);
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
