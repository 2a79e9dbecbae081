/**
 * One membership in a consumer group, from joining to leaving: messages go to a pump, offsets are committed when it has settled them. The
 * client sends heartbeats by itself, so a paused session stays a member. A message is never left out on the way: after a rebalance the
 * client begins again at what was committed, and what was read before is settled first, in order.
 */
import { Consumer, type ConnectionOptions as KafkaConnection, type Message, type MessagesStream } from '@platformatic/kafka';
import { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import { atMost } from '../pull/pull-loop.ts';
import { RecordPump } from '../record-pump.ts';
import { boundDecompression } from './bounded-decompression.ts';
import { recordOfKafkaMessage } from './kafka-record.ts';
import type { KafkaSettings } from './kafka-settings.ts';

/** What a session needs. */
export interface KafkaSessionOptions {
  readonly settings: KafkaSettings;
  readonly context: ListenerContext;
  readonly tls: KafkaConnection['tls'];
  readonly signal: AbortSignal;
}

const SESSION_TIMEOUT_MS = 15_000;
const LAG_EVERY_MS = 5_000;
const CLOSE_WITHIN_MS = 2_000;
/** Bytes asked for at once, all partitions together, and of one. */
const FETCH_BYTES = 8 << 20;
const FETCH_PARTITION_BYTES = 1 << 20;

type Bytes = MessagesStream<Buffer, Buffer, Buffer, Buffer>;

/** Reads until the signal aborts; rejects where the cluster or the source fails. */
export async function readKafka(options: KafkaSessionOptions): Promise<void> {
  const { settings, context, signal } = options;
  context.boundSource(settings.source);
  boundDecompression();
  const consumer = new Consumer<Buffer, Buffer, Buffer, Buffer>(consumerOptions(options));
  const session = new KafkaSession(options, consumer);
  try {
    const opening = consumer.consume({ topics: [...settings.topics], mode: 'committed', fallbackMode: settings.from, autocommit: false });
    await untilAborted(opening, signal);
    if (!signal.aborted) await session.run(await opening);
  } finally {
    context.counts.connections = 0;
    await session[Symbol.asyncDispose]();
    await atMost(consumer.close(true), CLOSE_WITHIN_MS);
  }
}

function consumerOptions({
  settings,
  tls,
}: KafkaSessionOptions): ConstructorParameters<typeof Consumer<Buffer, Buffer, Buffer, Buffer>>[0] {
  const { username, password } = settings;
  const mechanisms = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;
  return {
    clientId: 'tocsin',
    groupId: settings.group,
    bootstrapBrokers: [...settings.brokers],
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: 2 * SESSION_TIMEOUT_MS,
    maxBytes: Math.min(FETCH_BYTES, settings.maxInFlightBytes),
    maxBytesPerPartition: FETCH_PARTITION_BYTES,
    isolationLevel: 1,
    retries: 1,
    ...(settings.useTls && tls && { tls, tlsServerName: tls.servername ?? true }),
    ...(settings.mechanism !== 'none' && {
      sasl: { mechanism: mechanisms[settings.mechanism], username: username ?? '', password: password?.reveal() ?? '' },
    }),
  };
}

class KafkaSession implements AsyncDisposable {
  readonly #options: KafkaSessionOptions;
  readonly #consumer: Consumer;
  readonly #pump: RecordPump;
  readonly #ended = Promise.withResolvers<void>();
  readonly #commits = new Set<Promise<void>>();
  #stream: Bytes | undefined;
  /** Last message read of each partition since the last mark. */
  #last = new Map<string, Message>();
  #isMarking = false;

  constructor(options: KafkaSessionOptions, consumer: Consumer) {
    const { context, settings } = options;
    this.#options = options;
    this.#consumer = consumer;
    this.#pump = new RecordPump({
      context,
      source: () => context.boundSource(settings.source),
      maxBytes: settings.maxInFlightBytes,
      gauge: new ByteGauge(settings.maxInFlightBytes),
      onRoom: () => this.#stream?.resume(),
      onRefused: (error) => this.#ended.reject(error),
    });
    // It may end before anybody waits for it.
    void Promise.allSettled([this.#ended.promise]);
    // Without a listener the client's failure to join again would end the process; with it there are no heartbeats any more.
    consumer.on('error', (error: Error) => this.#ended.reject(error));
    consumer.on('consumer:heartbeat:stalled', ({ lastError }) => this.#ended.reject(lastError ?? new Error('no heartbeat went through')));
  }

  /** Resolves when the signal aborts. */
  async run(stream: Bytes): Promise<void> {
    const { context, settings, signal } = this.#options;
    this.#stream = stream;
    context.counts.connections = 1;
    stream.on('error', (error) => this.#ended.reject(error));
    stream.on('close', () => this.#ended.reject(new Error('the client closed its stream')));
    stream.on('data', (message) => this.#take(message));
    this.#consumer.on('consumer:lag', (lag) => {
      context.counts.waiting = [...lag.values()].flat().reduce((sum, each) => sum + Math.max(0, Number(each)), 0);
    });
    this.#consumer.startLagMonitoring({ topics: [...settings.topics] }, LAG_EVERY_MS);
    await untilAborted(this.#ended.promise, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#consumer.stopLagMonitoring();
    this.#stream?.pause();
    await this.#pump[Symbol.asyncDispose]();
    await atMost(Promise.all(this.#commits), CLOSE_WITHIN_MS);
  }

  #take(message: Message): void {
    const { context, settings } = this.#options;
    context.counts.bytes += message.value?.length ?? 0;
    const record = recordOfKafkaMessage(message, { listener: context.name, maxBytes: settings.maxRecordBytes });
    if (record.refused?.code === 'ingest.body_too_large') this.#tellCut(message, record.refused.reason);
    this.#pump.push(record);
    this.#last.set(`${message.topic} ${message.partition}`, message);
    if (this.#isMarking) return;
    this.#isMarking = true;
    setImmediate(() => this.#mark());
  }

  #tellCut({ topic, partition, offset }: Message, reason: string): void {
    const { context } = this.#options;
    context.onTrouble(new Error(reason), `${context.name}: a batch of ${topic}, partition ${partition}, at ${offset} was passed over`);
  }

  /** What was read so far is committed once it is settled; where it is too much, nothing more is read. */
  #mark(): void {
    this.#isMarking = false;
    const read = [...this.#last.values()];
    this.#last = new Map();
    this.#pump.whenSettled(() => {
      for (const message of read) if (this.#isOurs(message)) this.#commit(message);
    });
    if (this.#pump.mustWait()) this.#stream?.pause();
  }

  /** Partitions that went to another member are not for us to commit. */
  #isOurs({ topic, partition }: Message): boolean {
    return this.#consumer.assignments?.some((each) => each.topic === topic && each.partitions.includes(partition)) === true;
  }

  #commit(message: Message): void {
    const commit = Promise.resolve(message.commit()).catch((error: unknown) => this.#ended.reject(error));
    this.#commits.add(commit);
    void commit.then(() => this.#commits.delete(commit));
  }
}

/** Resolves when the promise does or the signal aborts. */
async function untilAborted(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
