/**
 * Where Tocsin may connect to when somebody's settings or data name the place: every address a name stands for is looked at once, and the
 * connection is made to one of those and to no other, whatever the name stands for a moment later.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { TocsinError } from '@tocsin/core';

/** An address to connect to. */
export interface OutboundAddress {
  readonly url: URL;
  readonly address: string;
  readonly family: 4 | 6;
}

/** Addresses of a name. */
export type LookUp = (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>;

/** What may be connected to. */
export interface OutboundOptions {
  /** Also what is private: one's own networks. Never what is no unicast address. */
  readonly allowPrivate: boolean;
  readonly lookUp?: LookUp | undefined;
}

/** Ranges of RFC 6890 that are nobody's on the internet. */
const PRIVATE: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[] = [
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['::1', 128, 'ipv6'],
  ['fc00::', 7, 'ipv6'],
  ['fe80::', 10, 'ipv6'],
  ['2001:db8::', 32, 'ipv6'],
  ['64:ff9b::', 96, 'ipv6'],
  ['2002::', 16, 'ipv6'],
];
/** What nobody connects to: this network, multicast, reserved, unspecified; and cloud metadata, which is no service of one's own. */
const NEVER: typeof PRIVATE = [
  ['0.0.0.0', 8, 'ipv4'],
  ['224.0.0.0', 4, 'ipv4'],
  ['240.0.0.0', 4, 'ipv4'],
  ['169.254.169.254', 32, 'ipv4'],
  ['fd00:ec2::254', 128, 'ipv6'],
  ['::', 128, 'ipv6'],
  ['ff00::', 8, 'ipv6'],
];

const privateRanges = blockList(PRIVATE);
const neverRanges = blockList(NEVER);

/** An address that a URL stands for and that may be connected to. @throws effect.forbidden_address, effect.unavailable when the name stands for nothing */
export async function checkOutbound(
  text: string,
  consumer: string,
  { allowPrivate, lookUp = systemAddresses }: OutboundOptions,
): Promise<OutboundAddress> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw new TocsinError('effect.forbidden_address', { url: 'that URL' });
  const refused = new TocsinError('effect.forbidden_address', { url: `${url.protocol}//${url.host}` });
  if (!['http:', 'https:'].includes(url.protocol) || url.username + url.password !== '') throw refused;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const found = isIP(host) === 0 ? await addressesOf(host, consumer, lookUp) : [{ address: host, family: isIP(host) }];
  const addresses = found.map(({ address, family }) => ({ address, family: family === 6 ? (6 as const) : (4 as const) }));
  // One private address among several is one too many: which one is taken is not in our hands alone.
  if (addresses.some(({ address, family }) => isForbidden(address, family, allowPrivate))) throw refused;
  const [first] = addresses;
  if (first === undefined) throw new TocsinError('effect.unavailable', { consumer, reason: `${host} has no address` });
  return { url, ...first };
}

async function addressesOf(host: string, consumer: string, lookUp: LookUp): ReturnType<LookUp> {
  try {
    return await lookUp(host);
  } catch (cause) {
    throw new TocsinError('effect.unavailable', { consumer, reason: `${host} has no address now` }, { cause });
  }
}

function isForbidden(address: string, family: 4 | 6, allowPrivate: boolean): boolean {
  const kind = family === 6 ? 'ipv6' : 'ipv4';
  // An IPv4 address in IPv6 clothes is matched as what it is by the block list itself.
  return neverRanges.check(address, kind) || (!allowPrivate && privateRanges.check(address, kind));
}

function blockList(ranges: typeof PRIVATE): BlockList {
  const list = new BlockList();
  for (const [network, prefix, family] of ranges) list.addSubnet(network, prefix, family);
  return list;
}

function systemAddresses(host: string): ReturnType<LookUp> {
  return systemLookup(host, { all: true });
}
