/**
 * One connection of a forward client: handshake where keys are asked for, then messages, in order, each acknowledged once durable where it
 * wants to be. What is no message ends the connection: there is no way to find the next one.
 */
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { encode } from '@msgpack/msgpack';
import { TocsinError } from '@tocsin/core';
import type { Source } from '../../source.ts';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import { RecordPump } from '../record-pump.ts';
import { StreamBuffer } from '../stream-buffer.ts';
import type { Conversation } from '../stream-door.ts';
import { type ForwardMessage, readEntries, readForwardMessage } from './forward-message.ts';
import type { ForwardSettings } from './forward-settings.ts';
import { type Challenge, encodeHelo, encodePong, type ForwardSender, readPing, senderOf } from './handshake.ts';
import { scanFrom, scanOn } from './message-pack.ts';

/** What a conversation is made of. */
export interface ForwardConversationOptions {
  readonly socket: Pick<Socket, 'pause' | 'resume' | 'destroy' | 'write' | 'writableLength' | 'writable'>;
  readonly context: ListenerContext;
  readonly gauge: ByteGauge;
  readonly settings: ForwardSettings;
  /** Name of the source that the peer is bound to; undefined where a handshake is to tell. */
  readonly bound: string | undefined;
  readonly senders: readonly ForwardSender[];
}

/** Bytes of answers that a client may leave unread. */
const MAX_UNREAD_ANSWERS = 1 << 20;
const SERVER_NAME = 'tocsin';
const INFLATE = { gzip: promisify(gunzip), zstd: promisify(zstdDecompress) };

/** A conversation. */
export class ForwardConversation implements Conversation {
  readonly #options: ForwardConversationOptions;
  readonly #pump: RecordPump;
  readonly #stream = new StreamBuffer();
  readonly #challenge: Challenge | undefined;
  #scan = scanFrom(0);
  #rest: Buffer = Buffer.alloc(0);
  #source: string | undefined;
  #messages = 0;
  /** Messages cut out and not read yet, while one before them is being decompressed. */
  readonly #waiting: Buffer[] = [];
  #working: Promise<void> | undefined;
  #isOver = false;

  constructor(options: ForwardConversationOptions) {
    const { socket, context, gauge, settings, bound, senders } = options;
    this.#options = options;
    this.#source = bound;
    this.#pump = new RecordPump({
      context,
      gauge,
      maxBytes: settings.maxInFlightBytesPerConnection,
      source: () => this.#boundSource(),
      onRoom: () => this.#readOn(),
      onRefused: () => this.#leave(),
    });
    if (bound !== undefined) return;
    const hasUsers = senders.some(({ user }) => user !== undefined);
    this.#challenge = { nonce: randomBytes(16), authSalt: hasUsers ? randomBytes(16) : new Uint8Array(0) };
    socket.write(encodeHelo(this.#challenge));
  }

  get isMidway(): boolean {
    return this.#rest.length > 0 || (this.#source === undefined && !this.#isOver);
  }

  get partialBytes(): number {
    return this.#rest.length;
  }

  read(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#rest = this.#stream.append(chunk);
    try {
      while (this.#rest.length > 0 && scanOn(this.#scan, this.#rest)) this.#cut();
      if (this.#rest.length > this.#maxBytes()) this.#fail('decode.too_large', `a message of more than ${this.#maxBytes()} bytes`);
    } catch (error) {
      this.#fail('listener.bad_frame', (error as Error).message);
    }
    this.#start();
    if (this.#mustWait()) this.#options.socket.pause();
  }

  review(): void {
    // Who has not said yet who it is has the time of a stalled message for it.
    if (this.#source !== undefined && !this.#isOver) this.#pump.review();
  }

  async end(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
    if (this.#rest.length > 0 && !this.#isOver) this.#fail('listener.bad_frame', 'a message that breaks off');
    await this.#pump.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#pump[Symbol.asyncDispose]();
  }

  /** Until a client is known it may say little. */
  #maxBytes(): number {
    return this.#source === undefined ? 4096 : this.#options.settings.maxMessageBytes;
  }

  #cut(): void {
    this.#waiting.push(this.#rest.subarray(0, this.#scan.at));
    this.#rest = this.#stream.drop(this.#scan.at);
    this.#scan = scanFrom(0);
  }

  #mustWait(): boolean {
    return this.#working !== undefined || this.#pump.mustWait();
  }

  #readOn(): void {
    if (!this.#isOver && !this.#mustWait()) this.#options.socket.resume();
  }

  /** Begins to deal with what was cut out, unless that is under way. */
  #start(): void {
    if (this.#working !== undefined || this.#waiting.length === 0 || this.#isOver) return;
    this.#working = this.#work().then(() => {
      this.#working = undefined;
      this.#start();
      this.#readOn();
    });
  }

  /** Deals with what was cut out, in order. Never rejects. */
  async #work(): Promise<void> {
    try {
      for (let message = this.#waiting.shift(); message !== undefined && !this.#isOver; message = this.#waiting.shift())
        await this.#take(message);
    } catch (error) {
      this.#fail('listener.bad_frame', (error as Error).message);
    }
  }

  async #take(bytes: Buffer): Promise<void> {
    if (this.#source === undefined) return this.#shakeHands(bytes);
    const message = readForwardMessage(bytes);
    if (message === undefined) return;
    const entries = message.compressed === undefined ? message.entries : await this.#inflate(message.entries, message.compressed);
    if (entries !== undefined) this.#push(message, entries);
  }

  #shakeHands(bytes: Buffer): void {
    const { socket, senders, context } = this.#options;
    const challenge = this.#challenge as Challenge;
    const ping = readPing(bytes);
    const sender = senderOf(ping, senders, challenge);
    socket.write(encodePong(ping, SERVER_NAME, sender && { sender, challenge }));
    this.#source = sender?.source;
    if (sender !== undefined) return;
    context.counts.refuse('auth.refused');
    this.#leave();
  }

  async #inflate(packed: Buffer, how: 'gzip' | 'zstd'): Promise<Buffer | undefined> {
    const { maxInflatedBytes } = this.#options.settings;
    try {
      return await INFLATE[how](packed, { maxOutputLength: maxInflatedBytes });
    } catch (error) {
      const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
      this.#fail(isTooLarge ? 'decode.too_large' : 'listener.bad_frame', isTooLarge ? `more than ${maxInflatedBytes} bytes` : `no ${how}`);
      return undefined;
    }
  }

  #push({ tag, chunk }: ForwardMessage, entries: Buffer): void {
    const { settings } = this.#options;
    // The sender's chunk id stays the same when it sends the chunk again.
    const key = chunk ?? `${this.#connectionId()}-${this.#messages++}`;
    let place = 0;
    for (const entry of readEntries(entries)) {
      const id = `${key}-${place++}`;
      if ('reason' in entry) this.#reject('ingest.bad_record');
      else if (entry.json.length > settings.maxRecordBytes) this.#reject('decode.too_large');
      else this.#pump.push({ bytes: Buffer.from(entry.json), envelope: { id, subject: tag, timeMs: entry.timeMs } });
    }
    if (chunk !== undefined) this.#pump.whenSettled(() => this.#acknowledge(chunk));
  }

  #acknowledge(chunk: string): void {
    const { socket } = this.#options;
    if (!socket.writable) return;
    socket.write(encode({ ack: chunk }));
    if (socket.writableLength > MAX_UNREAD_ANSWERS) this.#leave();
  }

  #id: string | undefined;
  #connectionId(): string {
    this.#id ??= this.#options.context.nextId();
    return this.#id;
  }

  #boundSource(): Source {
    return this.#options.context.boundSource(this.#source ?? '');
  }

  #reject(code: 'ingest.bad_record' | 'decode.too_large'): void {
    const { counts } = this.#options.context;
    counts.records += 1;
    counts.reject(code);
  }

  /** Ends the connection over what it said. */
  #fail(code: 'decode.too_large' | 'listener.bad_frame', reason: string): void {
    if (this.#isOver) return;
    const { context } = this.#options;
    const error = new TocsinError('listener.bad_frame', { listener: context.name });
    context.onTrouble(error, `${context.name}: a connection was closed over ${reason}`);
    context.counts.records += 1;
    context.counts.reject(code);
    this.#leave();
  }

  #leave(): void {
    this.#isOver = true;
    this.#rest = this.#stream.drop(Number.POSITIVE_INFINITY);
    const { socket } = this.#options;
    // A refusal that was just written should still arrive.
    setImmediate(() => socket.destroy());
  }
}
