/** The kind `forward`: the Fluentd forward protocol over TCP and TLS. A connection is `forward-conversation.ts`. */
import type { TocsinError } from '@tocsin/core';
import { ByteGauge } from '../byte-gauge.ts';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { createPeerBindings, peerOf } from '../peer-bindings.ts';
import { openStreamDoor } from '../stream-door.ts';
import { cannotOpen, createTlsRenewal, readListenerTls } from '../tls-settings.ts';
import { type ForwardSettings, forwardSettings } from './forward-settings.ts';
import type { ForwardSender } from './handshake.ts';

/** Fluentd forward. */
export const forwardKind = listenerKind({ kind: 'forward', settings: forwardSettings, open: openForward });

async function openForward(settings: ForwardSettings, context: ListenerContext): Promise<Listener> {
  // Read where there is such a listener only, as its library is.
  const { ForwardConversation } = await import('./forward-conversation.ts');
  const about = { name: context.name, address: `${settings.host}:${settings.port}` };
  const fail = (reason: string): TocsinError => cannotOpen(about, reason);
  const senders = Object.values(settings.senders).map(
    ({ source, sharedKey, username, password }): ForwardSender => ({
      source,
      sharedKey: sharedKey.reveal(),
      user: username === undefined || password === undefined ? undefined : { name: username, password: password.reveal() },
    }),
  );
  refuseTwins(senders, fail);
  const bindings =
    senders.length > 0 ? undefined : createPeerBindings(settings.sources, { clock: context.clock, listener: context.name, fail });
  const gauge = new ByteGauge(settings.maxInFlightBytes);
  const tls = settings.useTls ? await readListenerTls(settings.tls, about) : undefined;
  return openStreamDoor({
    context,
    host: settings.host,
    port: settings.port,
    limits: settings,
    maxPartialBytes: settings.maxInFlightBytes,
    tls: tls && { ...tls, requestCert: bindings?.asksForCertificates === true, renew: createTlsRenewal(settings.tls, about) },
    converse: (socket, address) => {
      const bound = bindings?.sourceOf(peerOf(socket, address));
      if (bound !== undefined) context.boundSource(bound);
      return new ForwardConversation({ socket, context, gauge, settings, bound, senders });
    },
  });
}

/** A key that two sources share would tell nothing. */
function refuseTwins(senders: readonly ForwardSender[], fail: (reason: string) => TocsinError): void {
  const seen = new Set<string>();
  for (const { sharedKey, user } of senders) {
    const key = JSON.stringify([sharedKey, user]);
    if (seen.has(key)) throw fail('two of its senders have the same shared key and user');
    seen.add(key);
  }
}
