/**
 * Who a peer is, where its protocol carries no token: bindings in the settings, by address range or by client certificate. Nothing that
 * a message says counts. Where ranges overlap the narrowest wins; a certificate that fits two sources fits none.
 */
import type { X509Certificate } from 'node:crypto';
import { BlockList, isIP, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Clock, TocsinError } from '@tocsin/core';
import { list, named, type SettingsOf, settings, text } from '@tocsin/core/setting';

/** Settings `sources` of a listener: names you choose, each binding peers to a source. */
export const peerBindingSettings = named(
  settings({
    about: 'Binds peers to a source.',
    fields: {
      source: text({ about: 'Registered source, or `tenant/source`.', example: 'firewalls' }),
      peers: list(text({ about: 'An address or CIDR range.' }), {
        about: 'Addresses or CIDR ranges whose messages are this source’s. With `clients`, both must hold.',
        default: [],
        maxItems: 1000,
        example: '[10.1.0.0/16, 2001:db8::/32]',
      }),
      clients: list(text({ about: 'A client certificate.', pattern: '^(sha256:([0-9A-Fa-f]{2}:?){32}|dns:[^\\s]+|cn:.+)$' }), {
        about:
          'TLS client certificates whose messages are this source’s: `sha256:` and the fingerprint, `dns:` and the only DNS name, `cn:` and the common name.',
        default: [],
        maxItems: 1000,
        example: '["dns:fw1.example.net"]',
      }),
    },
    rules: [
      {
        name: 'peers or clients',
        breach: (value: { peers: readonly string[]; clients: readonly string[] }) =>
          value.peers.length + value.clients.length > 0 ? undefined : 'give peers, clients or both',
      },
    ],
  }),
  { about: 'Which source messages belong to, by who sends them. A peer that none of them fits is refused.', maxEntries: 1000 },
);

/** What `sources` say. */
export type PeerBindingsGiven = SettingsOf<typeof peerBindingSettings>;

/** Who sends: an address and, over TLS, a certificate. */
export interface Peer {
  readonly address: string;
  readonly certificate?: X509Certificate | undefined;
  /** Whether the certificate's chain leads to a trusted authority. */
  readonly isTrusted?: boolean | undefined;
}

/** Finds the source of a peer. */
export interface PeerBindings {
  /** Whether any binding asks for a certificate. */
  readonly asksForCertificates: boolean;
  /** Name of the source a peer is bound to. @throws listener.peer_unbound */
  sourceOf(peer: Peer): string;
}

interface Range {
  readonly family: 'ipv4' | 'ipv6';
  readonly prefix: number;
  readonly base: string;
  readonly list: BlockList;
}

interface Binding {
  readonly name: string;
  readonly source: string;
  readonly ranges: readonly Range[];
  readonly clients: readonly string[];
}

/** Bindings as given. `fail` makes the error for what is wrong with them. */
export function createPeerBindings(
  given: PeerBindingsGiven,
  { clock, listener, fail }: { clock: Clock; listener: string; fail: (reason: string) => TocsinError },
): PeerBindings {
  const bindings = Object.entries(given).map(
    ([name, { source, peers, clients }]): Binding => ({
      name,
      source,
      clients: clients.map(normalClient),
      ranges: peers.map((peer) => parseRange(peer, () => fail(`${peer} in sources.${name}.peers is no address or CIDR range`))),
    }),
  );
  if (bindings.length === 0) throw fail('it names no sources: nobody may send');
  refuseTwins(bindings, fail);
  const unbound = (address: string): TocsinError => new TocsinError('listener.peer_unbound', { listener, peer: address });
  return {
    asksForCertificates: bindings.some(({ clients }) => clients.length > 0),
    sourceOf(peer) {
      const address = plainAddress(peer.address);
      const identities = identitiesOf(peer, clock.nowMs());
      const found = bindings
        .map((binding) => ({ source: binding.source, width: fitOf(binding, address, identities) }))
        .filter((one) => one.width !== undefined)
        .sort((a, b) => (b.width ?? 0) - (a.width ?? 0));
      const [best, next] = found;
      if (best === undefined || (next?.width === best.width && next?.source !== best.source)) throw unbound(address);
      return best.source;
    },
  };
}

/** The peer at the other end of a connection. */
export function peerOf(socket: Socket | TLSSocket, address: string): Peer {
  if (!('getPeerX509Certificate' in socket)) return { address };
  return { address, certificate: socket.getPeerX509Certificate(), isTrusted: socket.authorized };
}

/** An IPv4 address that came in by an IPv6 socket, as itself. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** How narrowly a binding fits: a certificate more than any range, a long prefix more than a short one; undefined where it does not. */
function fitOf({ ranges, clients }: Binding, address: string, identities: ReadonlySet<string>): number | undefined {
  if (clients.length > 0 && !clients.some((client) => identities.has(client))) return undefined;
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const prefixes = ranges.filter((range) => range.family === family && range.list.check(address, family)).map(({ prefix }) => prefix);
  if (ranges.length > 0 && prefixes.length === 0) return undefined;
  return (clients.length > 0 ? 1000 : 0) + Math.max(-1, ...prefixes);
}

/** What a valid certificate may be called by; a fingerprint needs no authority. */
function identitiesOf({ certificate, isTrusted }: Peer, nowMs: number): ReadonlySet<string> {
  const found = new Set<string>();
  if (certificate === undefined || nowMs < Date.parse(certificate.validFrom) || nowMs > Date.parse(certificate.validTo)) return found;
  found.add(normalClient(`sha256:${certificate.fingerprint256}`));
  if (isTrusted !== true) return found;
  const names = (certificate.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('DNS:'));
  // Quoted names hold what no host name does; of several names none can be held responsible.
  const [name] = names;
  if (names.length === 1 && name !== undefined && !name.includes('"')) found.add(normalClient(`dns:${name.slice(4)}`));
  const common = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  if (common.length === 1 && common[0] !== undefined) found.add(normalClient(`cn:${common[0].slice(3)}`));
  return found;
}

function normalClient(client: string): string {
  if (client.startsWith('sha256:')) return `sha256:${client.slice(7).replaceAll(':', '').toLowerCase()}`;
  return client.startsWith('dns:') ? client.toLowerCase() : client;
}

function parseRange(text: string, fail: () => TocsinError): Range {
  const slash = text.indexOf('/');
  const base = slash < 0 ? text : text.slice(0, slash);
  const version = isIP(base);
  if (version === 0 || base.includes('%')) throw fail();
  const family = version === 6 ? 'ipv6' : 'ipv4';
  const bits = version === 6 ? 128 : 32;
  const prefix = slash < 0 ? bits : Number(text.slice(slash + 1));
  if (!/^\/\d{1,3}$/.test(slash < 0 ? '/0' : text.slice(slash)) || prefix > bits) throw fail();
  const list = new BlockList();
  list.addSubnet(base, prefix, family);
  return { family, prefix, base, list };
}

/** The same range for two sources would make chance decide. */
function refuseTwins(bindings: readonly Binding[], fail: (reason: string) => TocsinError): void {
  const ranges = bindings
    .filter(({ clients }) => clients.length === 0)
    .flatMap((binding) => binding.ranges.map((range) => ({ binding, range })));
  for (const { binding, range } of ranges) {
    const twin = ranges.find(
      (other) =>
        other.binding.source !== binding.source &&
        other.range.family === range.family &&
        other.range.prefix === range.prefix &&
        other.range.list.check(range.base, range.family),
    );
    if (twin)
      throw fail(`${range.base}/${range.prefix} is bound to two sources, by sources.${binding.name} and sources.${twin.binding.name}`);
  }
}
