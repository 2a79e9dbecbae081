/** What a device may subscribe to, and the answers to SUBSCRIBE and UNSUBSCRIBE. */
import type { ISubscribePacket, ISubscription, IUnsubscribePacket } from 'mqtt-packet';
import type { Device } from './device-identity.ts';
import type { DeviceTopics } from './device-topics.ts';
import { MqttFault } from './mqtt-fault.ts';
import type { DownlinkMessage, MqttSession } from './mqtt-session.ts';
import { reasonCode } from './reason-code.data.ts';
import { isTopicFilter, isUnder } from './topic-filter.ts';

/** Who subscribes, and to whose topics. */
export interface Subscriber {
  readonly version: 4 | 5;
  readonly device: Device;
  readonly session: MqttSession;
  readonly topics: DeviceTopics;
  readonly maxSubscriptions: number;
  readonly nowMs: number;
}

/** Codes for the filters in order, and the retained messages that are due. */
export interface SubscribeAnswer {
  readonly granted: number[];
  readonly retained: readonly DownlinkMessage[];
}

/** What a SUBACK says to a filter that is not granted in version 3.1.1. */
const REFUSED_311 = 0x80;

/** Subscribes a session to what it may hear. @throws MqttFault for a packet without filters */
export function subscribe(packet: ISubscribePacket, subscriber: Subscriber): SubscribeAnswer {
  const { session, topics, nowMs, version } = subscriber;
  if (packet.subscriptions.length === 0) throw new MqttFault(reasonCode.protocolError, 'a SUBSCRIBE without a filter');
  if (packet.properties !== undefined && 'subscriptionIdentifier' in packet.properties)
    throw new MqttFault(reasonCode.noSubscriptionIds, 'a subscription identifier');
  const retained: DownlinkMessage[] = [];
  const granted = packet.subscriptions.map((asked) => {
    const reason = reasonAgainst(asked, subscriber);
    if (reason !== undefined) return version === 5 ? reason : REFUSED_311;
    const qos = asked.qos === 0 ? 0 : 1;
    const isNew = !session.subscriptions.has(asked.topic);
    const own = { filter: asked.topic, qos, noLocal: asked.nl === true, keepsRetain: asked.rap === true } as const;
    const found = topics.subscribe(session, own, nowMs);
    if (asked.rh !== 2 && (asked.rh !== 1 || isNew)) for (const one of found) retained.push({ ...one, qos: one.qos === 0 ? 0 : qos });
    return qos;
  });
  return { granted, retained };
}

/** Ends subscriptions; codes for the filters in order. */
export function unsubscribe(packet: IUnsubscribePacket, { session, topics }: Subscriber): number[] {
  if (packet.unsubscriptions.length === 0) throw new MqttFault(reasonCode.protocolError, 'an UNSUBSCRIBE without a filter');
  return packet.unsubscriptions.map((filter) => (topics.unsubscribe(session, filter) ? reasonCode.success : reasonCode.noSubscription));
}

function reasonAgainst({ topic }: ISubscription, { device, session, maxSubscriptions }: Subscriber): number | undefined {
  if (topic.startsWith('$share/')) return reasonCode.noSharedSubscriptions;
  if (!isTopicFilter(topic)) return reasonCode.badFilter;
  if (!isUnder(device.prefix, topic)) return reasonCode.notAuthorized;
  const isFull = session.subscriptions.size >= maxSubscriptions && !session.subscriptions.has(topic);
  return isFull ? reasonCode.quotaExceeded : undefined;
}
