/** The kind `syslog`: opens one listener by its transport. Streams are `syslog-conversation.ts`, datagrams `syslog-datagrams.ts`. */
import { messageOf } from '@tocsin/core';
import { ByteGauge } from '../byte-gauge.ts';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { createPeerBindings, type Peer, type PeerBindings, peerOf } from '../peer-bindings.ts';
import { ProducerSpool } from '../spool/producer-spool.ts';
import { openStreamDoor } from '../stream-door.ts';
import { cannotOpen, createTlsRenewal, readListenerTls } from '../tls-settings.ts';
import { SyslogConversation } from './syslog-conversation.ts';
import { openDatagrams } from './syslog-datagrams.ts';
import { type SyslogSettings, syslogSettings } from './syslog-settings.ts';

/** Syslog over UDP, TCP and TLS. */
export const syslogKind = listenerKind({ kind: 'syslog', settings: syslogSettings, open: openSyslog });

async function openSyslog(settings: SyslogSettings, context: ListenerContext): Promise<Listener> {
  const about = { name: context.name, address: `${settings.transport}://${settings.host}:${settings.port}` };
  const bindings = createPeerBindings(settings.sources, {
    clock: context.clock,
    listener: context.name,
    fail: (reason) => cannotOpen(about, reason),
  });
  const spool = await openSpool(settings, context, about);
  try {
    const listener = await openTransport(settings, bindings, { context, spool, about });
    return {
      address: listener.address,
      async [Symbol.asyncDispose]() {
        await listener[Symbol.asyncDispose]();
        await spool?.[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await spool?.[Symbol.asyncDispose]();
    throw error;
  }
}

interface Opening {
  readonly context: ListenerContext;
  readonly spool: ProducerSpool | undefined;
  readonly about: { readonly name: string; readonly address: string };
}

async function openSpool(
  { spoolMaxBytes: maxBytes, spoolAfter: afterMs }: SyslogSettings,
  context: ListenerContext,
  about: Opening['about'],
): Promise<ProducerSpool | undefined> {
  try {
    return maxBytes === 0 ? undefined : await ProducerSpool.open({ context, maxBytes, afterMs });
  } catch (cause) {
    throw cannotOpen(about, `its spool cannot be read (${messageOf(cause)})`, cause);
  }
}

async function openTransport(settings: SyslogSettings, bindings: PeerBindings, { context, spool, about }: Opening): Promise<Listener> {
  if (settings.transport === 'udp') return openDatagrams(settings, bindings, { context, spool });
  const tls = settings.transport === 'tls' ? await readListenerTls(settings.tls, about) : undefined;
  const gauge = new ByteGauge(settings.maxInFlightBytes);
  return openStreamDoor({
    context,
    host: settings.host,
    port: settings.port,
    limits: settings,
    maxPartialBytes: settings.maxInFlightBytes,
    tls: tls && { ...tls, requestCert: bindings.asksForCertificates, renew: createTlsRenewal(settings.tls, about) },
    converse: (socket, address) => {
      const source = sourceOf(bindings, context, peerOf(socket, address));
      return new SyslogConversation({ socket, context, source, gauge, spool, settings });
    },
  });
}

/** The source of a peer, looked up anew each time it is asked for. @throws listener.peer_unbound, listener.source_unknown */
function sourceOf(bindings: PeerBindings, context: ListenerContext, peer: Peer): () => ReturnType<ListenerContext['boundSource']> {
  const name = bindings.sourceOf(peer);
  context.boundSource(name);
  return () => context.boundSource(name);
}
