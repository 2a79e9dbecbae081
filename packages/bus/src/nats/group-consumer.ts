/** The durable consumer of a group: made once, joined by every later member, refused when it is for something else. */
import {
  AckPolicy,
  type ConsumerConfig,
  DeliverPolicy,
  type ConsumerInfo as JetStreamConsumer,
  ReplayPolicy,
  RetentionPolicy,
} from '@nats-io/jetstream';
import type { Start, SubjectFilter } from '../event-bus.ts';
import { badRequest } from '../message-check.ts';
import { callJetStream, JetStreamRefusal, REFUSED } from './jetstream-api.ts';
import type { NatsLink } from './nats-link.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** What a group consumes. */
export interface GroupRequest {
  readonly stream: KnownStream;
  readonly filter: SubjectFilter;
  readonly group: string;
  readonly start: Start;
  readonly ackWaitMs: number;
}

const NANOS_PER_MS = 1_000_000;
/** Work queues take consumers that deliver all, and none that overlap (`errors.json`). */
const QUEUE_REFUSALS: ReadonlySet<number> = new Set([10_099, 10_100, 10_101]);

/** Makes the consumer or joins it. @throws bus.bad_request, bus.bad_position, bus.unavailable, bus.forbidden, bus.closed */
export async function joinGroup(link: NatsLink, catalogue: StreamCatalogue, request: GroupRequest): Promise<void> {
  const found = await findGroup(link, request.stream.stream, request.group);
  if (found !== undefined) {
    if (found.filter_subject !== request.filter)
      throw badRequest(
        `group ${request.group} with filter ${request.filter}`,
        `it consumes ${found.filter_subject ?? 'something else'} already`,
      );
    if (found.ack_wait === request.ackWaitMs * NANOS_PER_MS) return;
    await create(link, request, { ...found, ack_wait: request.ackWaitMs * NANOS_PER_MS });
    return;
  }
  await create(link, request, {
    durable_name: request.group,
    name: request.group,
    ack_policy: AckPolicy.Explicit,
    ack_wait: request.ackWaitMs * NANOS_PER_MS,
    filter_subject: request.filter,
    max_deliver: -1,
    // Each member bounds what it holds; a bound over all would let one slow member stop the others.
    max_ack_pending: -1,
    replay_policy: ReplayPolicy.Instant,
    ...startOf(catalogue, request),
  });
}

/** Its configuration; undefined when there is no such group. @throws bus.unavailable, JetStreamRefusal */
export async function findGroup(link: NatsLink, stream: string, group: string): Promise<ConsumerConfig | undefined> {
  try {
    return (await callJetStream<JetStreamConsumer>(link, `CONSUMER.INFO.${stream}.${group}`)).config;
  } catch (error) {
    if (error instanceof JetStreamRefusal && error.code === REFUSED.consumerNotFound) return undefined;
    throw error;
  }
}

async function create(link: NatsLink, { stream, group, filter }: GroupRequest, config: object): Promise<void> {
  try {
    await callJetStream(link, `CONSUMER.CREATE.${stream.stream}.${group}.${filter}`, { stream_name: stream.stream, config, action: '' });
  } catch (error) {
    if (!(error instanceof JetStreamRefusal) || !QUEUE_REFUSALS.has(error.code)) throw error;
    throw badRequest(
      `group ${group}`,
      `the work queue ${stream.stream} gives each message to one group and has another (${error.message})`,
    );
  }
}

function startOf(catalogue: StreamCatalogue, { stream, start }: GroupRequest): object {
  if (start === 'first' || stream.config.retention === RetentionPolicy.Workqueue) return { deliver_policy: DeliverPolicy.All };
  if (start === 'new') return { deliver_policy: DeliverPolicy.New };
  if (start instanceof Date) return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: start.toISOString() };
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: catalogue.sequenceOf(stream, start.after) + 1 };
}
