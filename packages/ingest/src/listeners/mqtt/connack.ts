/** The answer to CONNECT, in both versions: what is granted, or why not. */
import type { IConnackPacket } from 'mqtt-packet';
import type { ConnectTerms } from './connect-terms.ts';
import type { MqttSettings } from './mqtt-settings.ts';
import { reasonCode, returnCodes } from './reason-code.data.ts';

/** A connection that was let in, or refused. */
export type ConnectAnswer =
  | {
      readonly terms: ConnectTerms;
      readonly settings: MqttSettings;
      /** Whether its session was there before. */
      readonly isKnown: boolean;
      /** Client identifier made for it. */
      readonly assignedId: string | undefined;
    }
  | { readonly refusal: number; readonly version: 4 | 5 };

/** Server unavailable, in version 3.1.1. */
const UNAVAILABLE_311 = 3;

/** The packet that says so. */
export function connackOf(answer: ConnectAnswer): IConnackPacket {
  if ('refusal' in answer) {
    const { refusal, version } = answer;
    if (version === 5) return { cmd: 'connack', sessionPresent: false, reasonCode: refusal };
    return { cmd: 'connack', sessionPresent: false, returnCode: returnCodes[refusal] ?? UNAVAILABLE_311 };
  }
  const { terms, settings, isKnown, assignedId } = answer;
  if (terms.version === 4) return { cmd: 'connack', sessionPresent: isKnown, returnCode: 0 };
  return {
    cmd: 'connack',
    sessionPresent: isKnown,
    reasonCode: reasonCode.success,
    properties: {
      receiveMaximum: settings.receiveMaximum,
      maximumPacketSize: settings.maxPacketBytes,
      topicAliasMaximum: settings.topicAliasMaximum,
      retainAvailable: settings.maxRetainedMessages > 0,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: false,
      sessionExpiryInterval: Math.floor(terms.expiryMs / 1000),
      ...(assignedId !== undefined && { assignedClientIdentifier: assignedId }),
    },
  };
}
