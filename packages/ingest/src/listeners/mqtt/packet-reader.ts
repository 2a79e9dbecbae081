/**
 * From bytes to packets: each is cut out by its own length, which is bounded before anything is kept, and only then decoded, so that no
 * packet is read beyond its end. What the codec lets pass is checked here; what a packet means is not.
 */
import { type Packet, type Parser, parser } from 'mqtt-packet';
import { StreamBuffer } from '../stream-buffer.ts';
import { MqttFault, protocolFault } from './mqtt-fault.ts';
import { readPlainPublish } from './plain-publish.ts';
import { reasonCode } from './reason-code.data.ts';

/** Most user properties of one packet. */
const MAX_USER_PROPERTIES = 64;
/** Packets that carry an identifier always; PUBLISH does above QoS 0. */
const IDENTIFIED: ReadonlySet<string> = new Set(['puback', 'pubrec', 'pubrel', 'pubcomp', 'subscribe', 'unsubscribe']);
/** Packets that a client may send. */
const FROM_CLIENTS: ReadonlySet<string> = new Set([...IDENTIFIED, 'connect', 'publish', 'pingreq', 'disconnect', 'auth']);

const CONNECT_HEAD = 0x10;

/** Cuts and decodes. */
export class PacketReader {
  /** Longest packet taken now; set higher once the device is known. */
  maxBytes: number;
  /** Whether the next packet must be CONNECT: what speaks another protocol is known by its first byte. */
  awaitsConnect = true;
  /** Version that the device speaks; undefined until CONNECT has said it. */
  version: 4 | 5 | undefined;
  readonly #stream = new StreamBuffer();
  readonly #parser: Parser = parser();
  #rest: Buffer = Buffer.alloc(0);
  #packet: Packet | undefined;
  #error: Error | undefined;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
    this.#parser.on('packet', (packet) => {
      this.#packet = packet;
    });
    this.#parser.on('error', (error: Error) => {
      this.#error ??= error;
    });
  }

  /** Bytes not yet read. */
  get heldBytes(): number {
    return this.#rest.length;
  }

  append(chunk: Buffer): void {
    this.#rest = this.#stream.append(chunk);
  }

  /** Forgets what was not read. */
  clear(): void {
    this.#rest = this.#stream.drop(Number.POSITIVE_INFINITY);
  }

  /** The next packet, as soon as it is whole. @throws MqttFault */
  next(): Packet | undefined {
    if (this.awaitsConnect && this.#rest.length > 0 && this.#rest[0] !== CONNECT_HEAD) throw protocolFault('something before CONNECT');
    const length = this.#lengthOfNext();
    if (length === undefined) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#stream.drop(length);
    return this.#decode(bytes);
  }

  /** Length of the whole next packet; undefined where it is not there yet. */
  #lengthOfNext(): number | undefined {
    let value = 0;
    for (let i = 1; i <= 4; i++) {
      const byte = this.#rest[i];
      if (byte === undefined) return undefined;
      value += (byte & 0x7f) * 128 ** (i - 1);
      if (byte >= 0x80) continue;
      const length = 1 + i + value;
      if (length > this.maxBytes)
        throw new MqttFault(reasonCode.tooLarge, `a packet of more than ${this.maxBytes} bytes`, { code: 'decode.too_large' });
      return length <= this.#rest.length ? length : undefined;
    }
    throw protocolFault('a length of more than four bytes', reasonCode.malformed);
  }

  #decode(bytes: Buffer): Packet {
    const plain = this.version === undefined ? undefined : readPlainPublish(bytes, this.version);
    if (plain !== undefined) {
      checkPacket(plain);
      return plain;
    }
    this.#packet = undefined;
    try {
      this.#parser.parse(bytes);
    } catch (error) {
      // Some packets that end too early are found by reading past the end.
      this.#error ??= error as Error;
    }
    if (this.#error !== undefined || this.#packet === undefined) {
      const why = this.#error?.message ?? 'a packet that ends too early';
      throw protocolFault(why, why === 'Invalid protocol version' ? reasonCode.badVersion : reasonCode.malformed);
    }
    checkPacket(this.#packet);
    return this.#packet;
  }
}

/** A member of the properties that must be one number; undefined where it is not there. @throws MqttFault */
export function numberOf(properties: object | undefined, name: string): number | undefined {
  const value = (properties as Record<string, unknown> | undefined)?.[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || value < 0) throw protocolFault(`${name} twice, or none`);
  return value;
}

function checkPacket(packet: Packet): void {
  const { cmd, messageId } = packet;
  if (!FROM_CLIENTS.has(cmd)) throw protocolFault(`${cmd} from a client`);
  const isIdentified = IDENTIFIED.has(cmd) || (packet.cmd === 'publish' && packet.qos > 0);
  if (isIdentified && !(messageId !== undefined && messageId >= 1))
    throw protocolFault('a packet identifier that is none', reasonCode.malformed);
  if (packet.cmd === 'publish' && packet.qos === 0 && packet.dup) throw protocolFault('a resend at QoS 0', reasonCode.malformed);
  checkUserProperties(packet);
}

function checkUserProperties(packet: Packet): void {
  const { userProperties } = ('properties' in packet ? (packet.properties ?? {}) : {}) as { userProperties?: Record<string, unknown> };
  if (userProperties === undefined) return;
  const count = Object.values(userProperties).reduce<number>((sum, one) => sum + (Array.isArray(one) ? one.length : 1), 0);
  if (count > MAX_USER_PROPERTIES) throw protocolFault('too many user properties', reasonCode.notPossible);
}
