/**
 * The handshake of the forward protocol: HELO with a nonce, PING with digests of the shared key and of a user's password, PONG with a
 * digest of ours. Who a client is, is whose key its digest was made with; nothing else that it says counts.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { decode, encode } from '@msgpack/msgpack';

/** Who may send, and with what. */
export interface ForwardSender {
  readonly source: string;
  readonly sharedKey: string;
  readonly user: { readonly name: string; readonly password: string } | undefined;
}

/** What the server has drawn for one connection. */
export interface Challenge {
  readonly nonce: Uint8Array;
  /** Salt of passwords; empty where no sender has one. */
  readonly authSalt: Uint8Array;
}

/** HELO. */
export function encodeHelo({ nonce, authSalt }: Challenge): Uint8Array {
  return encode(['HELO', { nonce, auth: authSalt, keepalive: true }]);
}

/** A client's PING, read. */
export interface Ping {
  readonly salt: Buffer;
  readonly hostname: string;
  readonly keyDigest: string;
  readonly userName: string;
  readonly passwordDigest: string;
}

/** Reads a PING. @throws RangeError where it is none */
export function readPing(bytes: Uint8Array): Ping {
  const value = decode(bytes, { maxStrLength: 4096, maxBinLength: 4096, maxArrayLength: 16 });
  if (!Array.isArray(value) || value.length !== 6 || value[0] !== 'PING') throw new RangeError('it is no PING');
  const [, hostname, salt, keyDigest, userName, passwordDigest] = value as unknown[];
  const texts = { hostname, keyDigest, userName, passwordDigest };
  if (Object.values(texts).some((text) => typeof text !== 'string')) throw new RangeError('its PING holds something else than text');
  if (typeof salt !== 'string' && !(salt instanceof Uint8Array)) throw new RangeError('its PING has no salt');
  return { ...(texts as Record<keyof typeof texts, string>), salt: typeof salt === 'string' ? Buffer.from(salt) : Buffer.from(salt) };
}

/** The sender whose key and password a PING proves; undefined where it proves none. Looks at every sender, whichever it is. */
export function senderOf(ping: Ping, senders: readonly ForwardSender[], challenge: Challenge): ForwardSender | undefined {
  let found: ForwardSender | undefined;
  for (const sender of senders) {
    const isKey = sameText(
      ping.keyDigest,
      keyDigest(sender.sharedKey, { salt: ping.salt, hostname: ping.hostname, nonce: challenge.nonce }),
    );
    const { user } = sender;
    const digest = user === undefined ? '' : sha512([challenge.authSalt, user.name, user.password]);
    const isUser = user === undefined || (sameText(ping.passwordDigest, digest) && sameText(ping.userName, user.name));
    if (isKey && isUser) found ??= sender;
  }
  return found;
}

/** PONG to a PING: of a sender, with proof that we know its key; or a refusal. */
export function encodePong(ping: Ping, hostname: string, proven: { sender: ForwardSender; challenge: Challenge } | undefined): Uint8Array {
  if (proven === undefined) return encode(['PONG', false, 'shared key, user or password do not match', '', '']);
  const digest = keyDigest(proven.sender.sharedKey, { salt: ping.salt, hostname, nonce: proven.challenge.nonce });
  return encode(['PONG', true, '', hostname, digest]);
}

function keyDigest(sharedKey: string, { salt, hostname, nonce }: { salt: Uint8Array; hostname: string; nonce: Uint8Array }): string {
  return sha512([salt, hostname, nonce, sharedKey]);
}

function sha512(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha512');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest()];
  return timingSafeEqual(left, right);
}
