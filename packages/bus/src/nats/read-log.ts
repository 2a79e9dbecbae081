/** Reading the log: ranges in order, single messages by position, the last of a subject, the state of a stream, purging. */
import { type ConsumerInfo as JetStreamConsumer, RetentionPolicy } from '@nats-io/jetstream';
import { type Position, TocsinError } from '@tocsin/core';
import type { ReadOptions, Start, Stored, StreamInfo, SubjectFilter } from '../event-bus.ts';
import { parsePosition } from '../position.ts';
import { storedFromDelivery, storedFromKept } from './delivered-message.ts';
import { callJetStream } from './jetstream-api.ts';
import { getMessage } from './kept-message.ts';
import type { NatsLink } from './nats-link.ts';
import { type FeedStart, orderedFeed } from './ordered-feed.ts';
import type { KnownStream, StreamCatalogue } from './stream-catalogue.ts';

/** What reading works with. */
export interface LogAccess {
  readonly link: NatsLink;
  readonly catalogue: StreamCatalogue;
}

/** A read as asked for. */
export interface ReadRequest {
  readonly filter: SubjectFilter;
  readonly from: Start;
  readonly options: ReadOptions;
}

interface ReadRange {
  readonly stream: KnownStream;
  readonly filter: SubjectFilter;
  readonly start: FeedStart;
  /** Last sequence wanted. */
  readonly end: number;
  readonly most: number;
}

/** Positions asked for at once. */
const GET_WINDOW = 32;

/** Messages of a filter in stored order. @throws bus.bad_position, bus.no_stream, bus.unavailable, bus.closed, the reason of the abort */
export async function* readLog(access: LogAccess, request: ReadRequest, scope: AbortSignal): AsyncGenerator<Stored, void, undefined> {
  scope.throwIfAborted();
  const range = await rangeOf(access.catalogue, request);
  const { stream, filter, start, end, most } = range;
  if (most < 1 || end < 1 || (start.kind === 'sequence' && start.sequence > end)) return;
  if (stream.config.retention === RetentionPolicy.Workqueue) return yield* readQueue(access, range);
  let count = 0;
  for await (const delivered of orderedFeed(access, { stream, filter, start, follow: end > stream.state.last_seq, scope })) {
    const { streamSequence } = delivered.facts;
    if (streamSequence > end) return;
    yield storedFromDelivery(access.catalogue, stream, delivered);
    if (++count >= most || streamSequence >= end) return;
  }
}

/** What is asked for, in sequences. */
async function rangeOf(catalogue: StreamCatalogue, { filter, from, options }: ReadRequest): Promise<ReadRange> {
  const stream = await catalogue.findFresh(filter);
  const wanted = options.until === undefined ? Number.POSITIVE_INFINITY : catalogue.sequenceOf(stream, options.until);
  const end = options.follow === true ? wanted : Math.min(wanted, stream.state.last_seq);
  return { stream, filter, start: startOf(catalogue, stream, from), end, most: options.limit ?? Number.POSITIVE_INFINITY };
}

/** A work queue takes no consumer beside its group's, so its messages are got one by one. */
async function* readQueue(
  { link, catalogue }: LogAccess,
  { stream, filter, start, end, most }: ReadRange,
): AsyncGenerator<Stored, void, undefined> {
  if (end > stream.state.last_seq) {
    throw new TocsinError('bus.unsupported', {
      component: `A read that follows the work queue ${stream.stream}`,
      guarantee: 'reading ahead of its group',
      bus: 'nats',
    });
  }
  const notBefore = start.kind === 'time' ? start.time.getTime() : 0;
  let sequence = start.kind === 'sequence' ? start.sequence : 1;
  for (let count = 0; count < most && sequence <= end; ) {
    const message = await getMessage(link, stream, { seq: sequence, next_by_subj: filter });
    if (message === undefined) return;
    const stored = storedFromKept(catalogue, stream, message);
    sequence = parsePosition(stored.position).sequence + 1;
    if (sequence - 1 > end) return;
    if (stored.storedMs < notBefore) continue;
    count++;
    yield stored;
  }
}

/** The messages at these positions that are still kept, in this order. @throws bus.bad_position, bus.unavailable, bus.closed */
export async function getMessages({ link, catalogue }: LogAccess, positions: readonly Position[]): Promise<Stored[]> {
  const streams = new Map<string, KnownStream>();
  const found: Stored[] = [];
  for (let i = 0; i < positions.length; i += GET_WINDOW) {
    const some = await Promise.all(
      positions.slice(i, i + GET_WINDOW).map(async (position) => {
        const stream = await streamOfPosition(catalogue, streams, position);
        const message = await getMessage(link, stream, { seq: catalogue.sequenceOf(stream, position) });
        return message === undefined ? [] : [storedFromKept(catalogue, stream, message)];
      }),
    );
    found.push(...some.flat());
  }
  return found;
}

/** The newest message of a subject. @throws bus.no_stream, bus.unavailable, bus.closed */
export async function getLast({ link, catalogue }: LogAccess, subject: string): Promise<Stored | undefined> {
  const stream = await catalogue.findFresh(subject);
  const message = await getMessage(link, stream, { last_by_subj: subject });
  return message === undefined ? undefined : storedFromKept(catalogue, stream, message);
}

/** The state of a filter's stream and its groups. @throws bus.no_stream, bus.unavailable, bus.closed */
export async function streamInfo({ link, catalogue }: LogAccess, filter: SubjectFilter): Promise<StreamInfo> {
  const stream = await catalogue.findFresh(filter);
  const { state } = stream;
  const position = (sequence: number): Position | undefined => (state.messages === 0 ? undefined : catalogue.positionOf(stream, sequence));
  const consumers: StreamInfo['consumers'][number][] = [];
  for (let offset = 0; ; ) {
    const page = await callJetStream<{ total: number; consumers: JetStreamConsumer[] | null }>(link, `CONSUMER.LIST.${stream.stream}`, {
      offset,
    });
    for (const { config, num_pending, num_ack_pending, ack_floor } of page.consumers ?? []) {
      if (config.durable_name !== undefined)
        consumers.push({
          group: config.durable_name,
          pending: num_pending,
          unacknowledged: num_ack_pending,
          acknowledged: ack_floor.stream_seq === 0 ? undefined : catalogue.positionOf(stream, ack_floor.stream_seq),
        });
    }
    offset += page.consumers?.length ?? 0;
    if ((page.consumers?.length ?? 0) === 0 || offset >= page.total) break;
  }
  return {
    stream: stream.stream,
    messages: state.messages,
    bytes: state.bytes,
    first: position(state.first_seq),
    last: position(state.last_seq),
    consumers,
  };
}

/** Removes messages of a filter up to and including a position. @throws bus.bad_position, bus.no_stream, bus.forbidden, bus.unavailable, bus.closed */
export async function purgeLog({ link, catalogue }: LogAccess, filter: SubjectFilter, upTo: Position): Promise<number> {
  const stream = await catalogue.findFresh(filter);
  const sequence = catalogue.sequenceOf(stream, upTo);
  // Without a filter the server cuts its files; with one it looks at every message.
  const isWhole = stream.config.subjects.every((taken) => taken === filter);
  const which = isWhole ? {} : { filter };
  const { purged } = await callJetStream<{ purged: number }>(link, `STREAM.PURGE.${stream.stream}`, { ...which, seq: sequence + 1 });
  return purged;
}

async function streamOfPosition(catalogue: StreamCatalogue, seen: Map<string, KnownStream>, position: Position): Promise<KnownStream> {
  const { stream } = parsePosition(position);
  const known = seen.get(stream);
  if (known !== undefined) return known;
  try {
    const fresh = await catalogue.fresh(stream);
    seen.set(stream, fresh);
    return fresh;
  } catch (cause) {
    if (!(cause instanceof TocsinError) || cause.code !== 'bus.no_stream') throw cause;
    throw new TocsinError('bus.bad_position', { position, reason: `there is no stream ${stream}` }, { cause });
  }
}

function startOf(catalogue: StreamCatalogue, stream: KnownStream, from: Start): FeedStart {
  if (from === 'first') return { kind: 'sequence', sequence: Math.max(1, stream.state.first_seq) };
  if (from === 'new') return { kind: 'sequence', sequence: stream.state.last_seq + 1 };
  if (from instanceof Date) return { kind: 'time', time: from };
  return { kind: 'sequence', sequence: catalogue.sequenceOf(stream, from.after) + 1 };
}
