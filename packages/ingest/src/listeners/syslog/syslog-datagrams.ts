/**
 * Syslog over UDP (RFC 5426): one message per datagram. There is no backpressure to give, so everything that is lost is counted: what
 * found no room here, and what the kernel dropped because it was not read in time.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isTocsinError, messageOf } from '@tocsin/core';
import { ByteGauge } from '../byte-gauge.ts';
import type { Listener, ListenerContext } from '../listener.ts';
import type { PeerBindings } from '../peer-bindings.ts';
import { RecordPump } from '../record-pump.ts';
import type { ProducerSpool } from '../spool/producer-spool.ts';
import { cannotOpen } from '../tls-settings.ts';
import { kernelDrops } from './kernel-drops.ts';
import type { SyslogSettings } from './syslog-settings.ts';

/** Opens a socket; resolves when it takes datagrams. @throws listener.cannot_open */
export async function openDatagrams(
  settings: SyslogSettings,
  bindings: PeerBindings,
  { context, spool }: { context: ListenerContext; spool: ProducerSpool | undefined },
): Promise<Listener> {
  const { host, port } = settings;
  const socket = createSocket({ type: isIP(host) === 6 ? 'udp6' : 'udp4', recvBufferSize: settings.receiveBufferBytes });
  try {
    socket.bind({ address: host, port });
    await once(socket, 'listening');
  } catch (cause) {
    socket.close();
    throw cannotOpen({ name: context.name, address: `udp://${host}:${port}` }, messageOf(cause), cause);
  }
  socket.on('error', (error) => context.onTrouble(error, `${context.name}: receiving datagrams`));
  const datagrams = new Datagrams(settings, bindings, { context, spool });
  socket.on('message', (message, from) => datagrams.take(message, from));
  const local = socket.address();
  const watch = setInterval(() => datagrams.countDrops(socket), DROPS_EVERY_MS);
  return {
    address: `udp://${local.family === 'IPv6' ? `[${local.address}]` : local.address}:${local.port}`,
    async [Symbol.asyncDispose]() {
      clearInterval(watch);
      datagrams.countDrops(socket);
      const closed = once(socket, 'close');
      socket.close();
      await Promise.all([closed, datagrams[Symbol.asyncDispose]()]);
    },
  };
}

const DROPS_EVERY_MS = 1000;
/** Peers whose source is remembered. */
const MAX_PEERS = 4096;
/** Sources with a queue of their own; the settings allow no more bindings. */
class Datagrams implements AsyncDisposable {
  readonly #settings: SyslogSettings;
  readonly #bindings: PeerBindings;
  readonly #context: ListenerContext;
  readonly #spool: ProducerSpool | undefined;
  readonly #gauge: ByteGauge;
  /** By source: one busy peer must not hold up the others' order, and there are few sources. */
  readonly #pumps = new Map<string, RecordPump>();
  #sources = new Map<string, string>();
  #kernelDrops = 0;

  constructor(
    settings: SyslogSettings,
    bindings: PeerBindings,
    { context, spool }: { context: ListenerContext; spool: ProducerSpool | undefined },
  ) {
    this.#spool = spool;
    this.#settings = settings;
    this.#bindings = bindings;
    this.#context = context;
    this.#gauge = new ByteGauge(settings.maxInFlightBytes);
  }

  take(message: Buffer, from: RemoteInfo): void {
    const { counts } = this.#context;
    counts.bytes += message.length;
    if (message.length === 0) return;
    let source: string;
    try {
      source = this.#sourceOf(from.address);
    } catch (error) {
      counts.refuse(isTocsinError(error) ? error.code : 'ingest.internal');
      this.#context.onTrouble(error, `${this.#context.name}: a datagram was refused`);
      return;
    }
    if (message.length > this.#settings.maxMessageBytes) {
      counts.records += 1;
      counts.reject('decode.too_large');
    } else if (this.#gauge.isFull) counts.refuse('listener.queue_full');
    else this.#pumpOf(source).push({ bytes: message });
  }

  countDrops(socket: Socket): void {
    const drops = kernelDrops(socket.address(), (path) => readFileSync(path, 'latin1'));
    if (drops === undefined || drops <= this.#kernelDrops) return;
    this.#context.counts.refuse('listener.kernel_dropped', drops - this.#kernelDrops);
    this.#kernelDrops = drops;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#pumps.values()].map((pump) => pump[Symbol.asyncDispose]()));
  }

  #sourceOf(address: string): string {
    const known = this.#sources.get(address);
    if (known !== undefined) return known;
    const source = this.#bindings.sourceOf({ address });
    if (this.#sources.size >= MAX_PEERS) this.#sources = new Map();
    this.#sources.set(address, source);
    return source;
  }

  #pumpOf(source: string): RecordPump {
    const known = this.#pumps.get(source);
    if (known !== undefined) return known;
    const pump = new RecordPump({
      context: this.#context,
      source: () => this.#context.boundSource(source),
      gauge: this.#gauge,
      spool: this.#spool,
      maxBytes: this.#settings.maxInFlightBytes,
    });
    this.#pumps.set(source, pump);
    return pump;
  }
}
