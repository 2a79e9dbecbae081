/**
 * One session: what is kept for a device from one connection to the next. Its subscriptions, messages on their way to it, and which of its
 * own messages at QoS 2 are received and not yet released. Who may subscribe to what is `device-topics.ts`.
 */
import type { IPublishPacket } from 'mqtt-packet';
import type { DownlinkShare } from './downlink-budget.ts';
import { KeptPacketIds } from './kept-packet-ids.ts';
import type { KeptSession, SessionStore } from './session-store.ts';
import { fitsFilter } from './topic-filter.ts';

/** A message to devices. */
export interface DownlinkMessage {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly isRetained: boolean;
  /** Not delivered from then on, milliseconds since 1970. */
  readonly expiresMs: number | undefined;
  /** Session that published it. */
  readonly from: string;
}

/** A topic filter a device has subscribed to. */
export interface Subscription {
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly keepsRetain: boolean;
}

/** The connection that a session has at present. */
export interface SessionLink {
  readonly receiveMaximum: number;
  readonly maxPacketBytes: number;
  publish(packet: IPublishPacket, expiresMs: number | undefined): void;
  /** Another connection has the session now. */
  leave(): void;
}

/** Messages sent at QoS 1 and not acknowledged, whatever the device allows. */
const MAX_UNACKNOWLEDGED = 64;
/** What a packet has beside topic and payload, at most. */
const PACKET_OVERHEAD = 16;

/** A session. */
export class MqttSession {
  /** Device and client identifier: nobody else's device has it. */
  readonly key: string;
  /** Its device, whose topics it hears. */
  readonly deviceKey: string;
  readonly subscriptions = new Map<string, Subscription>();
  /** Packet identifiers of its messages at QoS 2 that are stored and not released. */
  readonly received: KeptPacketIds;
  link: SessionLink | undefined;
  /** How long it outlives its connection, milliseconds. */
  expiryMs = 0;
  /** When it ends; undefined while connected. Monotonic milliseconds. */
  endsMs: number | undefined;
  readonly #budget: DownlinkShare;
  readonly #maxQueued: number;
  readonly #waiting: DownlinkMessage[] = [];
  readonly #unacknowledged = new Map<number, DownlinkMessage>();
  /** Rows of its messages in the store, where it is kept. */
  readonly #rows = new WeakMap<DownlinkMessage, number>();
  #store: SessionStore | undefined;
  #lastId = 0;

  constructor({ key, deviceKey, budget, maxQueued }: { key: string; deviceKey: string; budget: DownlinkShare; maxQueued: number }) {
    this.key = key;
    this.received = new KeptPacketIds(key);
    this.deviceKey = deviceKey;
    this.#budget = budget;
    this.#maxQueued = maxQueued;
  }

  /** From now on it is kept in a store too; without one it is not. Told before anything happens in it. */
  keepIn(store: SessionStore | undefined): void {
    this.#store = store;
    this.received.store = store;
  }

  /** Takes up what was kept. What finds no room in the budget is dropped and counted. */
  restore({ subscriptions, received, messages }: Pick<KeptSession, 'subscriptions' | 'received' | 'messages'>): void {
    for (const subscription of subscriptions) this.subscriptions.set(subscription.filter, subscription);
    for (const packetId of received) this.received.add(packetId);
    for (const { row, packetId, message } of messages) {
      if (this.#waiting.length + this.#unacknowledged.size >= this.#maxQueued || !this.#budget.take(message)) {
        this.#budget.countDropped();
        this.#store?.endMessage(row);
        continue;
      }
      this.#rows.set(message, row);
      if (packetId === undefined) this.#waiting.push(message);
      else this.#unacknowledged.set(packetId, message);
    }
  }

  /** Has a subscription, in place of one of the same filter. */
  subscribe(subscription: Subscription): void {
    this.subscriptions.set(subscription.filter, subscription);
    this.#store?.putSubscription(this.key, subscription);
  }

  /** Has a subscription no more; false where it had none. */
  unsubscribe(filter: string): boolean {
    const had = this.subscriptions.delete(filter);
    if (had) this.#store?.endSubscription(this.key, filter);
    return had;
  }

  /** Delivers a message where a subscription fits, once. */
  offer(message: DownlinkMessage, nowMs: number): void {
    const fitting = [...this.subscriptions.values()].filter(
      ({ filter, noLocal }) => !(noLocal && message.from === this.key) && fitsFilter(filter, message.topic),
    );
    if (fitting.length === 0) return;
    const qos = Math.min(message.qos, Math.max(...fitting.map((one) => one.qos))) as 0 | 1;
    this.deliver({ ...message, qos, isRetained: message.isRetained && fitting.some(({ keepsRetain }) => keepsRetain) }, nowMs);
  }

  /** Sends a message now, or keeps it until it can be sent. At QoS 0 nothing is kept for a device that is not there. */
  deliver(message: DownlinkMessage, nowMs: number): void {
    if (message.qos === 0) {
      if (this.link !== undefined) this.#send(this.link, message, {});
      return;
    }
    if (this.#waiting.length + this.#unacknowledged.size >= this.#maxQueued || !this.#budget.take(message)) {
      this.#budget.countDropped();
      return;
    }
    if (this.#store !== undefined) this.#rows.set(message, this.#store.addMessage(this.key, message));
    this.#waiting.push(message);
    this.#sendWaiting(nowMs);
  }

  /** The device has a message. False where it was not sent that one. */
  acknowledge(packetId: number, nowMs: number): boolean {
    const message = this.#unacknowledged.get(packetId);
    if (message === undefined) return false;
    this.#unacknowledged.delete(packetId);
    this.#forget(message);
    this.#sendWaiting(nowMs);
    return true;
  }

  /** The device is back: what it has not acknowledged is sent again first, in order. */
  resume(link: SessionLink, nowMs: number): void {
    this.link = link;
    for (const [messageId, message] of this.#unacknowledged) this.#send(link, message, { messageId, dup: true });
    this.#sendWaiting(nowMs);
  }

  /** It ends; nothing is kept. Where the listener ends, what is in the store stays there. */
  end({ isKept }: { readonly isKept: boolean }): void {
    for (const message of [...this.#waiting, ...this.#unacknowledged.values()]) this.#budget.give(message);
    if (!isKept) this.#store?.endSession(this.key);
    this.keepIn(undefined);
    this.#waiting.length = 0;
    this.#unacknowledged.clear();
    this.subscriptions.clear();
  }

  #sendWaiting(nowMs: number): void {
    const { link } = this;
    if (link === undefined) return;
    const most = Math.min(link.receiveMaximum, MAX_UNACKNOWLEDGED);
    while (this.#unacknowledged.size < most) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      const isOver = message.expiresMs !== undefined && message.expiresMs <= nowMs;
      const bytes = message.payload.length + Buffer.byteLength(message.topic) + PACKET_OVERHEAD;
      if (isOver || bytes > link.maxPacketBytes) {
        this.#forget(message);
        continue;
      }
      const messageId = this.#nextId();
      this.#unacknowledged.set(messageId, message);
      const row = this.#rows.get(message);
      if (row !== undefined) this.#store?.sent(row, messageId);
      this.#send(link, message, { messageId });
    }
  }

  /** A message is on its way no more. */
  #forget(message: DownlinkMessage): void {
    this.#budget.give(message);
    const row = this.#rows.get(message);
    if (row !== undefined) this.#store?.endMessage(row);
  }

  #send(link: SessionLink, message: DownlinkMessage, { messageId, dup = false }: { messageId?: number; dup?: boolean }): void {
    const { topic, payload, qos, isRetained } = message;
    if (payload.length + Buffer.byteLength(topic) + PACKET_OVERHEAD > link.maxPacketBytes) return;
    const packet: IPublishPacket = { cmd: 'publish', topic, payload, qos, dup, retain: isRetained };
    link.publish(messageId === undefined ? packet : { ...packet, messageId }, message.expiresMs);
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#unacknowledged.has(this.#lastId));
    return this.#lastId;
  }
}
