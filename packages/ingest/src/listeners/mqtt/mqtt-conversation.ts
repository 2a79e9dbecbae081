/**
 * One connection of a device: CONNECT, who it is, then its packets one after the other until either end leaves. What it publishes is
 * `device-publications.ts`, what it hears `device-subscriptions.ts`. Whatever breaks the protocol ends the connection with its reason.
 */
import type { Socket } from 'node:net';
import { isTocsinError, TocsinError } from '@tocsin/core';
import type { IConnectPacket, IPublishPacket, Packet } from 'mqtt-packet';
import type { ByteGauge } from '../byte-gauge.ts';
import type { ListenerContext } from '../listener.ts';
import type { Conversation } from '../stream-door.ts';
import { connackOf } from './connack.ts';
import { type ConnectTerms, readConnect, type Will } from './connect-terms.ts';
import { type Device, type Identify, reasonOfRefusal } from './device-identity.ts';
import { DevicePublications } from './device-publications.ts';
import { type Subscriber, subscribe, unsubscribe } from './device-subscriptions.ts';
import { MqttFault, protocolFault } from './mqtt-fault.ts';
import type { MqttSession, SessionLink } from './mqtt-session.ts';
import type { MqttSessions } from './mqtt-sessions.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import { numberOf, PacketReader } from './packet-reader.ts';
import { PacketWriter } from './packet-writer.ts';
import { reasonCode } from './reason-code.data.ts';
import type { ClientResends, ResendMemory } from './resend-memory.ts';
import { isTopicName, isUnder } from './topic-filter.ts';

/** What a conversation is made of. */
export interface MqttConversationOptions {
  readonly socket: Socket;
  readonly context: ListenerContext;
  readonly settings: MqttSettings;
  readonly gauge: ByteGauge;
  readonly sessions: MqttSessions;
  readonly resends: ResendMemory;
  /** How a device with this password is identified. */
  readonly identifyWith: (password: string | undefined) => Identify;
  /** Stores a will; whoever left it is gone. */
  readonly storeWill: (identify: Identify, will: Will, from: string) => void;
}

/** Longest CONNECT packet: a will may be in it. */
const MAX_CONNECT_BYTES = 64 << 10;
/** How long a device's right to be here is believed. */
const BELIEVE_MS = 1000;
/** How long a device that gets no answer is kept waiting before it is closed: it will come back at once. */
const SILENCE_MS = 1000;

/** Reasons that only CONNACK knows, as DISCONNECT says them (section 2.4). */
const DISCONNECT_REASONS: Readonly<Record<number, number>> = {
  [reasonCode.badCredential]: reasonCode.notAuthorized,
  [reasonCode.badVersion]: reasonCode.protocolError,
  [reasonCode.unavailable]: reasonCode.busy,
};
/** How long the last words may take. */
const LINGER_MS = 2000;

/** A device that was let in. */
interface Admitted {
  readonly version: 4 | 5;
  readonly terms: ConnectTerms;
  readonly identify: Identify;
  device: Device;
  readonly session: MqttSession;
  readonly resends: ClientResends;
  readonly link: SessionLink;
  /** When it was identified last; monotonic milliseconds. */
  identifiedMs: number;
}

/** A conversation. */
export class MqttConversation implements Conversation {
  readonly #options: MqttConversationOptions;
  readonly #reader: PacketReader;
  readonly #writer: PacketWriter;
  readonly #publications: DevicePublications;
  #admitted: Admitted | undefined;
  #will: Will | undefined;
  /** Set while it is being found out who the device is. */
  #asking: Promise<void> | undefined;
  #silence: NodeJS.Timeout | undefined;
  #leaving: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: MqttConversationOptions) {
    const { socket, settings } = options;
    this.#options = options;
    this.#reader = new PacketReader(Math.min(MAX_CONNECT_BYTES, settings.maxPacketBytes));
    this.#writer = new PacketWriter(socket, () => this.#leave());
    this.#publications = new DevicePublications({
      ...options,
      writer: this.#writer,
      onRoom: () => this.#readOn(),
      onUnanswerable: () => this.#leaveSoon(),
      onRefused: (error) => this.#fail(error),
    });
  }

  get isMidway(): boolean {
    return !this.#isOver && (this.#admitted === undefined || this.#reader.heldBytes > 0);
  }

  get partialBytes(): number {
    return this.#reader.heldBytes;
  }

  read(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#silence?.refresh();
    this.#reader.append(chunk);
    this.#readOn();
  }

  review(): void {
    const admitted = this.#admitted;
    if (admitted === undefined || this.#mustWait() || !this.#isDue(admitted)) return;
    this.#ask(() => this.#identifyAgain(admitted));
  }

  async end(): Promise<void> {
    clearTimeout(this.#leaving);
    this.#leave();
    while (this.#asking !== undefined) await this.#asking;
    await this.#publications.idle();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The device did nothing wrong: no will.
    this.#will = undefined;
    this.#isOver = true;
    clearTimeout(this.#silence);
    await this.#publications[Symbol.asyncDispose]();
    this.#say(reasonCode.shuttingDown);
    this.#writer.flush();
    this.#detach();
  }

  /** Reads packets for as long as they may be taken. */
  #readOn(): void {
    try {
      while (!this.#mustWait()) {
        const packet = this.#reader.next();
        if (packet === undefined) break;
        this.#take(packet);
      }
    } catch (error) {
      this.#fail(error);
    }
    if (this.#isOver) return;
    if (this.#mustWait()) this.#options.socket.pause();
    else this.#options.socket.resume();
  }

  #mustWait(): boolean {
    return this.#isOver || this.#asking !== undefined || this.#leaving !== undefined || this.#publications.mustWait();
  }

  #take(packet: Packet): void {
    const admitted = this.#admitted;
    if (packet.cmd === 'connect') {
      if (admitted !== undefined) throw protocolFault('a second CONNECT');
      this.#reader.awaitsConnect = false;
      this.#ask(() => this.#connect(packet));
    } else if (admitted === undefined) throw protocolFault('something before CONNECT');
    else if (!this.#isDue(admitted)) this.#act(packet, admitted);
    else
      this.#ask(async () => {
        await this.#identifyAgain(admitted);
        if (!this.#isOver) this.#act(packet, admitted);
      });
  }

  #isDue({ identifiedMs }: Admitted): boolean {
    return this.#options.context.clock.monotonicMs() - identifiedMs >= BELIEVE_MS;
  }

  /** Does what has to be waited for; nothing is read until then. */
  #ask(doing: () => Promise<void>): void {
    this.#asking = doing()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#asking = undefined;
        this.#readOn();
      });
  }

  async #connect(packet: IConnectPacket): Promise<void> {
    const { settings, context, identifyWith } = this.#options;
    this.#writer.version = packet.protocolVersion === 5 ? 5 : 4;
    this.#reader.version = this.#writer.version;
    const terms = readConnect(packet, settings);
    const identify = identifyWith(terms.password);
    const device = await identify();
    // It may have gone meanwhile.
    if (this.#isOver) return;
    if (terms.will !== undefined) this.#checkWill(terms.will, device);
    const clientId = terms.clientId === '' ? context.nextId() : terms.clientId;
    const link: SessionLink = {
      receiveMaximum: terms.receiveMaximum,
      maxPacketBytes: terms.maxPacketBytes,
      publish: (message, expiresMs) => this.#deliver(message, expiresMs),
      leave: () =>
        this.#fail(
          new MqttFault(reasonCode.takenOver, 'a session that was taken over', { code: 'listener.taken_over', isRejection: false }),
        ),
    };
    const { session, isKnown } = this.#options.sessions.attach(device, link, { ...terms, clientId });
    const resends = this.#options.resends.of(session.key);
    this.#admitted = { version: terms.version, terms, identify, device, session, resends, link, identifiedMs: context.clock.monotonicMs() };
    this.#will = terms.will;
    this.#reader.maxBytes = settings.maxPacketBytes;
    this.#writer.send(connackOf({ terms, settings, isKnown, assignedId: terms.clientId === '' ? clientId : undefined }));
    session.resume(link, context.clock.nowMs());
    this.#watchSilence(terms.silenceMs);
  }

  #checkWill(will: Will, device: Device): void {
    const refusal = { code: 'listener.topic_forbidden', isRejection: false } as const;
    if (!isTopicName(will.topic)) throw new MqttFault(reasonCode.badTopic, 'a will whose topic cannot be published to', refusal);
    if (!isUnder(device.prefix, will.topic)) throw new MqttFault(reasonCode.notAuthorized, 'a will with a topic of another', refusal);
  }

  async #identifyAgain(admitted: Admitted): Promise<void> {
    const device = await admitted.identify();
    if (device.key !== admitted.device.key)
      throw new MqttFault(reasonCode.notAuthorized, 'a device that has become another', { isRejection: false });
    admitted.device = device;
    admitted.identifiedMs = this.#options.context.clock.monotonicMs();
  }

  #act(packet: Packet, admitted: Admitted): void {
    switch (packet.cmd) {
      case 'publish':
        return this.#publications.take(packet, admitted);
      case 'pubrel':
        return this.#publications.release(packet.messageId ?? 0, admitted);
      case 'puback':
        admitted.session.acknowledge(packet.messageId ?? 0, this.#options.context.clock.nowMs());
        return;
      case 'subscribe':
        return this.#subscribe(packet, admitted);
      case 'unsubscribe': {
        const granted = unsubscribe(packet, this.#subscriber(admitted));
        return this.#writer.send({ cmd: 'unsuback', messageId: packet.messageId ?? 0, granted });
      }
      case 'pingreq':
        return this.#writer.send({ cmd: 'pingresp' });
      case 'disconnect':
        return this.#sayGoodbye(packet, admitted);
      default:
        // Messages at QoS 2 are never sent to devices, and nobody asked for authentication.
        throw protocolFault(`${packet.cmd} for nothing`);
    }
  }

  #subscribe(packet: Packet & { cmd: 'subscribe' }, admitted: Admitted): void {
    const { granted, retained } = subscribe(packet, this.#subscriber(admitted));
    this.#writer.send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    const nowMs = this.#options.context.clock.nowMs();
    for (const message of retained) admitted.session.deliver(message, nowMs);
  }

  #subscriber({ version, device, session }: Admitted): Subscriber {
    const { sessions, settings, context } = this.#options;
    const { maxSubscriptions } = settings;
    return { version, device, session, topics: sessions.topicsOf(device), maxSubscriptions, nowMs: context.clock.nowMs() };
  }

  #sayGoodbye({ reasonCode: reason, properties }: Packet & { cmd: 'disconnect' }, { session, terms }: Admitted): void {
    const WITH_WILL = 0x04;
    if (reason !== WITH_WILL) this.#will = undefined;
    const expirySeconds = numberOf(properties, 'sessionExpiryInterval');
    if (expirySeconds !== undefined) {
      if (terms.expiryMs === 0 && expirySeconds > 0) throw protocolFault('a session that is to be kept after all');
      session.expiryMs = Math.min(expirySeconds * 1000, this.#options.settings.sessionExpiry);
    }
    this.#leave();
  }

  #deliver(packet: IPublishPacket, expiresMs: number | undefined): void {
    if (this.#writer.version === 4 || expiresMs === undefined) return this.#writer.send(packet);
    const leftMs = Math.max(0, expiresMs - this.#options.context.clock.nowMs());
    this.#writer.send({ ...packet, properties: { messageExpiryInterval: Math.ceil(leftMs / 1000) } });
  }

  #watchSilence(silenceMs: number): void {
    if (silenceMs === 0) return;
    this.#silence = setTimeout(() => {
      // Nothing is read while it is paused, which is no fault of the device.
      if (this.#options.socket.isPaused()) this.#silence?.refresh();
      else this.#fail(new MqttFault(reasonCode.keepAliveOver, 'silence', { code: 'listener.idle', isRejection: false }));
    }, silenceMs);
  }

  /** Ends the connection over what went wrong; the device is told where its version has words for it. */
  #fail(error: unknown): void {
    if (this.#isOver) return;
    const { context } = this.#options;
    const fault = error instanceof MqttFault ? error : undefined;
    this.#count(fault, error);
    const trouble = fault === undefined ? error : new TocsinError('listener.bad_frame', { listener: context.name }, { cause: fault });
    context.onTrouble(trouble, `${context.name}: a connection was closed over ${fault?.message ?? 'who it is'}`);
    this.#say(fault?.reason ?? reasonOfRefusal(error));
    this.#leave();
  }

  #count(fault: MqttFault | undefined, error: unknown): void {
    const { counts } = this.#options.context;
    if (fault?.isRejection === true) {
      counts.records += 1;
      counts.reject(fault.code);
    } else counts.refuse(fault?.code ?? (isTocsinError(error) ? error.code : 'ingest.internal'));
  }

  #say(reason: number): void {
    if (this.#admitted === undefined) this.#writer.send(connackOf({ refusal: reason, version: this.#writer.version }));
    else if (this.#writer.version === 5) this.#writer.send({ cmd: 'disconnect', reasonCode: DISCONNECT_REASONS[reason] ?? reason });
  }

  /** A message cannot be answered for: nothing more is read, and the connection ends a little later. */
  #leaveSoon(): void {
    if (this.#isOver || this.#leaving !== undefined) return;
    this.#options.socket.pause();
    this.#leaving = setTimeout(() => {
      this.#say(reasonCode.unavailable);
      this.#leave();
    }, SILENCE_MS);
  }

  #leave(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#silence);
    this.#reader.clear();
    this.#writer.flush();
    this.#detach();
    const { socket } = this.#options;
    // What was just said should still arrive, but not at the price of a connection that never ends.
    setImmediate(() => socket.destroySoon());
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  }

  #detach(): void {
    const admitted = this.#admitted;
    const will = this.#will;
    if (admitted === undefined) return;
    this.#admitted = undefined;
    this.#will = undefined;
    const { sessions, storeWill } = this.#options;
    const left = will && { delayMs: will.delayMs, store: () => storeWill(admitted.identify, will, admitted.session.key) };
    sessions.detach(admitted.session, admitted.link, left);
  }
}
