/** What a CONNECT packet asks for, checked, and what it is granted: pure, before anybody is identified. */
import type { IConnectPacket } from 'mqtt-packet';
import { MqttFault, protocolFault } from './mqtt-fault.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import { numberOf } from './packet-reader.ts';
import { reasonCode } from './reason-code.data.ts';

/** A message that a device leaves behind for the case that it goes without a word. */
export interface Will {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly isRetained: boolean;
  readonly delayMs: number;
}

/** What a connection is about. */
export interface ConnectTerms {
  readonly version: 4 | 5;
  /** Empty where the listener is to make one. */
  readonly clientId: string;
  readonly password: string | undefined;
  readonly isClean: boolean;
  /** How long its session outlives it; 0 not at all. */
  readonly expiryMs: number;
  /** Longest silence; 0 any. */
  readonly silenceMs: number;
  /** Messages that it takes before it acknowledges. */
  readonly receiveMaximum: number;
  /** Longest packet that it takes. */
  readonly maxPacketBytes: number;
  readonly will: Will | undefined;
}

const MAX_CLIENT_ID_UNITS = 256;
/** A device may be late by half of its keep alive (section 3.1.2.10). */
const LATENESS = 1.5;

/** Reads a CONNECT packet. @throws MqttFault */
export function readConnect(packet: IConnectPacket, settings: MqttSettings): ConnectTerms {
  const version = packet.protocolVersion;
  const isBridge = (packet as { bridgeMode?: boolean }).bridgeMode === true;
  if (packet.protocolId !== 'MQTT' || (version !== 4 && version !== 5) || isBridge)
    throw refused(reasonCode.badVersion, 'another version of the protocol');
  if (packet.properties !== undefined && 'authenticationMethod' in packet.properties)
    throw refused(reasonCode.badAuthMethod, 'an authentication method');
  checkClientId(packet);
  const { properties, clientId } = packet;
  return {
    version,
    clientId,
    password: packet.password?.toString('utf8'),
    isClean: packet.clean === true,
    expiryMs: expiryOf(packet, settings.sessionExpiry),
    silenceMs: (packet.keepalive ?? 0) * 1000 * LATENESS,
    receiveMaximum: positive(numberOf(properties, 'receiveMaximum'), 65_535),
    maxPacketBytes: positive(numberOf(properties, 'maximumPacketSize'), Number.POSITIVE_INFINITY),
    will: readWill(packet),
  };
}

function checkClientId({ clientId, protocolVersion, clean }: IConnectPacket): void {
  const isMissing = clientId === '' && protocolVersion === 4 && clean !== true;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  const isUnusable = clientId.length > MAX_CLIENT_ID_UNITS || /[\u0000-\u001f\ufffd]/.test(clientId);
  if (isMissing || isUnusable) throw refused(reasonCode.badClientId, 'a client identifier that cannot be used');
}

function expiryOf({ protocolVersion, clean, properties }: IConnectPacket, maxMs: number): number {
  const asked = protocolVersion === 5 ? (numberOf(properties, 'sessionExpiryInterval') ?? 0) * 1000 : clean === true ? 0 : maxMs;
  return Math.min(asked, maxMs);
}

function readWill({ will }: IConnectPacket): Will | undefined {
  if (will === undefined) return undefined;
  const qos: number = will.qos ?? 0;
  if (qos > 2) throw protocolFault('a will of QoS 3', reasonCode.malformed);
  return {
    topic: will.topic,
    payload: Buffer.from(will.payload),
    qos: qos > 0 ? 1 : 0,
    isRetained: will.retain === true,
    delayMs: (numberOf(will.properties, 'willDelayInterval') ?? 0) * 1000,
  };
}

function positive(value: number | undefined, otherwise: number): number {
  if (value === 0) throw protocolFault('a maximum of 0');
  return value ?? otherwise;
}

function refused(reason: number, why: string): MqttFault {
  return new MqttFault(reason, why, { isRejection: false });
}
