/** The kind `mqtt`: devices that publish over MQTT 3.1.1 or 5, over TCP and TLS. A connection is `mqtt-conversation.ts`. */

import type { TocsinError } from '@tocsin/core';
import { messageOf } from '@tocsin/core';
import { ByteGauge } from '../byte-gauge.ts';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { createPeerBindings, peerOf } from '../peer-bindings.ts';
import { openStreamDoor } from '../stream-door.ts';
import { cannotOpen, createTlsRenewal, readListenerTls } from '../tls-settings.ts';
import { createIdentify, type Identify } from './device-identity.ts';
import { MqttSessions } from './mqtt-sessions.ts';
import { type MqttSettings, mqttSettings } from './mqtt-settings.ts';
import { ResendMemory } from './resend-memory.ts';
import { SessionStore } from './session-store.ts';
import { WillKeeper } from './will-keeper.ts';

/** MQTT. */
export const mqttKind = listenerKind({ kind: 'mqtt', settings: mqttSettings, open: openMqtt });

async function openMqtt(settings: MqttSettings, context: ListenerContext): Promise<Listener> {
  // Read where there is such a listener only, as its library is.
  const { MqttConversation } = await import('./mqtt-conversation.ts');
  const about = { name: context.name, address: `${settings.host}:${settings.port}` };
  const fail = (reason: string): TocsinError => cannotOpen(about, reason);
  const hasBindings = Object.keys(settings.sources).length > 0;
  const bindings = hasBindings ? createPeerBindings(settings.sources, { clock: context.clock, listener: context.name, fail }) : undefined;
  const tls = settings.useTls ? await readListenerTls(settings.tls, about) : undefined;
  const gauge = new ByteGauge(settings.maxInFlightBytes);
  const store = openStore(settings, context, fail);
  const { clock, counts } = context;
  const sessions = new MqttSessions(settings, { clock, counts, store });
  const wills = new WillKeeper({ context, gauge, sessions });
  const resends = new ResendMemory(context.nextId);
  const identity = { context, bindings, topicPrefix: settings.topicPrefix };
  try {
    const door = await openStreamDoor({
      context,
      host: settings.host,
      port: settings.port,
      limits: settings,
      maxPartialBytes: settings.maxInFlightBytes,
      tls: tls && { ...tls, requestCert: bindings?.asksForCertificates === true, renew: createTlsRenewal(settings.tls, about) },
      converse: (socket, address) => {
        const peer = peerOf(socket, address);
        const identifyWith = (password: string | undefined): Identify => createIdentify(identity, password, peer);
        const storeWill = wills.store.bind(wills);
        return new MqttConversation({ socket, context, settings, gauge, sessions, resends, identifyWith, storeWill });
      },
    });
    return {
      address: door.address.replace(/^tcp:/, 'mqtt:').replace(/^tls:/, 'mqtts:'),
      async [Symbol.asyncDispose]() {
        await door[Symbol.asyncDispose]();
        sessions[Symbol.dispose]();
        await wills[Symbol.asyncDispose]();
        store?.[Symbol.dispose]();
      },
    };
  } catch (error) {
    sessions[Symbol.dispose]();
    store?.[Symbol.dispose]();
    throw error;
  }
}

function openStore(
  { keepSessions }: MqttSettings,
  { name, stateDir, onTrouble }: ListenerContext,
  fail: (reason: string) => TocsinError,
): SessionStore | undefined {
  try {
    return keepSessions
      ? new SessionStore(stateDir, (error) => onTrouble(error, `${name}: what sessions hold is in memory only`))
      : undefined;
  } catch (error) {
    throw fail(`what it keeps of sessions in ${stateDir} cannot be read (${messageOf(error)})`);
  }
}
