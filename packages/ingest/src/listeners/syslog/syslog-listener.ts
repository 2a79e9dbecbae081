/** The kind `syslog`: opens one listener by its transport. Streams are `syslog-conversation.ts`, datagrams `syslog-datagrams.ts`. */
import { ByteGauge } from '../byte-gauge.ts';
import { type Listener, type ListenerContext, listenerKind } from '../listener.ts';
import { createPeerBindings, type Peer, type PeerBindings, peerOf } from '../peer-bindings.ts';
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
  if (settings.transport === 'udp') return openDatagrams(settings, bindings, context);
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
      return new SyslogConversation({ socket, context, source, gauge, settings });
    },
  });
}

/** The source of a peer, looked up anew each time it is asked for. @throws listener.peer_unbound, listener.source_unknown */
function sourceOf(bindings: PeerBindings, context: ListenerContext, peer: Peer): () => ReturnType<ListenerContext['boundSource']> {
  const name = bindings.sourceOf(peer);
  context.boundSource(name);
  return () => context.boundSource(name);
}
