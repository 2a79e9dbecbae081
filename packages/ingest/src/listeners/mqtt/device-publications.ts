/**
 * What a device publishes, from PUBLISH to the acknowledgement: topic aliases, whose topic it is, resends, QoS 2, and afterwards delivery to
 * the sessions that hear the topic. Acknowledged is what is durable, in the order in which it came.
 */
import type { IPublishPacket } from 'mqtt-packet';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import type { Device } from './device-identity.ts';
import { envelopeOf } from './message-envelope.ts';
import { MqttFault, protocolFault } from './mqtt-fault.ts';
import type { MqttSession } from './mqtt-session.ts';
import type { MqttSessions } from './mqtt-sessions.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import { numberOf } from './packet-reader.ts';
import type { AckKind, PacketWriter } from './packet-writer.ts';
import { type Outcome, PublishIntake } from './publish-intake.ts';
import { reasonCode } from './reason-code.data.ts';
import type { ClientResends } from './resend-memory.ts';
import { isTopicName, isUnder } from './topic-filter.ts';

/** Who publishes. */
export interface Publisher {
  readonly version: 4 | 5;
  readonly device: Device;
  readonly session: MqttSession;
  readonly resends: ClientResends;
}

/** What publications of a connection are made of. */
export interface DevicePublicationsOptions {
  readonly context: ListenerContext;
  readonly settings: MqttSettings;
  readonly gauge: ByteGauge;
  readonly sessions: MqttSessions;
  readonly writer: PacketWriter;
  readonly onRoom: () => void;
  /** Told that a message cannot be answered for: the device must connect again and send what it has no answer to. */
  readonly onUnanswerable: () => void;
  /** Told that the device may not send any more. */
  readonly onRefused: (error: unknown) => void;
}

/**
 * Messages at QoS 2 that are stored and not released, of one session. More than Receive Maximum: clients release in the order in which they
 * read, behind all they have already sent, and widespread ones keep to no maximum.
 */
const MAX_UNRELEASED = 2048;

/** Reasons for what became of a message, in version 5. */
const REASONS: Readonly<Record<Exclude<Outcome, 'unknown'>, number>> = {
  stored: reasonCode.success,
  rejected: reasonCode.badPayload,
  refused: reasonCode.quotaExceeded,
};

/** What one connection publishes. Disposing waits for what is on its way. */
export class DevicePublications implements AsyncDisposable {
  readonly #options: DevicePublicationsOptions;
  readonly #intake: PublishIntake;
  readonly #aliases = new Map<number, string>();
  /** Packet identifiers of messages on their way. */
  readonly #underWay = new Set<number>();

  constructor(options: DevicePublicationsOptions) {
    this.#options = options;
    const { context, gauge, settings, onRoom, onRefused } = options;
    this.#intake = new PublishIntake({
      context,
      gauge,
      maxMessages: settings.receiveMaximum,
      maxBytes: settings.maxInFlightBytesPerConnection,
      onRoom,
      onRefused,
    });
  }

  mustWait(): boolean {
    return this.#intake.mustWait();
  }

  /** Resolves when nothing is on its way. */
  idle(): Promise<void> {
    return this.#intake.idle();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#intake[Symbol.asyncDispose]();
  }

  /** Takes a message. @throws MqttFault */
  take(packet: IPublishPacket, publisher: Publisher): void {
    const { writer } = this.#options;
    const { session, version } = publisher;
    const topic = this.#topicOf(packet, version);
    const messageId = packet.messageId ?? 0;
    if (!isUnder(publisher.device.prefix, topic)) return this.#refuseTopic(packet, version);
    if (packet.qos === 2 && session.received.has(messageId)) return writer.acknowledge('pubrec', messageId);
    this.#checkQuota(packet, session);
    this.#publish(packet, topic, publisher);
  }

  /** Releases a message at QoS 2. */
  release(messageId: number, { session }: Publisher): void {
    const isKnown = session.received.delete(messageId);
    this.#options.writer.acknowledge('pubcomp', messageId, isKnown ? reasonCode.success : reasonCode.unknownPacketId);
  }

  #publish(packet: IPublishPacket, topic: string, publisher: Publisher): void {
    const { context } = this.#options;
    const messageId = packet.messageId ?? 0;
    const payload = packet.payload as Buffer;
    const id = packet.qos === 0 ? context.nextId() : publisher.resends.idOf({ packetId: messageId, isResend: packet.dup, topic, payload });
    if (packet.qos > 0) this.#underWay.add(messageId);
    this.#intake.take({
      source: publisher.device.source,
      id,
      payload,
      envelope: envelopeOf(topic, packet.properties?.userProperties),
      onEnd: (outcome) => this.#end(packet, topic, { publisher, outcome }),
    });
  }

  #end(packet: IPublishPacket, topic: string, { publisher, outcome }: { publisher: Publisher; outcome: Outcome }): void {
    const { version, session } = publisher;
    const messageId = packet.messageId ?? 0;
    this.#underWay.delete(messageId);
    if (outcome === 'stored') this.#deliver(packet, topic, publisher);
    if (packet.qos === 0) return;
    const kind: AckKind = packet.qos === 1 ? 'puback' : 'pubrec';
    // Version 3.1.1 has no word for "not now": silence, and the end of the connection.
    if (outcome === 'unknown' || (outcome === 'refused' && version === 4)) return this.#options.onUnanswerable();
    if (packet.qos === 2 && (outcome === 'stored' || version === 4)) session.received.add(messageId);
    this.#options.writer.acknowledge(kind, messageId, REASONS[outcome]);
  }

  #deliver(packet: IPublishPacket, topic: string, { device, session }: Publisher): void {
    const { sessions, context } = this.#options;
    const topics = sessions.topicsOf(device);
    if (!topics.isHeard(packet.retain)) return;
    const expirySeconds = packet.properties?.messageExpiryInterval;
    const nowMs = context.clock.nowMs();
    const message = {
      topic,
      // A copy: the payload lies in a larger piece of memory that it would keep.
      payload: Buffer.from(packet.payload as Buffer),
      qos: packet.qos === 0 ? 0 : 1,
      isRetained: packet.retain,
      expiresMs: expirySeconds === undefined ? undefined : nowMs + expirySeconds * 1000,
      from: session.key,
    } as const;
    topics.publish(message, nowMs);
  }

  #topicOf(packet: IPublishPacket, version: 4 | 5): string {
    const alias = version === 5 ? numberOf(packet.properties, 'topicAlias') : undefined;
    numberOf(packet.properties, 'messageExpiryInterval');
    if (alias !== undefined && (alias === 0 || alias > this.#options.settings.topicAliasMaximum))
      throw protocolFault('a topic alias over the maximum', reasonCode.badAlias);
    if (packet.topic === '' && alias !== undefined) {
      const known = this.#aliases.get(alias);
      if (known === undefined) throw protocolFault('a topic alias that stands for nothing');
      return known;
    }
    if (!isTopicName(packet.topic)) throw protocolFault('a topic that cannot be published to', reasonCode.badTopic);
    if (alias !== undefined) this.#aliases.set(alias, packet.topic);
    return packet.topic;
  }

  /** Publishing as another: nothing is stored. */
  #refuseTopic({ qos, messageId = 0 }: IPublishPacket, version: 4 | 5): void {
    const { counts } = this.#options.context;
    const fault = new MqttFault(reasonCode.notAuthorized, 'a topic of another', { code: 'listener.topic_forbidden', isRejection: false });
    counts.records += 1;
    // At QoS 0, as in version 3.1.1, there is no other way to say so.
    if (version === 4 || qos === 0) throw fault;
    counts.refuse(fault.code);
    this.#options.writer.acknowledge(qos === 1 ? 'puback' : 'pubrec', messageId, fault.reason);
  }

  #checkQuota({ qos, messageId = 0, dup }: IPublishPacket, session: MqttSession): void {
    if (qos === 0) return;
    if (this.#underWay.has(messageId) && !dup) throw protocolFault('a packet identifier that is in use');
    if (session.received.size >= MAX_UNRELEASED)
      throw protocolFault('more messages at QoS 2 than may be open', reasonCode.receiveMaximumExceeded);
  }
}
