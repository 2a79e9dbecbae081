/** A client of MQTT that does exactly what a test says, be it right or wrong. Real clients are in `tests/agents`. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { generate, type IConnectPacket, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import { eventually } from '../src/listeners/contract/contract-intake.ts';

/** How it connects. */
export interface MqttClientOptions {
  readonly port: number;
  readonly version: 4 | 5;
  readonly password?: string | undefined;
  readonly clientId?: string | undefined;
  readonly connect?: Partial<IConnectPacket> | undefined;
}

let made = 0;

/** A client. */
export class MqttClient {
  readonly socket: Socket;
  readonly clientId: string;
  readonly heard: Packet[] = [];
  readonly closed: Promise<'refused'>;
  readonly #options: MqttClientOptions;

  private constructor(options: MqttClientOptions) {
    this.#options = options;
    this.clientId = options.clientId ?? `client-${made++}`;
    this.socket = connect({ host: '127.0.0.1', port: options.port });
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve('refused')));
    this.socket.on('error', () => this.socket.destroy());
    const packets = parser({ protocolVersion: options.version });
    packets.on('packet', (packet) => this.heard.push(packet));
    this.socket.on('data', (chunk: Buffer) => packets.parse(chunk));
  }

  /** Connects and resolves with the answer to CONNECT heard, or the connection closed. */
  static async open(options: MqttClientOptions): Promise<MqttClient> {
    const client = MqttClient.raw(options);
    await Promise.race([once(client.socket, 'connect'), client.closed]);
    const { password, version } = options;
    client.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clientId: client.clientId,
      clean: true,
      keepalive: 0,
      ...(password !== undefined && { username: 'anybody', password: Buffer.from(password) }),
      ...options.connect,
    });
    await client.hears((packet) => packet.cmd === 'connack');
    return client;
  }

  /** A connection on which nothing is said yet. */
  static raw(options: MqttClientOptions): MqttClient {
    return new MqttClient(options);
  }

  /** Says a packet. */
  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: this.#options.version }));
  }

  /** Publishes; what is not said is QoS 1, packet identifier 1. */
  publish(topic: string, payload: string, more: Partial<IPublishPacket> = {}): void {
    this.send({ cmd: 'publish', topic, payload, qos: 1, messageId: 1, dup: false, retain: false, ...more });
  }

  /** First packet heard that fits, or undefined where the connection closed without. */
  async hears<P extends Packet>(fits: (packet: Packet) => boolean): Promise<P | undefined> {
    await eventually(
      () => this.heard.some(fits) || this.socket.closed,
      () => `a packet; heard ${this.heard.map(({ cmd }) => cmd).join()}`,
    );
    return this.heard.find(fits) as P | undefined;
  }

  /** Closes without a word. */
  async drop(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
