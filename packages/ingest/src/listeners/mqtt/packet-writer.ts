/** From packets to a socket: what is said in one turn of the event loop goes in one write. A device that does not read is closed. */
import type { Socket } from 'node:net';
import { generate, type Packet } from 'mqtt-packet';
import { reasonCode } from './reason-code.data.ts';

/** Bytes of answers that a device may leave unread. */
const MAX_UNREAD = 1 << 20;
/** First byte of the acknowledgements that are sent (section 2.1). */
const ACK_HEADS = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;

/** Kinds of acknowledgements that are sent. */
export type AckKind = keyof typeof ACK_HEADS;

/** Writes packets to one device. */
export class PacketWriter {
  version: 4 | 5 = 4;
  readonly #socket: Pick<Socket, 'write' | 'writableLength' | 'writable' | 'destroy'>;
  readonly #onUnread: () => void;
  #parts: Buffer[] = [];

  constructor(socket: Pick<Socket, 'write' | 'writableLength' | 'writable' | 'destroy'>, onUnread: () => void) {
    this.#socket = socket;
    this.#onUnread = onUnread;
  }

  /** Says a packet. */
  send(packet: Packet): void {
    this.#push(generate(packet, { protocolVersion: this.version }));
  }

  /** Acknowledges a message; version 3.1.1 knows no reasons. */
  acknowledge(kind: AckKind, messageId: number, reason: number = reasonCode.success): void {
    const head = ACK_HEADS[kind];
    const [high, low] = [messageId >> 8, messageId & 0xff];
    const isPlain = this.version === 4 || reason === reasonCode.success;
    this.#push(Buffer.from(isPlain ? [head, 2, high, low] : [head, 3, high, low, reason]));
  }

  /** Writes what was said. */
  flush(): void {
    const parts = this.#parts;
    if (parts.length === 0) return;
    this.#parts = [];
    if (!this.#socket.writable) return;
    this.#socket.write(parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts));
    if (this.#socket.writableLength > MAX_UNREAD) this.#onUnread();
  }

  #push(bytes: Buffer): void {
    this.#parts.push(bytes);
    if (this.#parts.length === 1) setImmediate(() => this.flush());
  }
}
