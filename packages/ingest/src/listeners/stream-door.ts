/**
 * A TCP or TLS server with the limits that every listener of streams needs: connections in all and per peer, a deadline for handshakes, an
 * idle timeout, and an end that lets what was read become durable. What is said on a connection is its conversation's job.
 */
import { once } from 'node:events';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type SecureContextOptions, type TLSSocket, type Server as TlsServer } from 'node:tls';
import { isTocsinError, messageOf } from '@tocsin/core';
import { count, duration, type SettingsOf, settings } from '@tocsin/core/setting';
import type { Listener, ListenerContext } from './listener.ts';
import { plainAddress } from './peer-bindings.ts';
import { cannotOpen } from './tls-settings.ts';

/** Settings `limits` of listeners of streams. */
export const streamLimits = {
  maxConnections: count({ about: 'Connections open at once. Beyond it new ones are closed.', default: 4096, min: 1, max: 100_000 }),
  maxConnectionsPerPeer: count({ about: 'Connections from one address.', default: 256, min: 1, max: 100_000 }),
  idleTimeout: duration({
    about: 'A connection on which nothing arrives for this long is closed. Senders that get no answers may lose what they send next.',
    default: '2h',
    min: 100,
  }),
  stallTimeout: duration({
    about: 'A connection whose message or handshake has begun and is not complete after this long is closed.',
    default: '30s',
    min: 100,
  }),
} as const;

const limitGroup = settings({ about: 'Limits of connections.', fields: streamLimits });
type StreamLimits = SettingsOf<typeof limitGroup>;

/** A connection as its door sees it. Disposing says that the door closes: it reads no more and waits, at most 8 seconds, for what it has read. */
export interface Conversation extends AsyncDisposable {
  /** Bytes came. */
  read(chunk: Buffer): void;
  /** The peer has said its last. Resolves when everything that was read is dealt with; the connection is closed then. */
  end(): Promise<void>;
  /** Whether something was begun and is not complete. */
  readonly isMidway: boolean;
  /** Bytes held of what was begun. */
  readonly partialBytes: number;
  /** Asked every few seconds, also while nothing is said: ends the connection of a peer that may not send any more. */
  review?(): void;
}

/** What a door is opened with. */
export interface StreamDoorOptions {
  readonly context: Pick<ListenerContext, 'name' | 'counts' | 'onTrouble' | 'clock'>;
  readonly host: string;
  readonly port: number;
  /** Present where it speaks TLS. */
  readonly tls?:
    | (SecureContextOptions & {
        readonly requestCert: boolean;
        /** Certificates for connections to come, where they have changed. Asked every 30 seconds, and once at the start. */
        readonly renew: () => Promise<SecureContextOptions | undefined>;
      })
    | undefined;
  readonly limits: StreamLimits;
  /** Bytes of messages not yet complete, all connections together; whoever exceeds it with a large one is closed. */
  readonly maxPartialBytes: number;
  /** Begins a conversation. Where it throws, the connection is closed and its code counted as refused. */
  readonly converse: (socket: Socket | TLSSocket, peer: string) => Conversation;
}

/** Opens a server; resolves when it takes connections. @throws listener.cannot_open */
export async function openStreamDoor(options: StreamDoorOptions): Promise<Listener> {
  const { host, port, tls, limits } = options;
  const door = new StreamDoor(options);
  const tlsServer =
    tls && createTlsServer({ ...tls, rejectUnauthorized: false, handshakeTimeout: limits.stallTimeout }, (socket) => door.converse(socket));
  const server: Server = tlsServer ?? createTcpServer({ keepAlive: true, noDelay: true }, (socket) => door.converse(socket));
  // A connection counts before its handshake.
  if (tls) server.on('connection', (socket: Socket) => void door.admit(socket));
  server.on('tlsClientError', (error) => door.refuse(error, 'listener.tls_failed'));
  try {
    server.listen({ host, port, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (cause) {
    throw cannotOpen({ name: options.context.name, address: `${host}:${port}` }, messageOf(cause), cause);
  }
  door.start();
  if (tls && tlsServer) door.renewTls(tlsServer, tls.renew);
  server.on('error', (error) => options.context.onTrouble(error, `${options.context.name}: accepting connections`));
  return { address: addressOf(server, tls ? 'tls' : 'tcp'), [Symbol.asyncDispose]: () => door.close(server) };
}

/** Connections that may wait to be accepted: agents all reconnect at once. The kernel takes less where net.core.somaxconn is. */
const BACKLOG = 4096;
const RENEW_EVERY_MS = 30_000;
/** How long a connection on which nothing is said may outlive its right to be there. */
const REVIEW_EVERY_MS = 3_000;

/** A connection that speaks. */
interface Open {
  readonly conversation: Conversation;
  /** Since when its present message has been coming; monotonic milliseconds. */
  begunMs: number;
  /** Bytes of it that are held. */
  partialBytes: number;
}

/** A connection that holds less than this is never closed for what others hold. */
const SMALL_PARTIAL = 16 << 10;

class StreamDoor {
  readonly #options: StreamDoorOptions;
  readonly #perPeer = new Map<string, number>();
  /** Every connection that was let in, those in their handshake included. */
  readonly #admitted = new Set<Socket>();
  readonly #open = new Map<Socket, Open>();
  /** Ends of conversations that are under way. */
  readonly #ending = new Set<Promise<void>>();
  #watch: NodeJS.Timeout | undefined;
  #review: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #partialBytes = 0;
  #isClosing = false;

  constructor(options: StreamDoorOptions) {
    this.#options = options;
  }

  /** Begins to look after connections. */
  start(): void {
    this.#watch = setInterval(() => this.#dropStalled(), Math.min(1000, this.#options.limits.stallTimeout / 2));
    this.#review = setInterval(() => this.#reviewAll(), REVIEW_EVERY_MS);
  }

  /** Looks for new certificates from time to time. */
  renewTls(server: TlsServer, renew: () => Promise<SecureContextOptions | undefined>): void {
    const { context } = this.#options;
    const look = (): void => {
      renew().then(
        (options) => options && server.setSecureContext(options),
        (error: unknown) => context.onTrouble(error, `${context.name}: new certificates cannot be used, the old ones stay`),
      );
    };
    look();
    this.#renewal = setInterval(look, RENEW_EVERY_MS);
  }

  /** Counts a connection in; false where there is no room for it, and it was closed. */
  admit(socket: Socket): boolean {
    const { counts } = this.#options.context;
    const { maxConnections, maxConnectionsPerPeer } = this.#options.limits;
    const peer = plainAddress(socket.remoteAddress ?? '');
    const fromPeer = this.#perPeer.get(peer) ?? 0;
    if (this.#isClosing || counts.connections >= maxConnections || fromPeer >= maxConnectionsPerPeer) {
      counts.refuse(this.#isClosing ? 'ingest.closing' : 'listener.too_many_connections');
      socket.on('error', ignoreAfterClose).destroy();
      return false;
    }
    counts.connections += 1;
    this.#perPeer.set(peer, fromPeer + 1);
    this.#admitted.add(socket);
    socket.once('close', () => {
      counts.connections -= 1;
      this.#admitted.delete(socket);
      const left = (this.#perPeer.get(peer) ?? 1) - 1;
      if (left === 0) this.#perPeer.delete(peer);
      else this.#perPeer.set(peer, left);
    });
    return true;
  }

  /** Begins to listen to a connection. */
  converse(socket: Socket | TLSSocket): void {
    const { context, converse, tls } = this.#options;
    if (tls === undefined && !this.admit(socket)) return;
    socket.on('error', (error) => context.onTrouble(error, `${context.name}: a connection broke`));
    try {
      const conversation = converse(socket, plainAddress(socket.remoteAddress ?? ''));
      this.#listen(socket, { conversation, begunMs: context.clock.monotonicMs(), partialBytes: 0 });
    } catch (error) {
      this.refuse(error, 'ingest.internal');
      socket.destroy();
    }
  }

  /** Counts a connection that came to nothing. */
  refuse(error: unknown, otherwise: string): void {
    const { counts, onTrouble, name } = this.#options.context;
    counts.refuse(isTocsinError(error) ? error.code : otherwise);
    onTrouble(error, `${name}: a connection was refused`);
  }

  /** Takes no more connections, lets conversations end, closes. */
  async close(server: Server): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#watch);
    clearInterval(this.#review);
    clearInterval(this.#renewal);
    const closed = once(server, 'close');
    server.close();
    const ends = [...this.#open].map(async ([socket, { conversation }]) => {
      socket.pause();
      await conversation[Symbol.asyncDispose]();
    });
    await Promise.allSettled(ends);
    for (const socket of this.#admitted) socket.destroy();
    await closed;
    await Promise.allSettled(this.#ending);
  }

  #listen(socket: Socket, open: Open): void {
    const { context, limits } = this.#options;
    const { conversation } = open;
    this.#open.set(socket, open);
    socket.setTimeout(limits.idleTimeout, () => {
      // Nothing is read while it is paused, which is no fault of the peer.
      if (!socket.isPaused()) this.#drop(socket, 'listener.idle');
    });
    socket.on('data', (chunk: Buffer) => {
      const { records } = context.counts;
      const wasMidway = conversation.isMidway;
      context.counts.bytes += chunk.length;
      conversation.read(chunk);
      // A message that was completed begins the time of the next.
      if (!wasMidway || context.counts.records !== records) open.begunMs = context.clock.monotonicMs();
      this.#weigh(socket, open, conversation.partialBytes);
    });
    socket.once('close', () => {
      this.#open.delete(socket);
      this.#partialBytes -= open.partialBytes;
      this.#end(conversation);
    });
  }

  /** Counts what is held of incomplete messages; who holds much while all hold too much is closed. */
  #weigh(socket: Socket, open: Open, partialBytes: number): void {
    this.#partialBytes += partialBytes - open.partialBytes;
    open.partialBytes = partialBytes;
    if (this.#partialBytes <= this.#options.maxPartialBytes || partialBytes <= SMALL_PARTIAL) return;
    // At once, so that nobody else is closed for it.
    this.#partialBytes -= partialBytes;
    open.partialBytes = 0;
    this.#drop(socket, 'ingest.overloaded');
  }

  #dropStalled(): void {
    const nowMs = this.#options.context.clock.monotonicMs();
    for (const [socket, open] of this.#open) {
      if (!open.conversation.isMidway || socket.isPaused()) open.begunMs = nowMs;
      else if (nowMs - open.begunMs >= this.#options.limits.stallTimeout) this.#drop(socket, 'listener.stalled');
    }
  }

  #reviewAll(): void {
    for (const { conversation } of this.#open.values()) conversation.review?.();
  }

  #drop(socket: Socket, code: 'listener.stalled' | 'listener.idle' | 'ingest.overloaded'): void {
    this.#options.context.counts.refuse(code);
    socket.destroy();
  }

  #end(conversation: Conversation): void {
    const { context } = this.#options;
    const end = conversation
      .end()
      .catch((error: unknown) => context.onTrouble(error, `${context.name}: a connection did not end well`))
      .finally(() => this.#ending.delete(end));
    this.#ending.add(end);
  }
}

/** A connection that is being refused may report that the peer has gone: nobody is left who would care. */
function ignoreAfterClose(): void {
  return undefined;
}

function addressOf(server: Server, scheme: string): string {
  const address = server.address();
  if (address === null || typeof address === 'string') return `${scheme}:${String(address)}`;
  return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`;
}
