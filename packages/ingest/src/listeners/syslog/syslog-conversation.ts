/** One TCP or TLS connection of a syslog sender: cuts what it says into messages and stops reading while they cannot be stored. */
import type { Socket } from 'node:net';
import type { Source } from '../../source.ts';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import { RecordPump } from '../record-pump.ts';
import type { ProducerSpool } from '../spool/producer-spool.ts';
import type { Conversation } from '../stream-door.ts';
import { SyslogFraming } from './syslog-framing.ts';
import type { SyslogSettings } from './syslog-settings.ts';

/** What a conversation is made of. */
export interface SyslogConversationOptions {
  readonly socket: Pick<Socket, 'pause' | 'resume' | 'destroy'>;
  readonly context: ListenerContext;
  readonly source: () => Source;
  readonly gauge: ByteGauge;
  readonly spool: ProducerSpool | undefined;
  readonly settings: Pick<SyslogSettings, 'maxMessageBytes' | 'maxInFlightBytesPerConnection'>;
}

/** A conversation; the sender is never answered. */
export class SyslogConversation implements Conversation {
  readonly #socket: SyslogConversationOptions['socket'];
  readonly #pump: RecordPump;
  readonly #framing: SyslogFraming;

  constructor({ socket, context, source, gauge, spool, settings }: SyslogConversationOptions) {
    this.#socket = socket;
    this.#pump = new RecordPump({
      context,
      source,
      gauge,
      spool,
      maxBytes: settings.maxInFlightBytesPerConnection,
      onRoom: () => socket.resume(),
      onRefused: () => socket.destroy(),
    });
    this.#framing = new SyslogFraming(settings.maxMessageBytes, {
      onMessage: (message) => this.#pump.push({ bytes: message }),
      onBad: (code) => {
        context.counts.records += 1;
        context.counts.reject(code);
      },
    });
  }

  get isMidway(): boolean {
    return this.#framing.isMidway;
  }

  get partialBytes(): number {
    return this.#framing.partialBytes;
  }

  read(chunk: Buffer): void {
    this.#framing.push(chunk);
    if (this.#pump.mustWait()) this.#socket.pause();
  }

  review(): void {
    this.#pump.review();
  }

  async end(): Promise<void> {
    this.#framing.end();
    await this.#pump.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pump[Symbol.asyncDispose]();
  }
}
